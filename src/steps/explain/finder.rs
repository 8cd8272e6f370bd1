//! Finds the records for a profile id, an email, a phone or a record key.

use anyhow::Result;

use crate::cli::Session;
use crate::fault::{Exit, Fault};
use crate::model::{Code, RecordKey, Source, is_ours};
use crate::model::{RecordIx, did_you_mean};
use crate::resolve::Resolution;
use crate::resolve::explain::SharedValue;
use crate::steps::contact_keys::contact_keys;
use crate::steps::resolve::Inputs;
use crate::store::Folder;
use crate::tables::stage::people;

/// The result of a search.
pub(super) struct FoundRecords {
    /// Records in record order.
    pub records: Vec<RecordIx>,
    /// The hubs of the value.
    pub hubs: Vec<SharedValue>,
    /// Whether staging keeps the value, but not as a key.
    pub is_no_key: bool,
}

impl FoundRecords {
    fn of(records: Vec<RecordIx>, hubs: Vec<SharedValue>) -> Self {
        Self { records, hubs, is_no_key: false }
    }
}

/// Searches the staged records.
pub(super) struct Finder<'a> {
    pub session: &'a Session,
    pub inputs: &'a Inputs,
    pub resolution: &'a Resolution,
}

impl Finder<'_> {
    /// The records of a profile, an email, a phone or a key.
    pub fn find(&self, who: &str) -> Result<FoundRecords> {
        let who = who.trim();
        let mut keys = vec![who.to_owned()];
        keys.extend(contact_keys(self.session, who));
        keys.sort_unstable();
        keys.dedup();
        let mut records: Vec<RecordIx> = keys.iter().flat_map(|key| self.resolution.find(key)).collect();
        records.sort_unstable();
        records.dedup();
        if !records.is_empty() {
            return Ok(FoundRecords::of(records, keys.iter().flat_map(|key| self.resolution.hubs_of(key)).collect()));
        }
        // A bare id, if a source has it.
        let keys_of = |source| RecordKey { source, id: who };
        let records: Vec<RecordIx> =
            self.inputs.phase.sources().filter_map(|source| self.resolution.population.find(keys_of(source))).collect();
        if !records.is_empty() {
            return Ok(FoundRecords::of(records, Vec::new()));
        }
        let is_value = !who.is_empty() && !who.contains(':') && !is_ours(who);
        let records = if is_value { self.by_value(&keys)? } else { Vec::new() };
        if !records.is_empty() {
            return Ok(FoundRecords { records, hubs: Vec::new(), is_no_key: true });
        }
        Err(self.nobody(who).into())
    }

    /// Records with a value that is not a key.
    fn by_value(&self, keys: &[String]) -> Result<Vec<RecordIx>> {
        let stage = Folder::open(&self.session.layout.stage())?;
        let mut found = Vec::new();
        for source in self.inputs.phase.sources() {
            for batch in stage.read::<people::Table>(Some(source))? {
                for row in batch?.rows() {
                    let is_it = |value: &str| keys.iter().any(|key| key.eq_ignore_ascii_case(value));
                    if row.email.is_some_and(is_it) || row.phone.is_some_and(is_it) {
                        found.extend(self.resolution.population.find(RecordKey { source, id: row.source_id }));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The error for a question that no record answers, with what may have been meant.
    fn nobody(&self, who: &str) -> Fault {
        if let Some(change) = self.resolution.change_of(who) {
            let fault = Fault::new(Exit::Usage, "this profile id no longer exists (merged or split)");
            return match &change.new[..] {
                [] => fault.help("none of its records is exported any more, or all are skipped"),
                new => fault.help(format!("its records are now in: {}", new.join(", "))).help(format!("explain {}", new[0])),
            };
        }
        let Some((code, id)) = who.split_once(':') else {
            let fault = Fault::new(Exit::Usage, "no staged record has that key, email or phone");
            return fault.help("explain scl:members:1001, explain teetime:<id>, explain somebody@example.com, explain +27…");
        };
        let Some(source) = Source::from_code(code) else {
            let fault = Fault::new(Exit::Usage, "no staged record has that key: its first part is not a source");
            return match did_you_mean(code, Source::ALL.iter().map(|source| source.code())) {
                Some(near) => fault.help(format!("did you mean source {near:?}?")),
                None => fault.help("sources: mca_za, mca_uk, scl, teetime, messaging"),
            };
        };
        let entity = source.people();
        if source.phase() > self.inputs.phase {
            let (phase, of) = (self.inputs.phase.number(), source.phase().number());
            let fault = Fault::new(Exit::Usage, format!("{code} joins in phase {of}, and phase {phase} is staged"));
            return fault.help(format!("make stage resolve PHASE={of}"));
        }
        if id.contains(':') && !id.starts_with(&format!("{entity}:")) {
            let fault = Fault::new(Exit::Usage, format!("the person records of {code} are its {entity}"));
            return fault.help(format!("a record of {code} is {code}:{entity}:<id>, or {code}:<id> for short"));
        }
        let fault = Fault::new(Exit::Usage, format!("no staged record of {entity} of {code} has that id"));
        fault.help("a row that was rejected is in check__rejects: make inspect ARGS=\"check__rejects\"")
    }
}
