//! `local`: the private PostgreSQL of the demo, with the invented population.

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::cli::{Session, StepOutcome};
use crate::demo::{self, Community, DemoPopulation, DemoRecords, Filled, Marker};
use crate::fault::{Exit, Fault};
use crate::model::did_you_mean;
use crate::model::thousands;
use crate::model::{Code as _, Source, Timestamp};
use crate::pg::local::{LocalServer, Purpose};
use crate::store::{Folder, RunLock, replace_file};
use crate::tables::resolution::links;

/// Arguments of `local`.
#[derive(clap::Args, Debug)]
pub struct LocalArgs {
    /// The command.
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand, Debug)]
enum Command {
    /// Start the server, fill the five source databases and create the CRM's tables, unless that is done already
    Up(Up),
    /// Stop the server; its data stays
    Down,
    /// Show whether the server runs, where, and with which databases
    Status,
    /// Print the six URLs as shell commands: eval "$(local urls)"
    Urls,
    /// Compare data/resolve with the truth of the population
    Truth,
    /// Write five small sources whose every column mixes all known writings, gaps, breaks and random text: dumps for --csv
    Chaos(ChaosArgs),
}

#[derive(clap::Args, Debug)]
struct ChaosArgs {
    /// Where to: a folder for each source
    #[arg(value_name = "DIR")]
    folder: std::path::PathBuf,
    /// Seed: the same seed gives the same bytes
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Make databases of them as well, chaos_mca_za to chaos_messaging, on the local PostgreSQL (make up)
    #[arg(long)]
    tables: bool,
}

#[derive(clap::Args, Debug)]
struct Up {
    /// Size of the population; 1 is 270,000 person records, 400,000 bookings, 600,000 messages
    #[arg(long, value_name = "SIZE", default_value_t = 0.02)]
    scale: f64,
    /// Seed: the same seed, size and as_of give the same rows
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Kind of population: ordinary, families or rough
    #[arg(long, value_name = "NAME", default_value = "ordinary")]
    population: String,
    /// Empty the CRM first, so that phase 1 can start again
    #[arg(long)]
    empty_crm: bool,
}

/// Runs one of the commands.
pub fn run(session: &Session, args: LocalArgs) -> Result<StepOutcome> {
    let folder = session.layout.root().join("postgres");
    match args.command {
        Command::Up(up) => start(session, &folder, &up),
        Command::Down => match LocalServer::attach(&folder) {
            Ok(server) => {
                server.stop()?;
                Ok(StepOutcome::new("stopped; make up starts it again with the same data\n", json!({ "stopped": true })))
            }
            Err(_) => Ok(StepOutcome::new("no local PostgreSQL is running\n", json!({ "stopped": false }))),
        },
        Command::Status => status(session, &folder),
        Command::Urls => {
            let server = LocalServer::attach(&folder)?;
            let urls = urls(&server);
            let text = urls.iter().map(|(variable, url)| format!("export {variable}='{url}'\n")).collect::<String>();
            let summary =
                urls.into_iter().map(|(variable, url)| (variable.to_owned(), json!(url))).collect::<serde_json::Map<_, _>>();
            Ok(StepOutcome::new(text, summary.into()))
        }
        Command::Truth => truth(session),
        Command::Chaos(asked) => chaos(&folder, &asked),
    }
}

fn chaos(server: &std::path::Path, asked: &ChaosArgs) -> Result<StepOutcome> {
    let made = demo::chaos::make(asked.seed);
    demo::chaos::write_dumps(&made, &asked.folder)?;
    let mut text = format!("seed {}: dumps of five sources in {}\n", asked.seed, asked.folder.display());
    if asked.tables {
        let server = LocalServer::attach(server)?;
        for &source in Source::ALL {
            let name = format!("chaos_{}", source.code());
            server.drop_database(&name)?;
            server.create_database(&name)?;
            let mut client = server.client(&name)?;
            for statement in demo::chaos::statements(&made, source) {
                client.execute(&statement)?;
            }
            text.push_str(&format!("  export {}='{}'\n", source.url_variable(), server.url(&name)));
        }
    }
    let as_of = demo::chaos::as_of();
    let next = format!("crm-backfill export-scl --csv {}/scl --as-of {as_of}, and so on", asked.folder.display());
    Ok(StepOutcome::new(text, json!({ "seed": asked.seed, "as_of": as_of.to_string() })).next(next))
}

fn urls(server: &LocalServer) -> Vec<(&'static str, String)> {
    let mut urls =
        Source::ALL.iter().map(|source| (source.url_variable(), server.url(&demo::database(Some(*source))))).collect::<Vec<_>>();
    urls.push(("CRM_DATABASE_URL", server.url(&demo::database(None))));
    urls
}

fn start(session: &Session, folder: &std::path::Path, up: &Up) -> Result<StepOutcome> {
    let layout = &session.layout;
    let population = DemoPopulation::named(&up.population).ok_or_else(|| {
        let known = DemoPopulation::ALL.iter().map(|population| population.name);
        let fault = Fault::new(Exit::Usage, format!("no population is called {:?}", up.population));
        match did_you_mean(&up.population, known.clone()) {
            Some(near) => fault.help(format!("did you mean {near:?}?")),
            None => fault.help(format!("known: {}", known.collect::<Vec<_>>().join(", "))),
        }
    })?;
    if !(0.001..=20.0).contains(&up.scale) {
        return Err(Fault::new(Exit::Usage, format!("a population of size {} is not possible", up.scale))
            .help("0.001 to 20")
            .into());
    }
    demo::refuse_foreign(layout)?;
    let _lock = RunLock::take(layout, "local up")?;
    let as_of = session.as_of.unwrap_or_else(demo::default_as_of);
    let marker = Marker::new(population, up.scale, up.seed, as_of);
    let is_made = Marker::read(layout)?.as_ref() == Some(&marker);
    let server = LocalServer::start(folder, Purpose::Demo)?;
    let mut is_whole = is_made;
    for source in Source::ALL {
        is_whole = is_whole && server.has_database(&demo::database(Some(*source)))?;
    }
    let (text, made) = if is_whole {
        if up.empty_crm || !server.has_database(&demo::database(None))? {
            demo::empty_crm(&server, up.seed, as_of)?;
        }
        ("the invented population exists already\n".to_owned(), Vec::new())
    } else {
        make(session, &server, &marker, population, as_of)?
    };
    let port = server.port();
    let urls = urls(&server).into_iter().map(|(variable, url)| format!("  {variable:<24} {url}\n")).collect::<String>();
    let summary = json!({
        "port": port,
        "folder": folder.display().to_string(),
        "rows": made.iter().map(|(table, rows)| (table.clone(), json!(rows))).collect::<serde_json::Map<_, _>>(),
        "marker": marker,
    });
    Ok(StepOutcome::new(format!("{text}{urls}"), summary).next("eval \"$(target/release/local urls)\", then make phase1"))
}

/// Creates another population than the folder's. Everything of the former one is removed first, so that nothing is mixed.
fn make(
    session: &Session,
    server: &LocalServer,
    marker: &Marker,
    population: &DemoPopulation,
    as_of: Timestamp,
) -> Result<(String, Vec<(String, u64)>)> {
    let layout = &session.layout;
    demo::clear(layout)?;
    let records = DemoRecords::new(Community::new(population, marker.seed, marker.scale, as_of));
    let mut made = Vec::new();
    for (database, tables) in demo::populate(server, &records)? {
        let rows: u64 = tables.iter().map(|filled| filled.rows).sum();
        session.progress.done(format!("{database}   {} tables, {} rows", tables.len(), thousands(rows)));
        let of = |filled: &Filled| (format!("{database}.{}", filled.table.trim_matches('"')), filled.rows);
        made.extend(tables.iter().map(of));
    }
    demo::truth::write(&records, &demo::truth::path(layout))?;
    replace_file(&layout.as_of(), as_of.to_string().as_bytes())?;
    marker.write(layout)?;
    let rows: u64 = made.iter().map(|(_, rows)| rows).sum();
    let text = format!(
        "invented {} people in {} rows of six databases (population {}, size {}, seed {}, as of {as_of})\n",
        thousands(records.people() as u64),
        thousands(rows),
        marker.population,
        marker.scale,
        marker.seed,
    );
    Ok((text, made))
}

fn status(session: &Session, folder: &std::path::Path) -> Result<StepOutcome> {
    let Ok(server) = LocalServer::attach(folder) else {
        return Ok(StepOutcome::new("no local PostgreSQL is running\n", json!({ "running": false })).next("make up"));
    };
    let mut client = server.client("postgres")?;
    let rows = client.demo_databases()?;
    let mut text = format!("running in {} on port {}\n", server.folder().display(), server.port());
    if let Some(marker) = Marker::read(&session.layout)? {
        text.push_str(&format!(
            "population {}, size {}, seed {}, as of {}\n",
            marker.population, marker.scale, marker.seed, marker.as_of
        ));
    }
    for row in rows {
        let cells = row.into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>();
        text.push_str(&format!("  {:<16} {}\n", cells[0], cells[1]));
    }
    Ok(StepOutcome::new(text, json!({ "running": true, "port": server.port() })))
}

fn truth(session: &Session) -> Result<StepOutcome> {
    let known = demo::truth::read(&demo::truth::path(&session.layout))?;
    let folder = Folder::open(&session.layout.resolve())?;
    let batches = folder.read_all::<links::Table>(None)?;
    let rows = batches.iter().flat_map(links::Columns::rows);
    let mut compared = Vec::new();
    for row in rows {
        let truth = known
            .get(&(row.source, row.source_id.to_owned()))
            .with_context(|| format!("{} holds a record that is not of this population", folder.path().display()))?;
        compared.push((*truth, row.tenant_id, row.profile_id));
    }
    let found = demo::truth::compare(compared);
    let figure = |value: f64| format!("{value:.4}");
    let lines = [
        ("records", thousands(found.records)),
        ("profiles", thousands(found.profiles)),
        ("precision of pairs", figure(found.pairs.precision())),
        ("… pairs inside a household aside", figure(found.pairs.precision_beyond_households())),
        ("recall of pairs within a tenant", figure(found.recall_within_tenant())),
        ("largest profile", format!("{} records", found.pairs.largest)),
    ];
    let text = lines.iter().map(|(name, value)| format!("  {name:<34} {value:>12}\n")).collect::<String>();
    let summary = json!({
        "records": found.records,
        "profiles": found.profiles,
        "precision": found.pairs.precision(),
        "precision_between_households": found.pairs.precision_beyond_households(),
        "recall_within_tenant": found.recall_within_tenant(),
        "largest": found.pairs.largest,
    });
    Ok(StepOutcome::new(format!("the resolution, compared with the truth of the population\n{text}"), summary))
}
