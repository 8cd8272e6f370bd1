//! `stage`: every export of the phase's sources in one shape, normalised, with a reason for every value that was changed or refused.

mod account;
mod position;
mod source;
mod values;

use anyhow::Result;
use serde_json::json;

use crate::cli::{Outcome, Session};
use crate::config::{Config, Keyless, Tenantless};
use crate::fault::{Exit, Fault};
use crate::model::date::DateOrder;
use crate::model::{Code, Phase, Reference, Reviews, Source, Timestamp, did_you_mean, thousands};
use crate::sources::staging::{Entity, Rules, StagingOptions, Visitor, each_entity};
use crate::steps::{nothing_to_do, unchanged};
use crate::store::{Draft, Folder, Manifest, RunLock, read_text};

use account::Account;

/// Arguments of `stage`.
#[derive(clap::Args, Debug, Default)]
pub struct Args {
    /// Also write the original rows of all refused values and rows as CSV (mode 0600): they hold personal data
    #[arg(long)]
    pub with_values: bool,
    /// Show how many values were cleaned, defaulted and rejected, not each reason
    #[arg(long)]
    pub brief: bool,
}

const NEXT: &str = "make resolve";

/// Reads `data/exports`, writes `data/stage`.
pub fn run(session: &Session, args: Args) -> Result<Outcome> {
    let _lock = RunLock::take(&session.layout, "stage")?;
    check_date_orders(&session.config)?;
    let phase = session.phase.unwrap_or(Phase::LAST);
    let exports = open_exports(session, phase)?;
    let (as_of_text, as_of) = as_of(session, &exports)?;
    let maps = read_maps(session)?;
    let (reviews_text, reviews) = read_reviews(session)?;
    let mut manifest = manifest(session, phase, &as_of_text, &exports, &maps);
    manifest.input("reviews", reviews_text.as_bytes());
    let target = session.layout.stage();
    if !args.with_values
        && let Some(done) = unchanged(&target, &manifest)?
    {
        return Ok(nothing_to_do("stage", &done, NEXT));
    }
    let rules = rules(session, as_of, &maps, reviews)?;
    let draft = Draft::create(&target, &as_of_text)?;
    let mut account = Account::new(&draft)?;
    for (source, export) in &exports {
        source::stage(session, *source, export, &draft, &rules, &mut account, args.with_values)?;
    }
    account.refuse_too_many_rejects(session.config.load.max_reject_ratio)?;
    account.refuse_unreadable(&exports, &session.config.load)?;
    session.progress.line(&account.values().text(args.brief));
    let outcome = outcome(&account, phase);
    account.finish(&draft, &mut manifest)?;
    draft.finish(manifest, &session.layout.previous("stage"))?;
    Ok(outcome)
}

fn open_exports(session: &Session, phase: Phase) -> Result<Vec<(Source, Folder)>> {
    phase.sources().map(|source| Ok((source, Folder::open(&session.layout.exports(source))?))).collect()
}

/// The one instant of all exports.
fn as_of(session: &Session, exports: &[(Source, Folder)]) -> Result<(String, Timestamp)> {
    let (_, first) = exports.first().expect("every phase has a source");
    for (source, export) in exports {
        if export.manifest.as_of != first.manifest.as_of {
            let what = format!(
                "the exports were made as of different instants: {} is as of {}, {} as of {}",
                exports[0].0, first.manifest.as_of, source, export.manifest.as_of
            );
            return Err(Fault::new(Exit::Input, what)
                .at(export.path().display().to_string())
                .help("renew them together: make export FRESH=1")
                .into());
        }
    }
    Ok((first.manifest.as_of.clone(), session.check_as_of(&first.manifest.as_of, first.path())?))
}

/// The code maps of the reference folder; a map that is not there is as committed.
fn read_maps(session: &Session) -> Result<Vec<(&'static str, String)>> {
    let folder = session.config.resolve(&session.config.paths.reference);
    Reference::files()
        .map(|(name, committed)| Ok((name, read_text(&folder.join(name))?.unwrap_or_else(|| committed.to_owned()))))
        .collect()
}

/// What people decided about cells that could not be read, as text and read.
pub fn read_reviews(session: &Session) -> Result<(String, Reviews)> {
    let path = session.config.resolve(&session.config.consent.reviews);
    let text = read_text(&path)?.unwrap_or_default();
    let reviews = Reviews::parse(&text)
        .map_err(|what| Fault::new(Exit::Usage, what).at(path.display().to_string()).help("docs/codes.md has an example"))?;
    Ok((text, reviews))
}

fn manifest(session: &Session, phase: Phase, as_of: &str, exports: &[(Source, Folder)], maps: &[(&str, String)]) -> Manifest {
    let mut manifest = Manifest::new("stage", as_of, Some(phase.number()));
    for (source, export) in exports {
        manifest.input(format!("exports/{source}"), export.manifest.content_hash().as_bytes());
    }
    for (name, text) in maps {
        manifest.input(format!("reference/{name}"), text.as_bytes());
    }
    let config = &session.config;
    // Settings of later steps must not make staging run again.
    let settings = json!({
        "tenants": config.tenants,
        "tenantless": config.identity.tenantless,
        "keyless": config.identity.keyless,
        "act_sources": config.consent.act_sources,
        "max_reject_ratio": config.load.max_reject_ratio,
        "max_unreadable_ratio": config.load.max_unreadable_ratio,
        "max_unreadable_decisive": config.load.max_unreadable_decisive,
        "date_order": config.dates.order,
    });
    manifest.input("settings", settings.to_string().as_bytes());
    manifest
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
        date_orders: config.dates.order.iter().map(|(column, order)| (column.clone(), date_order(*order))).collect(),
        reference,
        reviews,
    }
}

fn date_order(order: crate::config::DateOrder) -> DateOrder {
    match order {
        crate::config::DateOrder::DayFirst => DateOrder::DayFirst,
        crate::config::DateOrder::MonthFirst => DateOrder::MonthFirst,
    }
}

/// Every column of dates by the name that `[dates.order]` knows it by.
struct DateColumns(Vec<String>);

impl Visitor for DateColumns {
    type Error = std::convert::Infallible;

    fn visit<T: Entity>(&mut self) -> Result<(), Self::Error> {
        self.0.extend(T::DATES.iter().map(|(column, _)| format!("{}.{}.{column}", T::SOURCE, T::ENTITY)));
        Ok(())
    }
}

/// Refuses an order for a column that is not one of dates.
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

fn outcome(account: &Account, phase: Phase) -> Outcome {
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
    Outcome::new(text, summary).next(NEXT)
}
