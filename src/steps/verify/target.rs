//! The CRM's part of the preflight: the errors and warnings of load, without a load.

use crate::cli::Session;
use crate::pg::load::catalog::Catalog;
use crate::pg::load::preflight::preflight;
use crate::pg::load::session::Crm;
use crate::steps::verify::CheckState;
use crate::steps::verify::preflight::{Look, words};

const PLACE: &str = "crm";

/// Checks the target.
pub(super) fn looks(session: &Session) -> Vec<Look> {
    let Some(dsn) = session.environment.dsn("CRM_DATABASE_URL") else {
        return vec![Look::new(PLACE, "connection", CheckState::Failed, "CRM_DATABASE_URL is not set")];
    };
    let crm = match Crm::open(&dsn) {
        Ok(crm) => crm,
        Err(error) => return vec![Look::new(PLACE, "connection", CheckState::Failed, words(&error))],
    };
    let catalog = match Catalog::read(&crm) {
        Ok(catalog) => catalog,
        Err(error) => return vec![Look::new(PLACE, "catalog", CheckState::Failed, words(&error))],
    };
    let server = format!("{}, PostgreSQL {}", crm.place(), catalog.version / 10_000);
    let mut looks = vec![Look::new(PLACE, "connection", CheckState::Passed, server)];
    let mut found = preflight(&catalog, false);
    match crate::steps::load::prove(session, &crm, &catalog, &found) {
        Ok(Some(findings)) => {
            if !findings.iter().any(|finding| finding.refuses) {
                let fits = "every row of data/crm and data/score satisfies the constraints of the tables";
                looks.push(Look::new(PLACE, "datasets", CheckState::Passed, fits));
            }
            found.add(findings);
        }
        Ok(None) => {}
        Err(error) => looks.push(Look::new(PLACE, "datasets", CheckState::NeedsAPerson, words(&error))),
    }
    let refusals = found.findings.iter().filter(|finding| finding.refuses).count();
    if refusals == 0 {
        let fits = "tables, columns, types, keys and rights are as load needs them; no trigger, rule or row security interferes";
        looks.push(Look::new(PLACE, "schema and rights", CheckState::Passed, fits));
    }
    looks.extend(found.findings.into_iter().map(|finding| {
        let (what, state) = if finding.refuses { ("error", CheckState::Failed) } else { ("warning", CheckState::NeedsAPerson) };
        Look::new(PLACE, what, state, finding.what)
    }));
    looks
}
