//! Changes to the CRM's tables that other migrations may make, drawn by a seed.

use super::ddl::tables;
use super::people::SEGMENT;
use crate::support::soak::Random;

/// Draws from a seed.
struct Dice(Random);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0.below(limit)
    }

    /// Whether it is one of `percent` cases in a hundred.
    fn in_hundred(&mut self, cases: usize) -> bool {
        self.below(100) < cases
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// One target.
pub struct Variant {
    /// The tables it starts from.
    pub tables: String,
    /// Statements that its owner has run, in order.
    pub statements: Vec<String>,
    /// Statements about the role that loads, written `ROLE`.
    pub for_role: Vec<String>,
    /// Whether the role owns the tables.
    pub is_owner: bool,
}

/// Text columns of ours, with the words that the datasets have for them.
const TEXTS: [(&str, &str, &[&str]); 16] = [
    ("CustomerProfile", "tenantId", &["1"]),
    ("CustomerProfile", "email", &["anna@mail.test", "dora@mail.test", "cleo@mail.test"]),
    ("CustomerProfile", "phoneNumber", &["+447700900123"]),
    ("CustomerProfile", "firstName", &["Zoë"]),
    ("CustomerProfile", "displayName", &["Zoë"]),
    ("CustomerProfile", "membershipStatus", &["active"]),
    ("CustomerProfile", "membershipTier", &[]),
    ("CustomerProfile", "source", &["scl"]),
    ("CustomerProfile", "createdBy", &["crm-backfill"]),
    ("IdentityAlias", "source", &["scl"]),
    ("IdentityAlias", "value", &["11", "12"]),
    ("Activity", "type", &["TEETIME_BOOKED"]),
    ("Activity", "sourceService", &["teetime"]),
    ("Activity", "title", &["Tee time"]),
    ("MarketingConsent", "scope", &["all"]),
    ("CustomerSegmentMembership", "source", &["RULE"]),
];

const NULLABLE: [(&str, &str); 12] = [
    ("CustomerProfile", "email"),
    ("CustomerProfile", "phoneNumber"),
    ("CustomerProfile", "sclMemberId"),
    ("CustomerProfile", "authUserId"),
    ("CustomerProfile", "displayName"),
    ("CustomerProfile", "handicap"),
    ("CustomerProfile", "churnRiskScore"),
    ("CustomerProfile", "engagementScore"),
    ("IdentityAlias", "firstSeenAt"),
    ("IdentityAlias", "lastSeenAt"),
    ("Activity", "channel"),
    ("Activity", "metadata"),
];

const CHECKS: [(&str, &str); 24] = [
    ("CustomerProfile", "\"handicap\" >= 0"),
    ("CustomerProfile", "\"handicap\" < 12"),
    ("CustomerProfile", "\"handicap\" is not null"),
    ("CustomerProfile", "\"email\" like '%@%'"),
    ("CustomerProfile", "\"email\" ~ '^[a-c]'"),
    ("CustomerProfile", "char_length(\"displayName\") > 5"),
    ("CustomerProfile", "\"phoneNumber\" ~ '^[+]27'"),
    ("CustomerProfile", "\"createdAt\" <= \"updatedAt\""),
    ("CustomerProfile", "\"createdAt\" > '2020-01-01'"),
    ("CustomerProfile", "\"engagementScore\" between 0 and 41"),
    ("CustomerProfile", "\"engagementScore\" between 0 and 100"),
    ("CustomerProfile", "1 / (\"activityCount30d\" - 1) < 5"),
    ("CustomerProfile", "\"email\" is not null or \"phoneNumber\" is not null"),
    ("CustomerProfile", "\"deletedAt\" is null"),
    ("CustomerProfile", "\"email\" is null or \"emailOptIn\""),
    ("CustomerProfile", "(\"email\" is null) = (not \"emailOptIn\")"),
    ("CustomerProfile", "cardinality(\"tags\") = 1"),
    ("CustomerProfile", "\"createdBy\" = 'crm-backfill'"),
    ("Activity", "\"metadata\"::text like '%players%'"),
    ("Activity", "\"occurredAt\" >= '2027-01-01'"),
    ("Activity", "\"sourceId\" <> 'booking-bea'"),
    ("MarketingConsent", "\"consentedAt\" is not null"),
    ("IdentityAlias", "\"confidence\" <= 100"),
    ("DuplicateCandidate", "\"score\" > 80"),
];

const KEYS: [(&str, &str); 16] = [
    ("CustomerProfile", "\"email\""),
    ("CustomerProfile", "\"tenantId\", \"email\""),
    ("CustomerProfile", "\"tenantId\", lower(\"email\")"),
    ("CustomerProfile", "lower(\"email\")"),
    ("CustomerProfile", "\"phoneNumber\""),
    ("CustomerProfile", "\"tenantId\", \"sclMemberId\", \"email\""),
    ("CustomerProfile", "coalesce(\"authUserId\", \"email\")"),
    ("CustomerProfile", "\"sclMemberId\""),
    ("CustomerProfile", "(\"externalIds\" ->> 'mcaId')"),
    ("Activity", "\"customerId\""),
    ("Activity", "\"sourceId\""),
    ("Activity", "\"customerId\", \"sourceId\", \"occurredAt\""),
    ("IdentityAlias", "\"tenantId\", \"value\""),
    ("IdentityAlias", "\"customerId\", \"type\""),
    ("MarketingConsent", "\"customerId\""),
    ("CustomerSegmentMembership", "\"customerId\""),
];

const CONDITIONS: [&str; 5] =
    ["\"deletedAt\" is null", "\"status\" = 'ACTIVE'", "\"emailOptIn\"", "\"email\" like 'c%'", "\"handicap\" is not null"];

impl Variant {
    /// The target of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice(Random::new(seed));
        let segment = format!(
            "insert into \"CustomerSegment\" (\"id\", \"tenantId\", \"name\", \"type\", \"criteria\", \"updatedAt\")
             values ('{SEGMENT}', '1', 'Members', 'DYNAMIC', '{{}}', '2026-01-01')"
        );
        let mut variant = Self {
            tables: tables(dice.below(12)),
            statements: vec![segment],
            for_role: Vec::new(),
            is_owner: dice.in_hundred(40),
        };
        for place in 0..=dice.below(3) {
            variant.change(&mut dice, place);
        }
        variant
    }

    fn run(&mut self, statement: String) {
        self.statements.push(statement);
    }

    fn change(&mut self, dice: &mut Dice, place: usize) {
        match dice.below(24) {
            0 | 1 => self.narrow_text(dice),
            2 => self.word_type(dice, place),
            3 => self.other_type(dice),
            4 => self.domain(dice, place),
            5 | 6 => {
                let (table, column) = dice.of(&NULLABLE);
                self.run(format!("alter table \"{table}\" alter column \"{column}\" set not null"));
            }
            7..=9 => self.key(dice, place),
            10 | 11 => {
                let (table, check) = dice.of(&CHECKS);
                let late = if dice.in_hundred(30) { " not valid" } else { "" };
                self.run(format!("alter table \"{table}\" add constraint check_{place} check ({check}){late}"));
            }
            12 | 13 => self.foreign_key(dice, place),
            14 => self.generated(dice, place),
            15 => self.publication(dice, place),
            16 => self.trigger(dice, place),
            17 => self.row_security(dice),
            18 | 19 => self.further_column(dice, place),
            20 => self.own_tables(dice),
            21 => self.rights(dice),
            22 => self.kept_objects(dice),
            _ => {
                let (table, column, _) = dice.of(&TEXTS);
                self.run(format!("alter table \"{table}\" drop column \"{column}\" cascade"));
            }
        }
    }

    fn narrow_text(&mut self, dice: &mut Dice) {
        let (table, column, _) = dice.of(&TEXTS);
        let length = dice.of(&[2, 3, 4, 8, 12, 13, 14, 15, 40, 200]);
        let kind = dice.of(&["varchar", "varchar", "varchar", "char"]);
        self.run(format!("alter table \"{table}\" alter column \"{column}\" type {kind}({length})"));
    }

    fn word_type(&mut self, dice: &mut Dice, place: usize) {
        let (table, column, words) = dice.of(&TEXTS);
        let mut labels: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        if dice.in_hundred(40) {
            labels.pop();
        }
        labels.push("'further'".to_owned());
        self.run(format!(
            "create type \"Word{place}\" as enum ({}); alter table \"{table}\" alter column \"{column}\" drop default;
             alter table \"{table}\" alter column \"{column}\" type \"Word{place}\" using \"{column}\"::text::\"Word{place}\"",
            labels.join(", ")
        ));
    }

    fn other_type(&mut self, dice: &mut Dice) {
        let changes = [
            ("CustomerProfile", "sclMemberId", "smallint"),
            ("CustomerProfile", "sclMemberId", "bigint"),
            ("CustomerProfile", "sclMemberId", "text"),
            ("CustomerProfile", "sclMemberId", "varchar(3)"),
            ("CustomerProfile", "handicap", "numeric(3,1)"),
            ("CustomerProfile", "handicap", "numeric(6,3)"),
            ("CustomerProfile", "handicap", "double precision"),
            ("CustomerProfile", "handicap", "numeric(4,0)"),
            ("CustomerProfile", "engagementScore", "smallint"),
            ("CustomerProfile", "dateOfBirth", "timestamp"),
            ("CustomerProfile", "firstSeenAt", "timestamptz"),
            ("CustomerProfile", "firstSeenAt", "timestamp(0)"),
            ("CustomerProfile", "firstSeenAt", "date"),
            ("CustomerProfile", "teetimePlayerId", "uuid using null"),
            ("CustomerProfile", "tags", "varchar(5)[]"),
            ("CustomerProfile", "tags", "varchar(7)[]"),
            ("CustomerProfile", "email", "citext"),
            ("CustomerProfile", "externalIds", "text"),
            ("Activity", "metadata", "text"),
            ("Activity", "sourceId", "citext"),
            ("IdentityAlias", "confidence", "smallint"),
            ("IdentityAlias", "confidence", "numeric(2,0)"),
            ("IdentityAlias", "value", "citext"),
        ];
        let (table, column, wanted) = dice.of(&changes);
        self.run("create extension if not exists citext".to_owned());
        self.run(format!("alter table \"{table}\" alter column \"{column}\" drop default"));
        self.run(format!("alter table \"{table}\" alter column \"{column}\" type {wanted}"));
    }

    fn domain(&mut self, dice: &mut Dice, place: usize) {
        let (table, column, _) = dice.of(&TEXTS);
        let base = dice.of(&["text", "text", "varchar(14)"]);
        let check =
            dice.of(&["", "check (value <> '')", "check (char_length(value) < 13)", "not null", "check (value !~ 'anna')"]);
        let outer = dice.of(&["", "check (value is null or char_length(value) > 1)", "not null"]);
        self.run(format!(
            "create domain inner_{place} as {base} {check}; create domain outer_{place} as inner_{place} {outer};
             alter table \"{table}\" alter column \"{column}\" drop default;
             alter table \"{table}\" alter column \"{column}\" type outer_{place}"
        ));
    }

    fn key(&mut self, dice: &mut Dice, place: usize) {
        let (table, key) = dice.of(&KEYS);
        let nulls = if dice.in_hundred(15) { " nulls not distinct" } else { "" };
        let condition = match (table, dice.in_hundred(35)) {
            ("CustomerProfile", true) => format!(" where {}", dice.of(&CONDITIONS)),
            _ => String::new(),
        };
        self.run(match dice.below(8) {
            0 => format!("alter table \"{table}\" add constraint key_{place} unique ({key}) deferrable initially deferred"),
            1 => format!("alter table \"{table}\" add constraint key_{place} exclude using btree ({key} with =)"),
            _ => format!("create unique index key_{place} on \"{table}\" ({key}){nulls}{condition}"),
        });
    }

    fn foreign_key(&mut self, dice: &mut Dice, place: usize) {
        let tenants = dice.of(&["('1'), ('default')", "('1')", "('default')", "('2')"]);
        self.run(format!("create table tenants (id text primary key); insert into tenants values {tenants}"));
        if dice.in_hundred(85) {
            self.for_role.push("grant select on tenants to ROLE".to_owned());
        }
        let tables = ["CustomerProfile", "IdentityAlias", "Activity", "SyncLog", "DuplicateCandidate", "CustomerProfile"];
        let table = dice.of(&tables);
        let late = if dice.in_hundred(30) { " deferrable initially deferred" } else { "" };
        self.run(match dice.below(5) {
            0 => "create table clubs (id text primary key);
                 alter table \"CustomerProfile\" add foreign key (\"homeClubId\") references clubs"
                .to_owned(),
            1 => "create unique index whole_id on \"CustomerProfile\" (\"tenantId\", \"id\");
                 alter table \"IdentityAlias\" add foreign key (\"tenantId\", \"customerId\") references \"CustomerProfile\" (\"tenantId\", \"id\")"
                .to_owned(),
            2 => "create table people (tenant text, email text, primary key (tenant, email));
                 insert into people values ('1', 'anna@mail.test'), ('1', 'dora@mail.test');
                 alter table \"CustomerProfile\" add foreign key (\"tenantId\", \"email\") references people match full"
                .to_owned(),
            _ => format!("alter table \"{table}\" add constraint tenant_{place} foreign key (\"tenantId\") references tenants{late}"),
        });
        self.for_role.push("grant select on clubs to ROLE".to_owned());
        self.for_role.push("grant select on people to ROLE".to_owned());
        if dice.in_hundred(20) {
            self.run(format!("alter table \"{table}\" disable trigger all"));
        }
    }

    fn generated(&mut self, dice: &mut Dice, place: usize) {
        let columns = [
            "text generated always as (coalesce(\"firstName\", '') || coalesce(\"lastName\", '')) stored",
            "text not null generated always as (split_part(\"email\", '@', 2)) stored",
            "varchar(3) generated always as (\"email\") stored",
            "integer generated always as (10 / (\"activityCount90d\" - 2)) stored",
            "text generated always as (lower(\"email\")) stored unique",
            "text generated always as (\"phoneNumber\") stored unique",
        ];
        let column = dice.of(&columns);
        self.run(format!("alter table \"CustomerProfile\" add column made_{place} {column}"));
    }

    fn publication(&mut self, dice: &mut Dice, place: usize) {
        self.run(match dice.below(5) {
            0 => format!("create publication p_{place} for all tables with (publish = 'insert')"),
            1 => "alter table \"IdentityAlias\" replica identity nothing".to_owned(),
            2 => format!("create publication p_{place} for table \"CustomerProfile\" (\"id\", \"email\")"),
            3 => format!("create publication p_{place} for table \"CustomerProfile\" where (\"tenantId\" = '1')"),
            _ => format!("create publication p_{place} for tables in schema public"),
        });
        if dice.in_hundred(60) {
            self.run(format!("create publication q_{place} for all tables"));
        }
    }

    fn trigger(&mut self, dice: &mut Dice, place: usize) {
        let table = dice.of(&["CustomerProfile", "Activity", "SyncLog", "CustomerSegment"]);
        let state = dice.of(&["enable", "disable", "disable", "enable replica", "enable always"]);
        self.run(format!(
            "create function touch_{place}() returns trigger language plpgsql as 'begin raise exception ''no''; end';
             create trigger touch_{place} before insert on \"{table}\" for each row execute function touch_{place}();
             alter table \"{table}\" {state} trigger touch_{place}"
        ));
    }

    fn row_security(&mut self, dice: &mut Dice) {
        let table = dice.of(&["CustomerProfile", "Activity"]);
        let force = if dice.in_hundred(50) { "force" } else { "no force" };
        self.run(format!(
            "alter table \"{table}\" enable row level security; alter table \"{table}\" {force} row level security"
        ));
    }

    fn further_column(&mut self, dice: &mut Dice, place: usize) {
        let table = dice.of(&["CustomerProfile", "Activity", "IdentityAlias", "SyncLog", "MarketingConsent"]);
        let columns = [
            "integer not null default 1",
            "integer not null",
            "integer not null default null",
            "integer default (1 / char_length(''))",
            "integer generated by default as identity",
            "bigint generated always as identity",
            "serial",
            "uuid not null default gen_random_uuid()",
            "text not null default 'x' check (char_length(current_user::text) > 0)",
            "integer not null default 1 unique",
            "text",
        ];
        let column = dice.of(&columns);
        self.run(format!("alter table \"{table}\" add column further_{place} {column}"));
        if dice.in_hundred(50) {
            self.for_role.push("grant usage on all sequences in schema public to ROLE".to_owned());
        }
    }

    fn own_tables(&mut self, dice: &mut Dice) {
        let changes = [
            "alter table \"SyncLog\" alter column \"eventId\" type varchar(10)",
            "alter table \"SyncLog\" alter column \"eventId\" type varchar(200)",
            "alter table \"SyncLog\" add check (\"status\" <> 'SUCCESS')",
            "alter table \"SyncLog\" drop column \"attempts\"",
            "alter table \"SyncLog\" alter column \"eventPayload\" type text",
            "alter table \"SyncLog\" add check (\"tenantId\" <> 'default')",
            "alter table \"CustomerSegment\" drop column \"refreshError\"",
            "alter table \"CustomerSegment\" add check (\"memberCount\" < 2) not valid",
            "alter table \"CustomerSegment\" add check (\"lastRefreshedAt\" is null) not valid",
            "alter table \"CustomerSegment\" add column owner text; alter table \"CustomerSegment\" alter column owner set not null",
            "alter table \"CustomerSegment\" alter column \"memberCount\" type smallint",
            "alter table \"CustomerNote\" drop column \"id\"",
            "alter table \"AttributionEvent\" rename to \"Attribution\"",
        ];
        self.run(dice.of(&changes).to_owned());
    }

    fn rights(&mut self, dice: &mut Dice) {
        let rights = [
            "alter role ROLE set default_transaction_read_only = on",
            "revoke update on \"Activity\" from ROLE",
            "revoke all on \"CustomerNote\" from ROLE",
            "revoke temporary on database current from public",
            "alter role ROLE set search_path = public",
            "alter role ROLE set enable_seqscan = off",
        ];
        self.for_role.push(dice.of(&rights).to_owned());
    }

    fn kept_objects(&mut self, dice: &mut Dice) {
        let changes = [
            "create view per_activity as select \"id\", \"title\", count(*) from \"Activity\" group by \"id\"",
            "comment on index \"Activity_customerId_occurredAt_idx\" is 'kept'",
            "create index for_statistics on \"CustomerProfile\" (lower(\"email\")); alter index for_statistics alter column 1 set statistics 500",
            "alter table \"IdentityAlias\" cluster on \"IdentityAlias_customerId_idx\"",
            "alter table \"IdentityAlias\" replica identity using index \"IdentityAlias_tenantId_type_value_customerId_key\"",
            "create rule told as on update to \"CustomerNote\" do also notify told",
            "create view \"Shown\" as select * from \"CustomerProfile\"",
        ];
        self.run(dice.of(&changes).to_owned());
    }
}
