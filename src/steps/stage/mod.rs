//! `stage`: cleans and normalises the exports of the phase's sources into one shape, with a reason for every changed or rejected value.

mod account;
mod position;
mod reuse;
mod source;
mod values;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::config::{Config, Keyless, Tenantless};
use crate::fault::{Exit, Fault};
use crate::model::{Code, Phase, Reference, Reviews, Source, Timestamp, did_you_mean, thousands};
use crate::sources::staging::{Entity, Rules, StagingOptions, Visitor, each_entity};
use crate::steps::{Again, binding, inputs, nothing_to_do, unchanged};
use crate::store::{Draft, Folder, RunLock};

use account::StageAccount;
use reuse::Former;
use values::ValueFiles;

/// Arguments of `stage`.
#[derive(clap::Args, Debug, Default)]
pub struct StageArgs {
    /// Also write the original rows of all rejected values as CSV into data/rejects (mode 0600); they contain personal data
    #[arg(long)]
    pub with_values: bool,
    /// Whether to run although nothing changed.
    #[command(flatten)]
    pub again: Again,
    /// Show how many values were cleaned, defaulted and rejected, not each reason
    #[arg(long)]
    pub brief: bool,
}

const NEXT: &str = "make resolve";

/// Reads `data/exports`, writes `data/stage`.
pub fn run(session: &Session, args: StageArgs) -> Result<StepOutcome> {
    let _lock = RunLock::take(&session.layout, "stage")?;
    check_date_orders(&session.config)?;
    let phase = if args.with_values { phase_of_folder(session) } else { session.phase.unwrap_or(Phase::LAST) };
    let exports = binding::exports(session, phase)?;
    let (as_of_text, as_of) = inputs::as_of(session, &exports)?;
    let maps = inputs::maps(session)?;
    let (reviews_text, reviews) = inputs::reviews(session)?;
    let manifest = inputs::of_stage(session, phase, &as_of_text, &exports, &maps, &reviews_text);
    let target = session.layout.stage();
    let done = unchanged(session, &target, &manifest, args.again)?;
    if let Some(done) = done.as_ref().filter(|_| !args.with_values) {
        return Ok(nothing_to_do("stage", done, NEXT));
    }
    let rules = rules(session, as_of, &maps, reviews)?;
    let draft = Draft::create(&target, &as_of_text)?;
    let mut account = StageAccount::new(&draft)?;
    let mut values = args.with_values.then(ValueFiles::default);
    let former = if args.with_values { None } else { Former::find(&target, &manifest, args.again) };
    for (source, export) in &exports {
        if let Some(former) = &former
            && former.take_over(*source, &draft, &mut account)?
        {
            session.progress.line(&format!(
                " {source}: export, rules and settings are unchanged: its staged rows are reused (--force stages it again)"
            ));
            continue;
        }
        source::stage(session, *source, export, &draft, &rules, &mut account, values.as_mut())?;
    }
    // Written first, because they are needed if the step fails for too many rejects.
    let shown = values.map(|values| values.write(session, &manifest)).transpose()?;
    account.refuse_too_many_rejects(session.config.load.max_reject_ratio, shown.as_deref())?;
    account.refuse_unreadable(&exports, &session.config.load)?;
    session.progress.line(&account.values().text(args.brief));
    let mut outcome = outcome(&account, phase);
    if let Some(shown) = shown {
        outcome.text.push_str(&format!(" {shown}\n"));
        outcome.summary["refused_rows"] = json!(shown);
    }
    let mut manifest = manifest;
    account.finish(&draft, &mut manifest)?;
    if done.is_none() {
        draft.finish(manifest, &session.layout.previous("stage"))?;
    }
    Ok(outcome)
}

/// The requested phase, else that of the staged folder, else the last one with all its exports.
fn phase_of_folder(session: &Session) -> Phase {
    let staged = || Folder::find_readable(&session.layout.stage()).and_then(|folder| Phase::new(folder.manifest.phase?));
    let exported = || {
        let is_exported = |phase: &Phase| phase.sources().all(|source| session.layout.exports(source).exists());
        (1..=Phase::LAST.number()).rev().filter_map(Phase::new).find(is_exported)
    };
    session.phase.or_else(staged).or_else(exported).unwrap_or(Phase::LAST)
}

fn rules(session: &Session, as_of: Timestamp, maps: &[(&'static str, String)], reviews: Reviews) -> Result<Rules> {
    let reference = Reference::parse(maps).map_err(|error| {
        let folder = session.config.resolve(&session.config.paths.reference);
        Fault::new(Exit::Usage, format!("line {}: {}", error.line, error.what)).at(folder.join(error.file).display().to_string())
    })?;
    Rules::new(options(&session.config, as_of, reference, reviews))
        .map_err(|error| Fault::new(Exit::Usage, error.to_string()).help("codes are ISO 3166, such as \"ZA\" or \"GB\"").into())
}

/// The settings of staging.
fn options(config: &Config, as_of: Timestamp, reference: Reference, reviews: Reviews) -> StagingOptions {
    let tenants = &config.tenants;
    StagingOptions {
        as_of,
        mca_za: tenants.mca_za.clone(),
        mca_uk: tenants.mca_uk.clone(),
        tenantless: (config.identity.tenantless == Tenantless::Default).then(|| tenants.default.clone()),
        map: tenants.map.clone(),
        regions: tenants
            .regions
            .iter()
            .map(|(tenant, region)| (tenant.clone(), (region.region.clone(), region.timezone.clone())))
            .collect(),
        keyless: config.identity.keyless == Keyless::Profile,
        act_sources: config.consent.act_sources.clone(),
        date_orders: config.dates.order.clone(),
        reference,
        reviews,
    }
}

/// Every date column, by its name in `[dates.order]`.
struct DateColumns(Vec<String>);

impl Visitor for DateColumns {
    type Error = std::convert::Infallible;

    fn visit<T: Entity>(&mut self) -> Result<(), Self::Error> {
        self.0.extend(T::DATES.iter().map(|(column, _)| format!("{}.{}.{column}", T::SOURCE, T::ENTITY)));
        Ok(())
    }
}

/// Fails for an order of a column that does not hold dates.
fn check_date_orders(config: &Config) -> Result<()> {
    let mut columns = DateColumns(Vec::new());
    for source in Source::ALL {
        let Ok(()) = each_entity(*source, &mut columns);
    }
    let Some(unknown) = config.dates.order.keys().find(|name| !columns.0.contains(name)) else { return Ok(()) };
    let near = did_you_mean(unknown, columns.0.iter().map(String::as_str)).map(|near| format!("did you mean {near:?}?"));
    let help = near.unwrap_or_else(|| format!("columns of dates: {}", columns.0.join(", ")));
    Err(Fault::new(Exit::Usage, format!("dates.order names {unknown:?}, which is not a column of dates")).help(help).into())
}

fn outcome(account: &StageAccount, phase: Phase) -> StepOutcome {
    let mut text = String::new();
    for entity in &account.entities {
        let left_out = match entity.rejected {
            0 => String::new(),
            rejected => format!(", {} left out", thousands(rejected)),
        };
        text.push_str(&format!(" {:>12} {}.{}{left_out}\n", thousands(entity.rows), entity.source, entity.entity));
    }
    for (effect, values, kinds) in account.by_effect() {
        text.push_str(&format!(" {:>12} values {} ({kinds} kinds)\n", thousands(values), effect.code().to_lowercase()));
    }
    for unknown in account.unknown_codes() {
        text.push_str(&format!(" ! {unknown}\n"));
    }
    let entities = account.entities.iter().map(|entity| {
        json!({ "source": entity.source.code(), "entity": entity.entity, "rows": entity.rows, "left_out": entity.rejected })
    });
    let effects: serde_json::Map<_, _> =
        account.by_effect().into_iter().map(|(effect, values, _)| (effect.code().to_lowercase(), json!(values))).collect();
    let summary = json!({ "phase": phase.number(), "entities": entities.collect::<Vec<_>>(), "values": effects });
    StepOutcome::new(text, summary).next(NEXT)
}
