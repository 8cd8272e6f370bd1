//! Rows per exported entity that each load records in the CRM, and the identity of a database.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::load::session::Crm;

const IDENTITY: &str = include_str!("../../sql/crm/database_identity.sql");

/// Rows per exported entity (`teetime.players`) of the last load; empty if they were not recorded.
pub fn read(crm: &Crm) -> Result<BTreeMap<String, u64>> {
    crm.doing("reading what is loaded");
    if !crm.one("select to_regclass('backfill.loaded') is not null", &[])?.get::<_, bool>(0) {
        return Ok(BTreeMap::new());
    }
    let rows = crm.query("select entity, row_count from backfill.loaded", &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
}

/// Records the rows of every exported entity, in the transaction of the load.
pub fn write(crm: &Crm, entities: &[(String, u64)]) -> Result<()> {
    crm.doing("noting what is loaded");
    let names: Vec<&str> = entities.iter().map(|(name, _)| name.as_str()).collect();
    let rows: Vec<i64> = entities.iter().map(|(_, rows)| i64::try_from(*rows).expect("counts fit in 63 bits")).collect();
    crm.run("delete from backfill.loaded")?;
    crm.execute(include_str!("../../sql/crm/insert_loaded.sql"), &[&names, &rows])?;
    Ok(())
}

/// The identity of the CRM's database, if the server gives it. It does not depend on the connection, and differs for copies of a
/// database.
pub fn identity_of_crm(crm: &Crm) -> Option<String> {
    crm.query(IDENTITY, &[]).ok()?.first().map(|row| row.get(0))
}

/// The same for any database. Must not run inside a transaction, which an error would end.
pub fn identity(connection: &Connection) -> Option<String> {
    connection.query(IDENTITY, &[]).ok()?.first().map(|row| row.get(0))
}
