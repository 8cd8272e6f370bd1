//! Constraints of the target: all violations are reported at once and by row, before a row is sent.

use crm_backfill::dsn::Dsn;
use crm_backfill::fault::{Exit, Fault};
use crm_backfill::pg::load::rollback::rollback;
use crm_backfill::pg::load::{Allowed, Loader};

use crate::pg::load::{ALONE, load, load_as};
use crate::support::datasets::{Person, World, first_run, id_of};
use crate::support::postgres::{Database, bare_database as database};
use crate::support::role::Role;

const CRM: &str = include_str!("../../schemas/crm.sql");

/// Three people: two share an email, one has none.
fn people() -> World {
    let mut bea = Person::new("bea", 12);
    bea.email = Some("anna@mail.test".to_owned());
    let mut cleo = Person::new("cleo", 13);
    (cleo.email, cleo.email_opt_in) = (None, false);
    World { candidates: vec![("anna".to_owned(), "bea".to_owned())], ..World::of([Person::new("anna", 11), bea, cleo]) }.build()
}

/// The reasons why dry run and load fail, with the runbook's role; the CRM stays empty.
fn reasons(changes: &str) -> Vec<String> {
    reasons_for(changes, &people())
}

fn reasons_for(changes: &str, world: &World) -> Vec<String> {
    let crm = database(CRM);
    crm.execute(changes);
    let role = Role::loader(&crm);
    let told = [true, false].map(|dry_run| {
        let error = load_as(&role.theirs, world, "run-1", 6, ALONE, dry_run).unwrap_err();
        let fault = error.downcast::<Fault>().unwrap();
        assert_eq!(fault.exit, Exit::Preflight, "dry run {dry_run}: {fault:?}");
        fault.help
    });
    assert_eq!(told[0], told[1], "dry run and load give the same reasons");
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    told.into_iter().next().unwrap()
}

/// The CRM takes the load as the runbook's role, and a second one changes nothing.
fn accepts(changes: &str, world: &World) -> Database {
    let crm = database(CRM);
    crm.execute(changes);
    let role = Role::loader(&crm);
    load_as(&role.theirs, world, "run-1", 6, ALONE, true).unwrap_or_else(|error| panic!("{:?}", error.downcast_ref::<Fault>()));
    load(&role.theirs, world, "run-1");
    assert!(!load(&role.theirs, world, "run-2").changed);
    drop(role);
    crm
}

fn holds(reasons: &[String], parts: &[&str]) {
    for part in parts {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}\n{reasons:#?}");
    }
    // They are read in a list, where it is known what was being done.
    assert!(!reasons.iter().any(|reason| reason.contains("(while ")), "{reasons:#?}");
    for secret in ["mail.test", "Zoë", "7700900"] {
        assert!(!reasons.iter().any(|reason| reason.contains(secret)), "a value is shown: {reasons:#?}");
    }
}

/// Case 5.1: a plain, expression or partial unique index, or a constraint; on phones and other tables, too.
#[test]
fn rows_that_share_a_unique_key_are_reported_with_a_setting() {
    for key in [
        "create unique index one_email on \"CustomerProfile\" (\"tenantId\", email)",
        "create unique index one_email on \"CustomerProfile\" (\"tenantId\", lower(email))",
        "create unique index one_email on \"CustomerProfile\" (\"tenantId\", email) where \"deletedAt\" is null",
        "alter table \"CustomerProfile\" add constraint one_email unique (\"tenantId\", email) deferrable initially deferred",
    ] {
        let told = reasons(key);
        assert_eq!(told.len(), 1, "{told:#?}");
        holds(&told, &["unique index \"one_email\"", "2 rows", &id_of("anna"), &id_of("bea"), "email_holder = \"tenant\""]);
    }
    let told = reasons(
        "create unique index one_email on \"CustomerProfile\" (lower(email)); \
         create unique index one_phone on \"CustomerProfile\" (\"phoneNumber\"); \
         create unique index one_consent on \"MarketingConsent\" (status, channel)",
    );
    assert_eq!(told.len(), 3, "all at once: {told:#?}");
    holds(&told, &["email_holder = \"global\"", "phone_holder = \"global\"", "one_consent", "3 rows"]);
    accepts("create unique index one_email on \"CustomerProfile\" (lower(email)) where email like 'x%'", &people());
}

/// Case 5.2: a tenant that the referenced table lacks, on profiles, on other tables and on load's own rows.
#[test]
fn foreign_keys_to_tables_that_no_dataset_fills_are_proved() {
    const TENANTS: &str = "create table tenant (id text primary key); insert into tenant values ('2');
         grant select on tenant to public;";
    let key = |table: &str| format!("{TENANTS} alter table \"{table}\" add foreign key (\"tenantId\") references tenant");
    holds(
        &reasons(&key("CustomerProfile")),
        &["foreign key \"CustomerProfile_tenantId_fkey\"", "3 rows", &id_of("cleo"), "to public.tenant"],
    );
    holds(&reasons(&key("Activity")), &["foreign key \"Activity_tenantId_fkey\"", "3 rows"]);
    holds(&reasons(&key("SyncLog")), &["\"SyncLog\" does not take the rows that load writes of its own", "23503"]);
    let hidden = key("CustomerProfile").replace("grant select on tenant to public;", "");
    holds(&reasons(&hidden), &["grant select on public.tenant"]);
    accepts(&key("CustomerProfile").replace("('2')", "('1')"), &people());
}

/// Cases 5.3 and 5.4: lengths, missing values, words and ranges, each with the statement that fixes it.
#[test]
fn values_that_do_not_fit_their_column_are_named_by_row() {
    let told = reasons(
        "alter table \"CustomerProfile\" alter column \"phoneNumber\" type varchar(12);
         alter table \"CustomerProfile\" alter column email set not null;
         alter table \"CustomerProfile\" alter column tags type varchar(6)[];
         alter table \"CustomerProfile\" alter column \"teetimePlayerId\" type uuid using null;
         alter table \"Activity\" alter column \"sourceId\" type char(11);
         create type source as enum ('mca_v1_za', 'teetime');
         alter table \"CustomerProfile\" alter column source type source using null",
    );
    assert_eq!(told.len(), 6, "{told:#?}");
    holds(
        &told,
        &[
            "column \"CustomerProfile\".\"phoneNumber\" is character varying(12): 3 rows",
            "need up to 13 characters; alter table \"CustomerProfile\" alter column \"phoneNumber\" type varchar(13);",
            "column \"CustomerProfile\".\"email\" is required: 1 row",
            "alter column \"email\" drop not null;",
            "\"tags\" is character varying(6)[]: 3 rows",
            "\"teetimePlayerId\" is uuid: 3 rows",
            "\"sourceId\" is character(11)",
            "enum source of \"CustomerProfile\".\"source\" lacks scl",
            "alter type source add value 'scl';",
        ],
    );
    holds(&told, &[&id_of("cleo")]);
}

/// Case 5.5: texts of extensions and domains are sent as text.
#[test]
fn citext_domains_and_chars_are_text() {
    let crm = accepts(
        "create extension citext; create domain handle as citext check (value <> ''); create domain mail as handle;
         alter table \"CustomerProfile\" alter column email type mail;
         alter table \"CustomerProfile\" alter column \"phoneNumber\" type char(20);
         alter table \"CustomerProfile\" alter column tags type citext[];
         alter table \"Activity\" alter column \"sourceId\" type citext",
        &people(),
    );
    assert_eq!(crm.value("select count(*) from \"CustomerProfile\" where email = 'ANNA@mail.test'"), "2");
    let told = reasons(
        "create domain mail as text check (value !~ 'anna'); alter table \"CustomerProfile\" alter column email type mail;
         create domain family as text not null; alter table \"CustomerProfile\" alter column \"lastName\" type family",
    );
    holds(&told, &["CHECK \"mail_check\" of domain mail", "2 rows", "\"lastName\" is required: 3 rows"]);
}

/// Case 5.6: a member's number beyond the column is found before the load, not by verification after the commit.
#[test]
fn a_member_number_beyond_the_column_is_found_before_the_load() {
    let with = |member: i64| {
        let mut dora = Person::new("dora", 14);
        (dora.scl_member_id, dora.handicap) = (Some(member), None);
        World::of([Person::new("anna", 11), dora]).build()
    };
    let retyped = |name: &str| format!("alter table \"CustomerProfile\" alter column \"sclMemberId\" type {name}");
    let told = reasons_for("", &with(2_147_483_648));
    holds(&told, &["column \"CustomerProfile\".\"sclMemberId\" is integer: 1 row", &id_of("dora"), "type bigint;"]);
    holds(&reasons_for(&retyped("smallint"), &with(40_000)), &["\"sclMemberId\" is smallint: 1 row"]);
    holds(&reasons_for(&retyped("numeric(4,0)"), &with(40_000)), &["\"sclMemberId\" is numeric(4,0): 1 row"]);
    for name in ["bigint", "text", "numeric", "varchar(20)"] {
        let crm = accepts(&retyped(name), &with(2_147_483_648));
        assert_eq!(crm.value("select max(\"sclMemberId\"::numeric)::text from \"CustomerProfile\""), "2147483648", "{name}");
    }
}

/// CHECK constraints, generated columns, defaults and exclusion constraints are evaluated by the server itself.
#[test]
fn checks_and_generated_columns_are_evaluated_over_the_rows() {
    let told = reasons(
        "alter table \"CustomerProfile\" add constraint low check (handicap < 1.2),
             add constraint parts check (1 / (\"activityCount30d\" - 1) < 5) not valid,
             add constraint whole check (email is not null or \"phoneNumber\" is null);
         alter table \"CustomerProfile\" add column host text not null generated always as (split_part(email, '@', 2)) stored;
         alter table \"CustomerProfile\" add column brief varchar(3) generated always as (email) stored;
         alter table \"IdentityAlias\" add column shard integer not null default nullif(1, 1);
         alter table \"MarketingConsent\" add constraint single exclude using btree (status with =)",
    );
    assert_eq!(told.len(), 7, "{told:#?}");
    holds(
        &told,
        &[
            "CHECK \"low\" of \"CustomerProfile\": 2 rows",
            "CHECK \"parts\" of \"CustomerProfile\": evaluating it over 3 rows",
            "fails (22012)",
            "CHECK \"whole\" of \"CustomerProfile\": 1 row",
            "generated column \"CustomerProfile\".\"host\": 1 row",
            "generated column \"CustomerProfile\".\"brief\": 2 rows",
            "alter column \"brief\" type text;",
            "\"shard\" is required, and its default is null",
            "exclusion constraint \"single\"",
        ],
    );
    accepts(
        "alter table \"CustomerProfile\" add constraint high check (handicap < 99),
             add column host text generated always as (split_part(email, '@', 2)) stored,
             add column brief varchar(14) generated always as (email) stored;
         alter table \"IdentityAlias\" add column shard integer not null default 1",
        &people(),
    );
}

/// Deferred constraints are checked by each statement of a load, because pending checks would keep indexes from being rebuilt.
#[test]
fn deferred_constraints_do_not_block_a_load() {
    let crm = database(CRM);
    crm.execute(
        "create table tenant (id text primary key); insert into tenant values ('1'), ('default'); grant select on tenant to public;
         alter table \"CustomerProfile\" add foreign key (\"tenantId\") references tenant deferrable initially deferred;
         alter table \"CustomerProfile\" add constraint one_number unique (\"teetimePlayerId\") deferrable initially deferred",
    );
    // Only an owner may rebuild indexes.
    let role = Role::owner(&crm);
    load_as(&role.theirs, &people(), "run-1", 6, ALONE, true).unwrap();
    load(&role.theirs, &people(), "run-1");
    assert!(!load(&role.theirs, &people(), "run-2").changed);
}

/// The error is that of the trigger, not that of the transaction that it ended.
#[test]
fn an_event_trigger_that_fails_is_reported_as_such() {
    let crm = database(CRM);
    let role = Role::loader(&crm);
    crm.execute(
        "create function closed() returns event_trigger language plpgsql as $$ begin raise exception 'closed'; end $$;
         create event trigger closed on ddl_command_start execute function closed()",
    );
    let error = load_as(&role.theirs, &people(), "run-1", 6, ALONE, true).unwrap_err().downcast::<Fault>().unwrap();
    assert!(error.exit == Exit::Failed && error.what.contains("function closed"), "{error:?}");
    crm.execute("drop event trigger closed");
}

/// Case 8.1: a publication of all tables, made before or after the first load, for load and rollback.
#[test]
fn a_publication_of_all_tables_does_not_block_a_load() {
    for (before, after) in [("create publication p for all tables", ""), ("", "create publication p for all tables")] {
        let crm = database(CRM);
        crm.execute(before);
        let role = Role::loader(&crm);
        load(&role.theirs, &people(), "run-1");
        crm.execute(after);
        let fewer = World::of([Person::new("anna", 11), Person::new("dora", 14)]).build();
        assert!(load(&role.theirs, &fewer, "run-2").changed);
        let mut loader = Loader::open(&Dsn::new(&role.theirs.url, "CRM_DATABASE_URL"), false).unwrap();
        rollback(&mut loader, "run-3", true, false).unwrap();
        assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    }
    let told = reasons("create publication p for all tables; alter table \"Activity\" replica identity nothing");
    holds(&told, &["\"Activity\" is published by p and has no replica identity", "replica identity full"]);
    let told = reasons("create publication p for table \"Activity\" (\"tenantId\")");
    holds(&told, &["does not publish all columns of its replica identity"]);
    let told = reasons("create publication p for table \"IdentityAlias\" where (\"tenantId\" = '1')");
    holds(&told, &["filters rows by columns that are not in its replica identity"]);
}

/// Case 8.1: a CRM that an earlier version loaded gets its key.
#[test]
fn tables_of_an_earlier_version_get_a_primary_key() {
    let crm = database(CRM);
    let role = Role::loader(&crm);
    load(&role.theirs, &people(), "run-1");
    crm.execute(&format!(
        "alter table backfill.written drop constraint written_pkey;
         create unique index written_key on backfill.written (table_name, id); alter table backfill.written owner to {};
         create publication p for all tables",
        role.name
    ));
    let fewer = World::of([Person::new("anna", 11)]).build();
    assert!(load(&role.theirs, &fewer, "run-2").changed);
    assert_eq!(crm.value("select count(*) from pg_index where indrelid = 'backfill.written'::regclass and indisprimary"), "1");
}

/// Case 8.7: any text of ours may be an enum; missing words are listed all at once, with the statements that add them.
#[test]
fn every_text_of_ours_may_be_an_enum() {
    const ENUMS: &str = "create type kind as enum ('TEETIME_BOOKED'); create type service as enum ('scl', 'teetime');
         create type channel as enum ('EMAIL'); create type scope as enum ('all'); create type state as enum ('active');
         create type tag as enum ('arrears'); create type origin as enum ('RULE'); create type who as enum ('crm-backfill');
         create type tenant as enum ('1', 'default');
         alter table \"Activity\" alter column type type kind using null, alter column channel type channel using null,
             alter column \"sourceService\" type service using null;
         alter table \"CustomerProfile\" alter column source type service using null,
             alter column \"membershipStatus\" type state using null, alter column \"membershipTier\" type state using null,
             alter column tags drop default, alter column tags type tag[] using null,
             alter column \"createdBy\" type who using null;
         alter table \"MarketingConsent\" alter column scope drop default, alter column scope type scope using null;
         alter table \"CustomerSegmentMembership\" alter column source drop default, alter column source type origin using null;
         alter table \"IdentityAlias\" alter column source type service using null;
         alter table \"DuplicateCandidate\" alter column \"tenantId\" type tenant using null;
         alter table \"SyncLog\" alter column \"tenantId\" type tenant using null;";
    accepts(ENUMS, &people());
    let lacking = ENUMS.replace("'TEETIME_BOOKED'", "'OTHER'").replace("'scl', ", "").replace("('all')", "('email')");
    let told = reasons(&lacking);
    holds(
        &told,
        &[
            "enum kind of \"Activity\".\"type\" lacks TEETIME_BOOKED",
            "enum service of \"CustomerProfile\".\"source\" lacks scl",
            "enum service of \"IdentityAlias\".\"source\" lacks scl",
            "enum scope of \"MarketingConsent\".\"scope\" lacks all",
        ],
    );
    let told = reasons(
        "create type origin as enum ('MANUAL'); alter table \"CustomerSegmentMembership\" alter column source drop default,
             alter column source type origin using null",
    );
    holds(&told, &["lacks RULE; alter type origin add value 'RULE';"]);
}

/// Case 8.8: columns of all tables that load touches, and a role whose transactions only read.
#[test]
fn every_table_that_load_uses_is_checked() {
    let told = reasons(
        "alter table \"SyncLog\" drop column attempts, add column shard integer not null;
         alter table \"CustomerSegment\" drop column \"refreshError\", alter column \"memberCount\" type text;
         alter table \"AttributionEvent\" drop column id",
    );
    holds(
        &told,
        &[
            "column \"SyncLog\".\"attempts\" is missing",
            "column \"SyncLog\".\"shard\" is required, has no default",
            "column \"CustomerSegment\".\"refreshError\" is missing",
            "column \"CustomerSegment\".\"memberCount\" is text, which cannot hold integer",
            "column \"AttributionEvent\".\"id\" is missing",
        ],
    );
    let crm = database(CRM);
    let role = Role::loader(&crm);
    crm.execute(&format!("alter role {} set default_transaction_read_only = on", role.name));
    for dry_run in [true, false] {
        let fault = load_as(&role.theirs, &people(), "run-1", 6, ALONE, dry_run).unwrap_err().downcast::<Fault>().unwrap();
        assert_eq!(fault.exit, Exit::Preflight, "{fault:?}");
        holds(&fault.help, &["transactions of role", "set default_transaction_read_only = off;"]);
    }
}

/// Case 12.4: an index that load and verification lack is named.
#[test]
fn a_missing_index_is_named_with_the_statement_that_makes_it() {
    let crm = database(CRM);
    crm.execute("drop index \"Activity_customerId_occurredAt_idx\"");
    let role = Role::loader(&crm);
    let loader = Loader::open(&Dsn::new(&role.theirs.url, "CRM_DATABASE_URL"), false).unwrap();
    let told: Vec<&str> = loader.preflight.findings.iter().filter(|one| !one.refuses).map(|one| one.what.as_str()).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("no index of \"Activity\" begins with \"customerId\""), "{told:?}");
    assert!(told[0].contains("create index on \"Activity\" (\"customerId\");"), "{told:?}");
}

/// Case 13.5: changes between the preflight and the lock are noticed.
#[test]
fn the_catalog_is_read_again_under_the_lock() {
    for (change, told) in [
        (
            "create function touch() returns trigger language plpgsql as 'begin return new; end';
             create trigger touch before insert on \"CustomerProfile\" for each row execute function touch()",
            "has triggers that would fire for every row: touch",
        ),
        ("create publication p for table \"Activity\" (\"tenantId\")", "does not publish all columns"),
        ("create unique index one_email on \"CustomerProfile\" (email)", "unique index \"one_email\""),
        ("alter table \"CustomerProfile\" alter column email set not null", "\"email\" is required: 1 row"),
    ] {
        let crm = database(CRM);
        let role = Role::loader(&crm);
        let mut loader = Loader::open(&Dsn::new(&role.theirs.url, "CRM_DATABASE_URL"), false).unwrap();
        let world = people();
        let input = first_run(&world);
        loader.prove(&input).unwrap();
        loader.preflight.check("here", false).unwrap();
        crm.execute(change);
        let fault = loader.load(&input, ALONE, false, &|_, _| {}).unwrap_err().downcast::<Fault>().unwrap();
        assert_eq!(fault.exit, Exit::Preflight, "{fault:?}");
        holds(&fault.help, &[told]);
        assert_eq!(crm.value("select count(*) from \"CustomerProfile\""), "0");
    }
}

/// Case 13.17: objects that depend on a key or index, and its settings, are unchanged after a load by the tables' owner.
#[test]
fn objects_that_depend_on_an_index_or_key_are_kept() {
    let crm = database(CRM);
    crm.execute(
        "create view per_activity as select id, title, count(*) from \"Activity\" group by id;
         create index by_email on \"CustomerProfile\" (lower(email)); alter index by_email alter column 1 set statistics 777;
         comment on index \"Activity_tenantId_category_occurredAt_idx\" is 'kept';
         alter table \"IdentityAlias\" disable trigger all",
    );
    let state = "select indexrelid::regclass::text, indisprimary::text, indisunique::text, pg_get_indexdef(indexrelid),
             obj_description(indexrelid), (select max(attstattarget)::text from pg_attribute where attrelid = indexrelid)
         from pg_index where indrelid in (select oid from pg_class where relnamespace = 'public'::regnamespace) order by 1";
    let keys = "select conrelid::regclass::text, conname::text, pg_get_constraintdef(oid),
             (select string_agg(tgenabled::text, '' order by tgname) from pg_trigger where tgconstraint = c.oid)
         from pg_constraint c where connamespace = 'public'::regnamespace order by 1, 2";
    let before = (crm.rows(state), crm.rows(keys));
    let role = Role::owner(&crm);
    let report = load(&role.theirs, &people(), "run-1");
    assert!(report.rebuilt > 5, "most of them were made after the rows: {report:?}");
    assert_eq!((crm.rows(state), crm.rows(keys)), before);
    assert_eq!(crm.value("select count(*) from per_activity"), "3");
    for part in ["by_email", "it has a statistics target", "it has a comment", "IdentityAlias_customerId_fkey"] {
        assert!(report.notes.iter().any(|note| note.contains(part)), "{part}: {:?}", report.notes);
    }
}

/// A row of ours that a foreign row references is kept even if it left the datasets.
#[test]
fn a_row_of_ours_that_foreign_rows_refer_to_is_kept() {
    let crm = database(CRM);
    crm.execute("create table receipts (activity text references \"Activity\"); grant select on receipts to public");
    let role = Role::loader(&crm);
    load(&role.theirs, &people(), "run-1");
    crm.execute("insert into receipts select id from \"Activity\" where \"sourceId\" = 'booking-anna'");
    let mut anna = Person::new("anna", 11);
    anna.bookings = Vec::new();
    let world = World::of([anna, Person::new("bea", 12)]).build();
    for dry_run in [true, false] {
        let report = load_as(&role.theirs, &world, "run-2", 6, ALONE, dry_run).unwrap();
        assert_eq!((report.counts["Activity"].kept, report.counts["Activity"].deleted), (1, 1), "dry run {dry_run}");
    }
    assert_eq!(crm.value("select count(*) from receipts"), "1");
    assert_eq!(crm.rows("select reason from backfill.kept where table_name = 'Activity'"), [["REFERENCED"]]);
}

/// A unique key over an expression is not taken from a foreign profile.
#[test]
fn a_unique_expression_stays_with_the_foreign_profile() {
    let crm = database(CRM);
    crm.execute(
        "create unique index one_email on \"CustomerProfile\" (\"tenantId\", lower(email));
         insert into \"CustomerProfile\" (id, \"tenantId\", email, source, \"firstSeenAt\", \"updatedAt\")
         values ('00000000-0000-4000-8000-000000000001', '1', 'Dora@Mail.test', 'scl', now(), now())",
    );
    let role = Role::loader(&crm);
    let beside = Allowed { beside_existing: true, ..ALONE };
    let world = World::of([Person::new("dora", 14)]).build();
    for dry_run in [true, false] {
        let report = load_as(&role.theirs, &world, "run-1", 6, beside, dry_run).unwrap();
        assert_eq!(report.counts["CustomerProfile"].held_by_other, 1, "dry run {dry_run}");
    }
    assert_eq!(crm.rows(&format!("select email from \"CustomerProfile\" where id = '{}'", id_of("dora"))), [["∅"]]);
}

/// Two rows swap a unique value. Where the column takes no null to release it, dry run and load refuse both rows.
#[test]
fn rows_that_swap_a_unique_value_are_loaded_or_reported() {
    let (before, after) = ([("anna", 11), ("bea", 12)], [("anna", 12), ("bea", 11)]);
    let world = |members: [(&str, i32); 2]| World::of(members.map(|(name, member)| Person::new(name, member))).build();
    for is_nullable in [true, false] {
        let crm = database(CRM);
        if !is_nullable {
            crm.execute(r#"alter table "CustomerProfile" alter column "sclMemberId" set not null"#);
        }
        let role = Role::loader(&crm);
        load(&role.theirs, &world(before), "run-1");
        for dry_run in [true, false] {
            let loaded = load_as(&role.theirs, &world(after), "run-2", 6, ALONE, dry_run);
            if is_nullable {
                assert_eq!(loaded.unwrap().counts["CustomerProfile"].updated, 2);
            } else {
                let fault = loaded.unwrap_err().downcast::<Fault>().unwrap();
                assert_eq!(fault.exit, Exit::Preflight, "dry run {dry_run}: {fault:?}");
                holds(&fault.help, &["sclMemberId", "2 rows", "gives up in the same load"]);
            }
        }
    }
}

/// A check on the segments sees the number of members that the load brings.
#[test]
fn a_check_on_member_counts_is_tried_with_the_members_to_come() {
    const SEGMENT: &str = "5e9a0001-0000-4000-8000-000000000001";
    let members = vec!["anna".to_owned(), "bea".to_owned()];
    let world = World { segments: vec![(SEGMENT.to_owned(), members, None)], ..people() }.build();
    let with = |limit: u32| {
        format!(
            r#"insert into "CustomerSegment" ("id", "tenantId", "name", "type", "criteria", "updatedAt")
               values ('{SEGMENT}', '1', 'Members', 'DYNAMIC', '{{}}', '2026-01-01');
               alter table "CustomerSegment" add check ("memberCount" < {limit})"#
        )
    };
    holds(&reasons_for(&with(2), &world), &["CustomerSegment", "memberCount_check"]);
    accepts(&with(3), &world);
}
