//! What a load sends: rows that are not in the CRM as the datasets say, and no other, whatever was loaded before.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crm_backfill::dsn::Dsn;
use crm_backfill::model::Phase;
use crm_backfill::pg::load::{Input, Loader, Report};

use crate::pg::load::{ALONE, fingerprint, load, load_as};
use crate::support::datasets::{AS_OF, Person, World, id_of};
use crate::support::postgres::{Database, database};
use crate::support::soak;

const CRM: &str = include_str!("../../../schemas/crm.sql");

/// Loads at phase 6; also tells how many rows of each dataset were sent.
fn sent(crm: &Database, world: &World, run_id: &str) -> (Report, BTreeMap<String, u64>) {
    let rows = RefCell::new(BTreeMap::new());
    let input = Input {
        run_id,
        phase: Phase::LAST,
        as_of: AS_OF,
        inputs: run_id,
        exports: &[],
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: world,
    };
    let mut loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    let report = loader.load(&input, ALONE, false, &|stem, count| {
        if count > 0 {
            *rows.borrow_mut().entry(stem.to_owned()).or_default() += count;
        }
    });
    (report.unwrap(), rows.into_inner())
}

fn people(count: i32) -> Vec<Person> {
    (0..count).map(|number| Person::new(&format!("person{number}"), 100 + number)).collect()
}

#[test]
fn what_is_equal_is_not_sent() {
    let crm = database(CRM);
    let (report, first) = sent(&crm, &World::of(people(20)).build(), "run-1");
    assert_eq!(report.counts["CustomerProfile"].inserted, 20);
    assert_eq!(first["crm__customer_profiles"], 20);
    let (report, second) = sent(&crm, &World::of(people(20)).build(), "run-1");
    assert!(!report.changed, "{report:?}");
    assert_eq!(second, BTreeMap::new());

    let mut changed = people(20);
    changed[3].email = None;
    changed[7].bookings.push("another booking".to_owned());
    changed.pop();
    let (report, third) = sent(&crm, &World::of(changed).build(), "run-2");
    // A profile's metrics follow its bookings.
    let profile = report.counts["CustomerProfile"];
    assert_eq!(third["crm__customer_profiles"], profile.updated);
    assert_eq!(profile.deleted, 1);
    assert_eq!(third["crm__activities"], 1);
    assert!(!third.contains_key("crm__marketing_consents"), "{third:?}");
}

/// A dry run, a second load and a load into an empty CRM agree, whatever changed in between.
#[test]
fn applying_any_change_equals_a_load_into_an_empty_crm() {
    for seed in soak::seeds(6) {
        let mut random = soak::Random::new(seed);
        let crm = database(CRM);
        let mut before = people(12);
        for run in 0..3 {
            let world = World::of(before.clone()).build();
            let plan = load_as(&crm, &world, "plan", 6, ALONE, true).unwrap();
            let report = load(&crm, &world, &format!("run-{run}"));
            assert_eq!(plan.counts, report.counts, "seed {seed}, run {run}");
            let fresh = database(CRM);
            load(&fresh, &world, "run-0");
            assert_eq!(fingerprint(&crm), fingerprint(&fresh), "seed {seed}, run {run}");
            assert!(!load(&crm, &world, "again").changed, "seed {seed}, run {run}");
            for _ in 0..1 + random.below(5) {
                let at = random.below(before.len());
                match random.below(6) {
                    0 => before[at].email = None,
                    1 => before[at].bookings.push(format!("booking-{}", random.any())),
                    2 => before[at].handicap = Some(1 + i32::try_from(random.below(300)).unwrap()),
                    3 => drop(before.remove(at)),
                    4 => {
                        let number = 1_000 + i32::try_from(random.below(8_000)).unwrap();
                        before.push(Person::new(&format!("person{number}"), number));
                    }
                    _ => before[at].tags = vec![["arrears", "vip"][random.below(2)]],
                }
                before.dedup_by_key(|person| person.name.clone());
            }
        }
    }
}

/// An opt-out entered in the CRM lowers the flag of a profile that equals the datasets.
#[test]
fn an_equal_profile_loses_its_flag_to_an_opt_out_in_the_crm() {
    let crm = database(CRM);
    let world = World::of(people(3)).build();
    load(&crm, &world, "run-1");
    let person = id_of("person1");
    crm.execute(&format!(
        "update \"MarketingConsent\" set \"status\" = 'OPTED_OUT', \"revokedAt\" = now(), \"source\" = 'AGENT' where \"customerId\" = '{person}'"
    ));
    let (report, rows) = sent(&crm, &world, "run-2");
    assert_eq!(report.flags_lowered, 1);
    assert!(!rows.contains_key("crm__customer_profiles"), "{rows:?}");
    let flags = crm.rows("select \"emailOptIn\"::text, count(*)::text from \"CustomerProfile\" group by 1 order by 1");
    assert_eq!(flags, [["false", "1"], ["true", "2"]]);
    assert!(!load(&crm, &world, "run-2").changed);
}

/// The records as versions up to 0.1 made them, by hashes of the server.
fn with_old_hashes(crm: &Database) {
    let loader = Loader::open(&Dsn::new(&crm.url, "CRM_DATABASE_URL"), false).unwrap();
    crm.execute("alter table backfill.written add column hash uuid");
    for plan in loader.preflight.plans.iter().filter(|plan| plan.loaded.remembered) {
        let columns: Vec<String> = plan.remembered().iter().map(|name| format!("t.\"{name}\"")).collect();
        crm.execute(&format!(
            "set timezone = 'UTC'; set datestyle = 'ISO, MDY'; set extra_float_digits = 1; set bytea_output = 'hex';
             update backfill.written w set hash = md5(row({})::text)::uuid
             from \"{name}\" t where w.table_name = '{name}' and w.id = t.\"id\"::text",
            columns.join(", "),
            name = plan.loaded.table,
        ));
    }
    crm.execute("alter table backfill.written alter column hash set not null, drop column content");
}

#[test]
fn hashes_of_an_earlier_version_still_tell_what_others_changed() {
    let crm = database(CRM);
    load(&crm, &World::of(people(5)).build(), "run-1");
    with_old_hashes(&crm);
    let changed = id_of("person2");
    crm.execute(&format!("update \"CustomerProfile\" set \"firstName\" = 'Zanele' where \"id\" = '{changed}'"));
    let report = load(&crm, &World::of(people(5)).build(), "run-2");
    assert_eq!(report.counts["CustomerProfile"].kept, 1, "{report:?}");
    assert!(report.counts.values().all(|count| count.updated + count.inserted + count.deleted == 0), "{report:?}");
    assert_eq!(crm.rows("select id, reason from backfill.kept"), [[changed.as_str(), "CHANGED"]]);
    let columns = "select count(*)::text from pg_attribute where attrelid = 'backfill.written'::regclass and attname = 'hash'";
    assert_eq!(crm.value(columns), "0");
    assert!(!load(&crm, &World::of(people(5)).build(), "run-3").changed);
}
