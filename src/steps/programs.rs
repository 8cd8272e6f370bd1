//! The catalogue of all commands: name, purpose, help and arguments, each declared once for binary, dispatcher, man page and tests.

use clap::{Args, FromArgMatches as _};

use crate::cli::Program;
use crate::fault::{Exit, Fault};
use crate::model::Source;
use crate::steps::{
    audit, check_connections, checklist, compare, consolidate, evidence, explain, export, export_crm, inspect, load, overview,
    plan, purge, report, resolve, rollback, score, stage, status, verify, watermarks,
};

/// Builds a command from its arguments, its step and its help text.
macro_rules! program {
    ($arguments:ty, $run:expr, $name:expr, $about:expr, $help:expr $(,)?) => {
        Program {
            name: $name,
            about: $about,
            help: $help,
            arguments: <$arguments as Args>::augment_args,
            run: |session, matches| {
                let arguments = <$arguments>::from_arg_matches(matches);
                $run(session, arguments.map_err(|error| Fault::new(Exit::Usage, error.to_string()))?)
            },
        }
    };
}

macro_rules! export_of {
    ($constant:ident, $of:expr, $source:literal, $verb:literal, $folder:literal, $variable:literal, $what:literal) => {
        #[doc = concat!("Export of ", $source, ".")]
        pub const $constant: Program = program!(
            export::ExportArgs,
            |session, arguments: export::ExportArgs| export::run(session, $of, &arguments),
            $verb,
            concat!("Export ", $source, " to Parquet: ", $what, ", in one snapshot"),
            concat!(
                "Reads ",
                $variable,
                " in one read-only transaction and writes data/exports/",
                $folder,
                ". The SQL is in sql/exports/",
                $folder,
                ".\nExamples:\n  crm-backfill ",
                $verb,
                "\n  crm-backfill ",
                $verb,
                " --if-missing\n  crm-backfill ",
                $verb,
                " --csv dumps --encoding windows-1252"
            ),
        );
    };
}

export_of!(
    EXPORT_MCA_ZA,
    Source::McaZa,
    "MCA v1 South Africa",
    "export-mca-za",
    "mca_za",
    "MCA_ZA_DATABASE_URL",
    "members, clubs, club memberships and handicaps"
);
export_of!(
    EXPORT_MCA_UK,
    Source::McaUk,
    "MCA v1 United Kingdom",
    "export-mca-uk",
    "mca_uk",
    "MCA_UK_DATABASE_URL",
    "members, clubs and club memberships"
);
export_of!(
    EXPORT_SCL,
    Source::Scl,
    "SCL",
    "export-scl",
    "scl",
    "SCL_DATABASE_URL",
    "members, tiers, clubs, sports, club and sport memberships"
);
export_of!(
    EXPORT_TEETIME,
    Source::Teetime,
    "TeeTime",
    "export-teetime",
    "teetime",
    "TEETIME_DATABASE_URL",
    "players, clubs, courses, associations, preferences and bookings"
);
export_of!(
    EXPORT_MESSAGING,
    Source::Messaging,
    "Messaging",
    "export-messaging",
    "messaging",
    "MESSAGING_DATABASE_URL",
    "contacts, preferences, consent changes and messages"
);

/// The export of the CRM.
pub const EXPORT_CRM: Program = program!(
    export_crm::ExportCrmArgs,
    export_crm::run,
    "export-crm",
    "Export what later steps need from the CRM: segment rules, ids of earlier loads, decisions, withdrawals",
    "Reads CRM_DATABASE_URL in one read-only transaction and writes data/exports/crm. Without that variable the saved export\n\
     stays as it is and the command succeeds.\n\
     Examples:\n  crm-backfill export-crm\n  crm-backfill export-crm --if-missing",
);

/// Staging.
pub const STAGE: Program = program!(
    stage::StageArgs,
    stage::run,
    "stage",
    "Clean the exports: one shape for all sources, a reason for every value that was changed or rejected",
    "Reads data/exports and writes data/stage; needs no database. docs/codes.md lists the reasons, data/reference holds the code maps.\n\
     Examples:\n  crm-backfill stage\n  crm-backfill stage --phase 2              only the sources of phases 1 and 2\n  crm-backfill stage --with-values          also the rejected rows as CSV, in data/rejects",
);

/// Identity resolution.
pub const RESOLVE: Program = program!(
    resolve::ResolveArgs,
    resolve::run,
    "resolve",
    "Decide which records of all sources are one person, and which profile each record belongs to",
    "Reads data/stage, data/exports/crm and decisions.csv, and writes data/resolve; needs no database. docs/identity.md has the rules.\n\
     Examples:\n  crm-backfill resolve\n  crm-backfill explain scl:members:1001      why a record is in its profile",
);

/// Consolidation.
pub const CONSOLIDATE: Program = program!(
    consolidate::ConsolidateArgs,
    consolidate::run,
    "consolidate",
    "Consolidate linked records into profiles, aliases, consents and the timeline",
    "Reads data/stage and data/resolve and writes data/crm; needs no database. docs/deviations.md lists the rules that differ from the\n\
     strategy's code, each with the setting that restores the strategy's behaviour.\n\
     Exit 16: an exported row has no outcome, or a row would violate a constraint of the CRM; nothing is written then.\n\
     Example:\n  crm-backfill consolidate",
);

/// Scoring.
pub const SCORE: Program = program!(
    score::ScoreArgs,
    score::run,
    "score",
    "Compute metrics, engagement, churn risk and segment members of every profile, at the as-of time",
    "Reads data/crm and data/exports/crm and writes data/score; needs no database. docs/scores.md and docs/segments.md have the rules.\n\
     Example:\n  crm-backfill score --starter-segments",
);

/// Load.
pub const LOAD: Program = program!(
    load::LoadArgs,
    load::run,
    "load",
    "Load the datasets of data/crm and data/score into the CRM, in one transaction, all or nothing",
    "An empty CRM is filled; in a CRM with an earlier backfill only what differs is changed. Foreign rows are never changed.\n\
     Reads CRM_DATABASE_URL. Loading the same datasets again changes nothing.\n\
     Examples:\n  crm-backfill load --dry-run\n  crm-backfill load --yes --consumers-stopped",
);

/// Verification.
pub const VERIFY: Program = program!(
    verify::VerifyArgs,
    verify::run,
    "verify",
    "Compare the CRM with exports, ledger and datasets, check by check, in one read-only snapshot",
    "Writes data/verify; exit 16 names what differs. docs/checks.md says what each check compares.\n\
     Examples:\n  crm-backfill verify\n  crm-backfill verify --phase 0      only the preflight: connections, schemas, rights, space\n  crm-backfill verify --strict       a check with nothing to compare fails, too",
);

/// Report.
pub const REPORT: Program = program!(
    report::ReportArgs,
    report::run,
    "report",
    "Write the report: one self-contained page and the same numbers as JSON, free of personal data",
    "Reads the data folder only and writes data/report/index.html and report.json; needs no database.\n\
     Example:\n  crm-backfill report",
);

/// Rollback.
pub const ROLLBACK: Program = program!(
    rollback::RollbackArgs,
    rollback::run,
    "rollback",
    "Remove exactly the rows that the backfill loaded into the CRM, in one transaction",
    "Rows changed since the load, and profiles that foreign rows reference, stay and are listed. The datasets move to data/failed.\n\
     --emergency empties the CRM's tables, foreign rows included, after saving segments and notes.\n\
     Examples:\n  crm-backfill rollback --dry-run\n  crm-backfill rollback --yes --consumers-stopped",
);

/// Status.
pub const STATUS: Program = program!(
    status::StatusArgs,
    status::run,
    "status",
    "Show what is exported, staged and loaded, at which as-of time and phase, and whether the last commit is known",
    "Changes nothing and takes no lock. Reads CRM_DATABASE_URL if it is set.\n\
     Examples:\n  crm-backfill status\n  crm-backfill status --offline --json",
);

/// The last migration on one screen.
pub const OVERVIEW: Program = program!(
    overview::OverviewArgs,
    overview::run,
    "overview",
    "Show the last migration on one screen: a line per phase, links, values, open decisions",
    "Reads data/runs and data/report only; needs no database.\n\
     Examples:\n  crm-backfill overview\n  crm-backfill overview --json",
);

/// Checklist.
pub const CHECKLIST: Program = program!(
    checklist::ChecklistArgs,
    checklist::run,
    "checklist",
    "Print the strategy's Execution Checklist and rollback plan, each line with its state and proof",
    "Reads the data folder only; needs no database. --done closes a line in the state NEEDS_A_PERSON, and --reopen undoes that. What a\n\
     program measures (loads, checks, verdicts of the audit, rows for manual review) is closed by the measurement alone.\n\
     Examples:\n  crm-backfill checklist\n  crm-backfill checklist --done 37 --by \"N. Surname\"\n  crm-backfill checklist --reopen 37",
);

/// Watermarks.
pub const WATERMARKS: Program = program!(
    watermarks::WatermarksArgs,
    watermarks::run,
    "watermarks",
    "Print the time from which real-time sync must start, per service",
    "Reads the CRM's SyncLog, where each load notes it, and the manifests of the saved exports.\n\
     Example:\n  crm-backfill watermarks --json",
);

/// Plan.
pub const PLAN: Program = program!(
    plan::PlanArgs,
    plan::run,
    "plan",
    "Show what each phase would insert, update and delete when the phases are run in turn",
    "Works from the saved exports, in a temporary folder; needs no database and changes nothing.\n\
     What a load would do to the CRM as it is now: crm-backfill load --dry-run.\n\
     Examples:\n  crm-backfill plan\n  crm-backfill plan --phase 3 --json",
);

/// Inspection of datasets.
pub const INSPECT: Program = program!(
    inspect::InspectArgs,
    inspect::run,
    "inspect",
    "Show what is in the datasets: which exist, what their columns mean and hold, rows, CSV for a spreadsheet",
    "Of each column: type, nulls, distinct values, least and greatest value, and the words that a code may have; with --top also the\n\
     most frequent values. Personal values are masked unless --show.\n\
     Examples:\n  crm-backfill inspect\n  crm-backfill inspect stg_scl__people --head 3\n  crm-backfill inspect stg_teetime__bookings --top 5 --head 0\n  crm-backfill inspect res__links --head 100 --json\n  crm-backfill inspect check__rejects --where reason=PHONE_INVALID\n  crm-backfill inspect res__links --csv links.csv\n  crm-backfill inspect --views",
);

/// Comparison of two runs.
pub const COMPARE: Program = program!(
    compare::CompareArgs,
    compare::run,
    "compare",
    "Compare two runs: people who split, merged or changed consent, then every dataset by table and column, with the cause",
    "Reads two data folders, such as those of two rehearsals; needs no database and changes nothing. A run of a folder also keeps what\n\
     it replaced: data/previous is a data folder, too. Consent that turned from opt-out to opt-in comes first.\n\
     Exit 0 whether or not something differs; with --exit-code 16 if something does.\n\
     Examples:\n  crm-backfill compare rehearsal-1 rehearsal-2\n  crm-backfill compare data/previous data --csv differences.csv\n  crm-backfill compare rehearsal-1 rehearsal-2 --dataset crm__marketing_consents --ids 20\n  crm-backfill compare rehearsal-1 rehearsal-2 --exit-code --json",
);

/// Explanation of links.
pub const EXPLAIN: Program = program!(
    explain::ExplainArgs,
    explain::run,
    "explain",
    "Explain why records are one person, or why two are not: links, match weights in bits, constraint violations",
    "Works from files alone; personal values are masked unless --show.\n\
     Examples:\n  crm-backfill explain scl:members:1001\n  crm-backfill explain mca_za:members:7 mca_za:members:8     why these two are one, or not\n  crm-backfill explain somebody@example.com --show",
);

/// Sample audit.
pub const AUDIT: Program = program!(
    audit::AuditArgs,
    audit::run,
    "audit",
    "Draw a reproducible sample of links and candidate pairs for clerical review, and read the verdicts back",
    "--html writes a page that shows both records, the other records of their profiles and, once a pair is judged, the result and the\n\
     weight of each piece of evidence. The pairs are shuffled: the first ones are a fair sample, however many you judge. Judge them\n\
     with the keys s, d and u, then save verdicts.csv. A link judged different becomes a cannot-link of decisions.csv, a\n\
     candidate pair judged same a must-link; the lines are shown before they are written. 200 verdicts on links close the audit's\n\
     line of the checklist. Samples and verdicts are in data/audit, readable by their owner only.\n\
     Examples:\n  crm-backfill audit --html --show                                       a page of about 300 pairs\n  crm-backfill audit --sample 60 --html --show\n  crm-backfill audit --sample 300 --show                                 a CSV for a spreadsheet\n  crm-backfill audit --verdicts verdicts.csv --by thandi --dry-run       shows the decisions\n  crm-backfill audit --verdicts verdicts.csv --by thandi",
);

/// Check of the six databases.
pub const CHECK_CONNECTIONS: Program = program!(
    check_connections::CheckConnectionsArgs,
    check_connections::run,
    "check-connections",
    "Check that the six databases are reachable, complete and readable",
    "Passwords are never shown. Exit 0 when all are ready, 10 when one is not, 14 when one cannot be used: no answer, wrong password.\n\
     Example:\n  crm-backfill check-connections --strict",
);

/// Archive of evidence.
pub const EVIDENCE: Program = program!(
    evidence::EvidenceArgs,
    evidence::run,
    "evidence",
    "Write one archive with manifests, settings, decisions, verdicts, checks, report, and the hash of every dataset",
    "The archive (tar) holds no personal values: of the judged sample only keys and verdicts, of expectations no contact points.\n\
     The same data folder gives the same bytes. The seal that is printed changes with any file in it: write it down elsewhere.\n\
     --check compares an archive with its own list, and the data folder with the hashes in it; after a purge with those of\n\
     purged.json. Exit 16: something is not as listed.\n\
     Examples:\n  crm-backfill evidence\n  crm-backfill evidence --verdicts verdicts.csv --out evidence-2026-11-22.tar\n  crm-backfill evidence --check evidence-2026-11-22.tar",
);

/// Removal of all datasets.
pub const PURGE: Program = program!(
    purge::PurgeArgs,
    purge::run,
    "purge",
    "Remove every dataset of the data folder, exports included; names, rows and hashes stay in purged.json",
    "Run it when the migration is over and the files are no longer needed. The CRM is not touched.\n\
     Example:\n  crm-backfill purge --yes",
);

/// The local server of demo and tests.
#[cfg(feature = "local-postgres")]
pub const LOCAL: Program = program!(
    crate::steps::local::LocalArgs,
    crate::steps::local::run,
    "local",
    "Run a private PostgreSQL with an invented population: five source databases and an empty CRM",
    "Everything is in data/postgres; it listens on loopback only, on a free port, without a password. Never use it for real data.\n\
     Examples:\n  crm-backfill local up --scale 1 --seed 7\n  eval \"$(crm-backfill local urls)\"\n  crm-backfill local truth\n  crm-backfill local down",
);

/// Every command, in the order of a migration.
pub const ALL: &[&Program] = &[
    &CHECK_CONNECTIONS,
    &EXPORT_MCA_ZA,
    &EXPORT_MCA_UK,
    &EXPORT_SCL,
    &EXPORT_TEETIME,
    &EXPORT_MESSAGING,
    &EXPORT_CRM,
    &STAGE,
    &RESOLVE,
    &CONSOLIDATE,
    &SCORE,
    &PLAN,
    &LOAD,
    &VERIFY,
    &REPORT,
    &OVERVIEW,
    &CHECKLIST,
    &WATERMARKS,
    &STATUS,
    &ROLLBACK,
    &EXPLAIN,
    &COMPARE,
    &AUDIT,
    &INSPECT,
    &EVIDENCE,
    &PURGE,
    #[cfg(feature = "local-postgres")]
    &LOCAL,
];
