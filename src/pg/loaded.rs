//! What a CRM holds of which source: rows per exported entity, noted by each load, and which database it is.

use std::collections::BTreeMap;

use anyhow::Result;

use crate::pg::Connection;
use crate::pg::load::session::Crm;

const IDENTITY: &str = include_str!("../../sql/crm/database_identity.sql");

/// Rows per exported entity (`teetime.players`) that the last load was made of; empty where no load noted them.
pub fn read(crm: &Crm) -> Result<BTreeMap<String, u64>> {
    crm.doing("read what is loaded");
    if !crm.one("select to_regclass('backfill.loaded') is not null", &[])?.get::<_, bool>(0) {
        return Ok(BTreeMap::new());
    }
    let rows = crm.query("select entity, row_count from backfill.loaded", &[])?;
    Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1).unsigned_abs())).collect())
}

/// Notes the rows of every exported entity, in the transaction that loads them.
pub fn write(crm: &Crm, entities: &[(String, u64)]) -> Result<()> {
    crm.doing("note what is loaded");
    let names: Vec<&str> = entities.iter().map(|(name, _)| name.as_str()).collect();
    let rows: Vec<i64> = entities.iter().map(|(_, rows)| i64::try_from(*rows).unwrap_or(i64::MAX)).collect();
    crm.run("delete from backfill.loaded")?;
    crm.execute(include_str!("../../sql/crm/insert_loaded.sql"), &[&names, &rows])?;
    Ok(())
}

/// Which database a CRM is, where its server tells: the same for every way to it, another one for every copy.
pub fn identity_of_crm(crm: &Crm) -> Option<String> {
    crm.query(IDENTITY, &[]).ok()?.first().map(|row| row.get(0))
}

/// The same of any database. Not inside a transaction, which a refusal would end.
pub fn identity(connection: &Connection) -> Option<String> {
    connection.query(IDENTITY, &[]).ok()?.first().map(|row| row.get(0))
}
