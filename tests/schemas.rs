//! Generated files are up to date, and the SQL, the DDL and the declarations agree.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crm_backfill::changes::{ConsentTurn, GroupChange};
use crm_backfill::consolidate::consent::review::ReviewReason;
use crm_backfill::datasets;
use crm_backfill::model::{
    ActivityCategory, ActivityChannel, AliasType, BookingOutcome, Code, ConsentStatus, CustomerStatus, LifecycleStage, LinkRule,
    MessageKind, Outcome, Reason, SkipReason, Source, StatusTag, SurvivorshipRule, TenantRule,
};
use crm_backfill::pg::verify::checks::CHECKS;
use crm_backfill::report::values;
use crm_backfill::resolve::ConstraintViolation;
use crm_backfill::sources::{self, crm};
use crm_backfill::steps::compare::CauseKind;
use crm_backfill::tables::dictionary;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `make golden` sets this: generated files are written instead of compared.
fn rewriting() -> bool {
    std::env::var_os("CRM_BACKFILL_GOLDEN").is_some()
}

fn names(folder: &Path) -> BTreeSet<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn the_data_dictionary_is_not_stale() {
    let folder = root().join("schemas/datasets");
    let pages: Vec<_> = datasets::all().iter().map(|dataset| (page_name(dataset.stem), dictionary::page(dataset))).collect();
    if rewriting() {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        for (name, page) in &pages {
            fs::write(folder.join(name), page).unwrap();
        }
    }
    let expected: BTreeSet<_> = pages.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names(&folder), expected, "run make golden");
    for (name, page) in pages {
        assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), page, "{name} is stale: run make golden");
    }
}

fn page_name(stem: &str) -> String {
    format!("{}.md", stem.replace("{source}", "source"))
}

#[test]
fn every_export_has_its_statement_and_every_statement_its_export() {
    for &source in Source::ALL {
        let mut expected = BTreeSet::new();
        for export in sources::exports(source) {
            expected.insert(format!("{}.sql", export.entity));
            if export.left_out.is_some() {
                expected.insert(format!("{}.left_out.sql", export.entity));
            }
            assert_eq!(export.dataset.stem, format!("raw_{source}__{}", export.entity));
        }
        assert_eq!(names(&root().join("sql/exports").join(source.code())), expected);
        assert!(root().join(format!("schemas/sources/{source}.sql")).exists());
    }
    let expected: BTreeSet<_> = crm::exports().iter().map(|export| format!("{}.sql", export.entity)).collect();
    assert_eq!(names(&root().join("sql/exports/crm")), expected);
}

#[test]
fn statements_are_one_each_ordered_and_end_without_a_comment() {
    for &source in Source::ALL {
        for export in sources::exports(source) {
            let sql = export.sql.trim();
            assert!(sql.ends_with(';') && sql.matches(';').count() == 1, "{source}.{}: one statement", export.entity);
            assert!(sql.to_lowercase().contains("order by"), "{source}.{}: a total order", export.entity);
            assert!(!export.dataset.key.is_empty());
        }
    }
}

#[test]
fn names_of_columns_are_snake_case_and_described() {
    for dataset in datasets::all() {
        for column in dataset.columns {
            let snake = column.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            assert!(snake, "{}.{}", dataset.stem, column.name);
            assert!(column.description().ends_with(['.', ')']), "{}.{} has no sentence", dataset.stem, column.name);
        }
        for key in dataset.key {
            assert!(dataset.columns.iter().any(|column| column.name == *key), "{}: key {key}", dataset.stem);
        }
    }
}

#[test]
fn every_column_that_the_page_shows_has_its_exported_one() {
    let columns = [
        (Source::McaZa, &["email", "phone", "first_name", "last_name", "born_on", "gender", "handicap", "golf_number"][..]),
        (Source::McaUk, &["email", "phone", "first_name", "last_name", "born_on", "gender", "handicap", "golf_number"]),
        (Source::Scl, &["tenant", "email", "first_name", "last_name", "auth_user_id"]),
        (Source::Teetime, &["email", "phone", "first_name", "last_name", "handicap"]),
        (Source::Messaging, &["tenant", "email", "phone", "auth_user_id"]),
    ];
    for (source, columns) in columns {
        let exports = sources::exports(source);
        let people = exports.iter().find(|export| export.entity == source.people()).expect("people are exported");
        let exported: Vec<&str> = people.dataset.columns.iter().map(|column| column.name).collect();
        for column in columns {
            assert!(values::exported_as(column).iter().any(|name| exported.contains(name)), "{source}: {column}");
        }
    }
}

/// The headings of the reason codes, each with the code that it begins with.
const SECTIONS: &[(&str, Reason)] = &[
    ("Rows", Reason::MissingId),
    ("Text", Reason::TextInvisible),
    ("Emails", Reason::EmailInvalid),
    ("Phones", Reason::PhoneInvalid),
    ("Names", Reason::NameJunk),
    ("Dates of birth", Reason::DateInvalid),
    ("Instants and days", Reason::TimeInfinite),
    ("Handicaps", Reason::HandicapInvalid),
    ("Association numbers", Reason::NumberInvalid),
    ("Subjects of the identity provider", Reason::SubjectPlaceholder),
    ("Unknown words", Reason::GenderUnmapped),
    ("Typed cells", Reason::BooleanInvalid),
    ("Tenants", Reason::TenantUnknown),
    ("Consent", Reason::DeletedUnreadable),
];

fn reasons() -> String {
    let mut text = String::new();
    for &reason in Reason::ALL {
        if let Some((heading, _)) = SECTIONS.iter().find(|(_, first)| *first == reason) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text += &format!("{gap}## {heading}\n\n| code | effect | meaning |\n|---|---|---|\n");
        }
        text += &format!("| `{}` | {} | {} |\n", reason.code(), reason.effect().code(), reason.meaning());
    }
    text
}

/// A heading, the column that holds the codes, and each code with its meaning.
fn words<C: Code>(heading: &str, column: &str) -> String {
    let mut text = format!("\n{heading}\n\n{column}\n\n| code | meaning |\n|---|---|\n");
    for &word in C::ALL {
        text += &format!("| `{}` | {} |\n", word.code(), word.meaning());
    }
    text
}

fn vocabularies() -> String {
    let sections = [
        words::<Outcome>("## Outcomes", "`check__ledger.outcome`: what became of an exported row. Every row has exactly one."),
        words::<SkipReason>("## Reasons for skipped rows", "`check__ledger.reason` of rows that were skipped."),
        words::<LinkRule>("## Link rules", "`res__links.rule`: the strongest evidence that joins a record to its profile."),
        words::<ConstraintViolation>("## Why a pair was not linked", "`res__candidates.refusal`."),
        words::<SurvivorshipRule>("## Survivorship rules", "`crm__field_provenance.rule`: how a field's value was chosen."),
        "\n## Statuses and types\n".to_owned(),
        words::<CustomerStatus>("### Status of a profile", "`crm__customer_profiles.status`."),
        words::<LifecycleStage>("### Lifecycle stage", "`crm__customer_profiles.lifecycle_stage`."),
        words::<StatusTag>("### Tags of a status", "In `crm__customer_profiles.tags`."),
        words::<AliasType>("### Types of aliases", "`crm__identity_aliases.alias_type`."),
        words::<ConsentStatus>("### Status of a consent", "`crm__marketing_consents.status`."),
        words::<ActivityCategory>("### Categories of activities", "`crm__activities.category`."),
        words::<ActivityChannel>("### Channels of activities", "`crm__activities.channel`."),
        words::<BookingOutcome>("### Types of bookings", "`crm__activities.activity_type` of a booking."),
        words::<MessageKind>("### Types of messages", "`crm__activities.activity_type` of a message."),
        words::<TenantRule>("### Origin of the tenant", "`tenant_rule` of staged records."),
        "\n## Differences between two runs\n".to_owned(),
        words::<ConsentTurn>("### Changes of consent", "`compare`: by profile and channel, the most dangerous first."),
        words::<GroupChange>("### Changes of profiles", "`compare`: profiles that records of both runs connect."),
        words::<CauseKind>("### Causes", "`compare`: what caused a difference."),
    ];
    sections.concat().trim_start().to_owned()
}

fn checks() -> String {
    let line = |check: &crm_backfill::pg::verify::checks::Check| {
        let state = if check.is_for_a_person { "NEEDS_A_PERSON" } else { "FAILED" };
        format!("| `{}` | {} | {} | {state} |\n", check.name, check.from, check.proves)
    };
    let head = "| check | from phase | line of the checklist | state if it differs |\n|---|---|---|---|\n".to_owned();
    CHECKS.iter().map(line).fold(head, |text, line| text + &line)
}

fn reviews() -> String {
    let head = "| reason | meaning | assumed meanwhile | what settles it |\n|---|---|---|---|\n".to_owned();
    let line = |reason: &ReviewReason| {
        format!("| `{}` | {} | {} | {} |\n", reason.code(), reason.meaning(), reason.assumed(), reason.settled_by())
    };
    ReviewReason::ALL.iter().map(line).fold(head, |text, line| text + &line)
}

#[test]
fn the_page_of_codes_is_not_stale() {
    let path = root().join("docs/codes.md");
    let committed = fs::read_to_string(&path).unwrap();
    let mut page = committed.clone();
    for (name, text) in [("reviews", reviews()), ("reasons", reasons()), ("words", vocabularies()), ("checks", checks())] {
        let mark = format!("<!-- generated: {name} -->\n");
        let start = page.find(&mark).unwrap_or_else(|| panic!("docs/codes.md has no mark {name}")) + mark.len();
        let end = start + page[start..].find("<!-- end -->").expect("the mark ends");
        page.replace_range(start..end, &text);
    }
    if rewriting() {
        fs::write(&path, &page).unwrap();
    } else {
        assert_eq!(committed, page, "docs/codes.md is stale: run make golden");
    }
}
