//! Reuses the staged files of sources whose export, rules and settings have not changed.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use anyhow::Result;

use crate::model::{Code as _, Source};
use crate::sources::staging::{Entity, Visitor, each_entity};
use crate::steps::Again;
use crate::steps::stage::account::StageAccount;
use crate::store::{Draft, Folder, Manifest};

/// The folder that was staged before, and its sources that can be reused.
pub struct Former {
    folder: Folder,
    sources: Vec<Source>,
}

impl Former {
    /// The folder that is about to be replaced, if the same program made it with the same rules and settings.
    pub fn find(target: &Path, now: &Manifest, again: Again) -> Option<Self> {
        let folder = Folder::find_readable(target).filter(|_| !again.force)?;
        let then = &folder.manifest;
        let rules = |manifest: &Manifest| -> BTreeMap<String, String> {
            manifest
                .inputs
                .iter()
                .filter(|(name, _)| !name.starts_with("exports/"))
                .map(|(name, hash)| (name.clone(), hash.clone()))
                .collect()
        };
        let is_same_rules = (then.format, &then.step, &then.as_of, &then.binary)
            == (now.format, &now.step, &now.as_of, &now.binary)
            && rules(then) == rules(now);
        let is_same = |source: &&Source| {
            let name = format!("exports/{source}");
            then.inputs.contains_key(&name) && then.inputs.get(&name) == now.inputs.get(&name)
        };
        let sources = Source::ALL.iter().filter(is_same).copied().collect();
        is_same_rules.then_some(Self { folder, sources })
    }

    /// Reuses a source; `false` if it must be staged.
    pub fn take_over(&self, source: Source, draft: &Draft, account: &mut StageAccount) -> Result<bool> {
        if !self.sources.contains(&source) {
            return Ok(false);
        }
        // A damaged file is staged again.
        let prefix = format!("stg_{}__", source.code());
        let names: Vec<&String> = self.folder.manifest.files.keys().filter(|name| name.starts_with(&prefix)).collect();
        let account_files = ["check__findings.parquet", "check__rejects.parquet"];
        if account_files.iter().any(|name| self.folder.verify(name).is_err()) {
            return Ok(false);
        }
        let Ok(entries) = names.iter().map(|name| self.folder.verify(name)).collect::<Result<Vec<_>>>() else {
            return Ok(false);
        };
        let mut entities = Entities::default();
        let Ok(()) = each_entity(source, &mut entities);
        if !account.take_over(source, &entities.0, &self.folder)? {
            return Ok(false);
        }
        for (name, entry) in names.into_iter().zip(entries) {
            draft.adopt(&self.folder, name, entry)?;
        }
        Ok(true)
    }
}

#[derive(Default)]
struct Entities(Vec<&'static str>);

impl Visitor for Entities {
    type Error = Infallible;

    fn visit<T: Entity>(&mut self) -> Result<(), Self::Error> {
        self.0.push(T::ENTITY);
        Ok(())
    }
}
