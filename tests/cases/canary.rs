//! Canaries: values are planted in every column of every source, in URLs and settings, and searched for in the output of every
//! command, for every exit code.

use std::collections::BTreeSet;
use std::path::Path;

use crate::support::postgres::{Database, database};
use crate::support::workdir::{Run, Workdir};
use crate::support::world::{self, Owned};

/// Part of every planted text, in any letter case.
const TEXT: &str = "kanarie";
/// Part of every planted number.
const DIGITS: &str = "9183746";
/// The planted birth date in several formats.
const DAYS: [&str; 3] = ["1931-03-07", "07/03/1931", "7 Mar 1931"];
/// Part of every URL.
const PASSWORD: &str = "Kanarie-9183746";

/// Plants values in two rows of every table: in each text, number and date that is not a key.
fn plant(source: &Database) -> usize {
    let columns = source.rows(
        "select c.table_name, c.column_name, c.data_type from information_schema.columns c
         where c.table_schema = 'public' and not exists (
           select from information_schema.key_column_usage k
           where k.table_name = c.table_name and k.column_name = c.column_name)
         order by 1, 2",
    );
    let mut planted = 0;
    for (number, column) in columns.iter().enumerate() {
        let (table, name) = (&column[0], &column[1]);
        let lower = name.to_lowercase();
        let value = match column[2].as_str() {
            "text" | "character varying" if lower.contains("mail") || lower == "address" => {
                format!("'kanarie.{number}.' || row_number() over () || '@kanarie.test'")
            }
            "text" | "character varying" if ["phone", "mobile", "msisdn"].iter().any(|word| lower.contains(word)) => {
                "'+27 82 9183746' || (row_number() over () % 10)::text".to_owned()
            }
            "text" | "character varying" => format!("'Kanarie{number} ' || row_number() over ()"),
            "date" => "date '1931-03-07'".to_owned(),
            _ => continue,
        };
        let sql = format!(
            "update \"{table}\" t set \"{name}\" = x.value from (select ctid as place, {value} as value from (select ctid from \"{table}\" order by ctid limit 2) r) x \
             where t.ctid = x.place"
        );
        // Values that a constraint of the source rejects are not changed.
        planted += usize::from(source.client().execute(&sql).is_ok());
    }
    planted
}

/// What was searched, and what was found in it.
#[derive(Default)]
pub(super) struct Search {
    commands: usize,
    pub(super) codes: BTreeSet<i32>,
    pub(super) found: Vec<String>,
}

impl Search {
    fn text(&mut self, place: &str, text: &str) {
        let lower = text.to_lowercase();
        for canary in [TEXT, DIGITS].into_iter().chain(DAYS) {
            for line in lower.lines().filter(|line| line.contains(&canary.to_lowercase())).take(2) {
                let at = line.find(&canary.to_lowercase()).unwrap_or(0);
                let from = line[..at].char_indices().rev().take(120).last().map_or(0, |(index, _)| index);
                let until = line[at..].char_indices().take(60).last().map_or(line.len(), |(index, _)| at + index);
                self.found.push(format!("{place}: …{}", &line[from..until]));
            }
        }
    }

    pub(super) fn run(&mut self, run: &Run, what: &str) {
        self.commands += 1;
        self.codes.insert(run.code);
        self.text(&format!("{what} (exit {}), stdout", run.code), &run.stdout);
        self.text(&format!("{what} (exit {}), stderr", run.code), &run.stderr);
    }

    pub(super) fn folder(&mut self, folder: &Path) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.folder(&path);
            } else if ["json", "html", "txt", "lock"].iter().any(|ending| path.extension().is_some_and(|found| found == *ending))
            {
                self.text(&path.display().to_string(), &std::fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
}

/// Runs a command in all its output formats and searches the output.
pub(super) fn try_out(search: &mut Search, workdir: &Workdir, command: &str, arguments: &[&str]) -> i32 {
    let mut code = 0;
    for voice in [&["-v"][..], &["--json"]] {
        let all: Vec<&str> = arguments.iter().chain(voice).copied().collect();
        let run = workdir.run(command, &all);
        search.run(&run, &format!("{command} {}", all.join(" ")));
        code = run.code;
    }
    code
}

pub(super) fn with_password(url: &str) -> String {
    let (role, rest) = url.trim_start_matches("postgres://").split_once('@').unwrap();
    format!("postgres://{role}:{PASSWORD}@{rest}")
}

#[test]
fn no_command_prints_a_planted_value_at_any_exit_code() {
    let world = Owned::new();
    let crm = world.crm();
    let mut workdir = Workdir::new();
    let mut planted = 0;
    for ((variable, url), source) in world.source_urls().into_iter().zip(world.databases()) {
        planted += plant(source);
        workdir.set(variable, &with_password(&url));
    }
    assert!(planted > 40, "{planted} columns hold a canary");
    workdir.set("AS_OF", world::AS_OF).set("CRM_DATABASE_URL", &with_password(&crm.url));
    let mut search = Search::default();

    // 0: all steps, and the commands for inspection.
    for step in world::exporters(6).chain(["export-crm", "stage", "resolve", "consolidate", "score"]) {
        assert_eq!(try_out(&mut search, &workdir, step, &[]), 0, "{step}");
    }
    try_out(&mut search, &workdir, "verify", &["--phase", "0"]);
    try_out(&mut search, &workdir, "check-connections", &[]);
    try_out(&mut search, &workdir, "plan", &[]);
    try_out(&mut search, &workdir, "load", &["--dry-run"]);
    assert_eq!(try_out(&mut search, &workdir, "load", &[]), 0);
    for (command, arguments) in [
        ("verify", &[][..]),
        ("report", &[]),
        ("status", &[]),
        ("checklist", &[]),
        ("watermarks", &[]),
        ("inspect", &[]),
        ("inspect", &["stg_scl__people"]),
        ("inspect", &["check__rejects"]),
        ("compare", &["data", "data"]),
        ("evidence", &["--out", "data/exports/evidence.txt"]),
        ("audit", &["--sample", "5"]),
        ("explain", &["scl:members:1"]),
        ("purge", &[]),
    ] {
        try_out(&mut search, &workdir, command, arguments);
    }

    // 16: the CRM was changed after the load.
    crm.execute(
        "update \"CustomerProfile\" set \"email\" = 'kanarie.changed@kanarie.test', \"firstName\" = 'Kanarie'
         where \"id\" = (select min(\"id\"::text) from \"CustomerProfile\" where \"email\" is not null)",
    );
    crm.execute("delete from \"Activity\" where \"id\" in (select \"id\" from \"Activity\" order by 1 limit 3)");
    assert_eq!(try_out(&mut search, &workdir, "verify", &[]), 16);
    try_out(&mut search, &workdir, "load", &["--dry-run"]);

    // 10: a trigger; 14: what it raises.
    crm.execute(
        "create function loud() returns trigger language plpgsql as $$ begin
           raise exception 'Kanarie %', new using errcode = '22023'; end $$;
         create trigger loud before insert or update on \"CustomerProfile\" for each row execute function loud()",
    );
    assert_eq!(try_out(&mut search, &workdir, "load", &[]), 10);
    crm.execute(
        "truncate \"CustomerProfile\" cascade; truncate \"SyncLog\"; delete from backfill.run; delete from backfill.written",
    );
    try_out(&mut search, &workdir, "load", &["--allow-triggers", "--consumers-stopped"]);
    crm.execute("drop trigger loud on \"CustomerProfile\"");
    // 14 and 10: constraints and lengths that the planted values violate.
    crm.execute("alter table \"CustomerProfile\" add constraint plain check (\"firstName\" !~ 'Kanarie') not valid");
    try_out(&mut search, &workdir, "load", &["--consumers-stopped"]);
    crm.execute("alter table \"CustomerProfile\" drop constraint plain; alter table \"CustomerProfile\" alter \"lastName\" type varchar(3)");
    try_out(&mut search, &workdir, "load", &["--consumers-stopped"]);
    crm.execute("alter table \"CustomerProfile\" alter \"lastName\" type text; create unique index odd on \"CustomerProfile\" (\"tenantId\")");
    try_out(&mut search, &workdir, "load", &["--consumers-stopped"]);
    crm.execute("drop index odd");

    // 12: another run.
    let mut other = crm.client();
    other.execute("begin; select pg_advisory_xact_lock(x'626631316c6f6164'::bigint)").unwrap();
    assert_eq!(try_out(&mut search, &workdir, "load", &[]), 12);
    assert_eq!(try_out(&mut search, &workdir, "rollback", &["--dry-run"]), 12);
    other.execute("rollback").unwrap();

    // 14: no server listens, the password is wrong, the database does not exist.
    for url in [
        format!("postgres://bf_load:{PASSWORD}@127.0.0.1:1/db"),
        with_password(&crm.url).replace(&crm.name, "no_such_database"),
        with_password(&crm.url).replace("bf_load_owner", "no_such_role"),
    ] {
        workdir.set("CRM_DATABASE_URL", &url);
        for step in ["load", "rollback", "verify", "export-crm", "watermarks", "status", "check-connections"] {
            try_out(&mut search, &workdir, step, &[]);
        }
    }
    workdir.set("CRM_DATABASE_URL", &with_password(&crm.url));

    // 13: rejects above the threshold. 11: a damaged dataset.
    workdir.edit("backfill.toml", "max_reject_ratio = 0.05", "max_reject_ratio = 0.0");
    try_out(&mut search, &workdir, "stage", &[]);
    workdir.edit("backfill.toml", "max_reject_ratio = 0.0", "max_reject_ratio = 0.05");
    let file = workdir.data().join("crm/crm__customer_profiles.parquet");
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    for step in ["score", "load", "report"] {
        try_out(&mut search, &workdir, step, &[]);
    }
    for folder in ["runs", "report", "exports", "stage", "resolve", "crm", "score", "verify"] {
        search.folder(&workdir.data().join(folder));
    }
    for code in [0, 10, 11, 12, 14, 16] {
        assert!(search.codes.contains(&code), "exit {code} was met: {:?}", search.codes);
    }
    assert!(search.commands > 80, "{} commands", search.commands);
    // Shown on purpose: frequent codes, columns of codes, provenance.
    let shown = ["association_unmapped", "association_type", "membership_tier", "status_raw", "member_since", "1931-03-07t00:00"];
    search
        .found
        .retain(|found| !shown.iter().any(|name| found.contains(name)) && !found.contains(": …      \"value\": \"kanarie0 1\""));
    assert!(search.found.is_empty(), "{} finds\n{}", search.found.len(), search.found.join("\n"));
}

/// Dumps of every source without a header, and dumps that are damaged in the middle.
#[test]
fn a_dump_without_a_header_or_with_broken_lines_shows_no_cell() {
    let mut search = Search::default();
    for (command, folder) in [
        ("export-mca-za", "mca_za"),
        ("export-mca-uk", "mca_uk"),
        ("export-scl", "scl"),
        ("export-teetime", "teetime"),
        ("export-messaging", "messaging"),
    ] {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
        for way in ["headerless", "broken", "one column"] {
            let workdir = Workdir::new();
            let dumps = workdir.path().join("dumps");
            std::fs::create_dir_all(&dumps).unwrap();
            for entry in std::fs::read_dir(&fixtures).unwrap() {
                let entry = entry.unwrap();
                let text = std::fs::read_to_string(entry.path()).unwrap();
                let header = text.lines().next().unwrap();
                let row = header.split(',').enumerate().map(|(at, _)| format!("Kanarie{at}")).collect::<Vec<_>>().join(",");
                let text = match way {
                    "headerless" => format!("{row}\n{row}\n"),
                    "broken" => format!("{header}\n{row},Kanarie\n\"Kanarie\n{row}\n\"Kanarie\"Kanarie,\n"),
                    _ => "Kanarie@kanarie.test\nKanarie 9183746\n".to_owned(),
                };
                std::fs::write(dumps.join(entry.file_name()), text).unwrap();
            }
            let code = try_out(&mut search, &workdir, command, &["--csv", "dumps"]);
            assert!(code != 0 || way == "broken", "{command} {way}");
            try_out(&mut search, &workdir, "stage", &["--phase", "1"]);
        }
    }
    assert!(search.found.is_empty(), "{} finds\n{}", search.found.len(), search.found.join("\n"));
}

/// Every value of the settings is replaced by an invalid one.
#[test]
fn a_wrong_setting_is_named_and_its_value_is_not_shown() {
    let committed = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("backfill.toml")).unwrap();
    let mut search = Search::default();
    let mut refused = 0;
    for (number, line) in committed.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with('#')) else { continue };
        // A path that does not exist is shown.
        if ["reference", "decisions"].contains(&key.trim()) {
            continue;
        }
        for value in ["\"Kanarie\"", "[\"Kanarie\"]", "{ Kanarie = \"Kanarie\" }", "Kanarie"] {
            let mut lines: Vec<String> = committed.lines().map(str::to_owned).collect();
            lines[number] = format!("{key} = {value}");
            let workdir = Workdir::new();
            std::fs::write(workdir.path().join("backfill.toml"), lines.join("\n")).unwrap();
            let code = try_out(&mut search, &workdir, "status", &["--offline"]);
            refused += usize::from(code == 2);
        }
    }
    assert!(refused > 50, "{refused} settings were refused");
    let shown: Vec<_> = search.found.iter().filter(|found| !found.contains("unknown field")).collect();
    assert!(shown.is_empty(), "{shown:?}");
}

/// The arguments of a process are visible to every account of the machine, so they must not contain a URL.
#[test]
fn no_process_is_given_a_url_as_an_argument() {
    let scl = database(include_str!("../../schemas/sources/scl.sql"));
    let mut workdir = Workdir::new();
    workdir.set("SCL_DATABASE_URL", &with_password(&scl.url)).set("AS_OF", world::AS_OF);
    let mut started = workdir.start("export-scl", &[]);
    let mut seen = 0;
    while !started.has_ended() {
        for entry in std::fs::read_dir("/proc").unwrap().flatten() {
            let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line).into_owned();
            seen += usize::from(line.contains("export-scl"));
            assert!(!line.contains("Kanarie"), "{line}");
        }
    }
    assert!(seen > 0, "the command was seen at work");
    started.end().exits(0);
}
