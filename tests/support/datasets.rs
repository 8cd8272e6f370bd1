//! Small datasets in memory, as consolidate and score would write them: a few invented people.

use std::collections::BTreeMap;

use anyhow::Result;
use arrow::array::RecordBatch;
use crm_backfill::model::{
    ActivityCategory, AliasType, Channel, ConsentStatus, CustomerStatus, Gender, Handicap, LifecycleStage, Phase, Timestamp,
    derived_id,
};
use crm_backfill::pg::load::Input;
use crm_backfill::pg::load::rows::{Batches, Datasets};
use crm_backfill::tables::crm::{
    activities, campaign_interactions, customer_profiles, duplicate_candidates, identity_aliases, marketing_consents,
    suppressions,
};
use crm_backfill::tables::score::{memberships, profiles as scores, refreshes};
use crm_backfill::tables::{Builder, Table, TextList};

/// 2026-11-22T08:00:00Z
pub const AS_OF: Timestamp = Timestamp(1_795_334_400_000_000);

/// A consent of a person.
#[derive(Clone, Debug)]
pub struct Consent {
    /// The channel.
    pub channel: Channel,
    /// Opt-in or opt-out.
    pub status: ConsentStatus,
    /// When.
    pub at: Option<Timestamp>,
    /// `CONSENT_LOG`, `PREFERENCE` or `CONTACT_FLAG`.
    pub kind: &'static str,
    /// The row that decided it.
    pub key: String,
}

/// A person of the datasets.
#[derive(Clone, Debug)]
pub struct Person {
    /// Name of the seed record; the id is derived from it.
    pub name: String,
    /// E-mail.
    pub email: Option<String>,
    /// SCL member.
    pub scl_member_id: Option<i64>,
    /// TeeTime player.
    pub teetime_player_id: Option<String>,
    /// Identity.
    pub auth_user_id: Option<String>,
    /// The email opt-in flag.
    pub email_opt_in: bool,
    /// Handicap in tenths.
    pub handicap: Option<i32>,
    /// Tags.
    pub tags: Vec<&'static str>,
    /// Bookings on the timeline.
    pub bookings: Vec<String>,
    /// Consents.
    pub consents: Vec<Consent>,
}

impl Person {
    /// A person with an email, an SCL member and one booking.
    pub fn new(name: &str, member: i32) -> Self {
        Self {
            name: name.to_owned(),
            email: Some(format!("{name}@mail.test")),
            scl_member_id: Some(i64::from(member)),
            teetime_player_id: Some(format!("player-{member}")),
            auth_user_id: None,
            email_opt_in: true,
            handicap: Some(member),
            tags: vec!["arrears"],
            bookings: vec![format!("booking-{name}")],
            consents: vec![Consent {
                channel: Channel::Email,
                status: ConsentStatus::OptedIn,
                at: Some(AS_OF),
                kind: "CONSENT_LOG",
                key: format!("messaging:consent_changes:{name}"),
            }],
        }
    }

    /// The profile.
    pub fn id(&self) -> String {
        id_of(&self.name)
    }
}

/// The profile id of a person by name.
pub fn id_of(name: &str) -> String {
    derived_id("profile", &[name]).to_string()
}

/// The input of a load.
#[derive(Clone, Default)]
pub struct World {
    /// People in id order once built.
    pub people: Vec<Person>,
    /// Pairs of the review queue.
    pub candidates: Vec<(String, String)>,
    /// Segments refreshed, with their members' names; no members and an error where it failed.
    pub segments: Vec<(String, Vec<String>, Option<String>)>,
    /// Suppressed contact points.
    pub withdrawals: Vec<(String, Option<Timestamp>)>,
    /// The datasets, by name, after [`World::build`].
    pub batches: BTreeMap<&'static str, Vec<RecordBatch>>,
}

impl World {
    /// Only these people.
    pub fn of(people: impl IntoIterator<Item = Person>) -> Self {
        Self { people: people.into_iter().collect(), ..Self::default() }
    }

    /// The datasets, in batches of two rows so that batch borders are met.
    pub fn build(mut self) -> Self {
        self.people.sort_by_key(Person::id);
        let mut profiles = customer_profiles::Builder::new(8);
        let mut scored = scores::Builder::new(8);
        let mut aliases = identity_aliases::Builder::new(8);
        let mut timeline = activities::Builder::new(8);
        let mut consents = marketing_consents::Builder::new(8);
        for person in &self.people {
            let id = person.id();
            let member = person.scl_member_id.map(|member| member.to_string());
            profiles.push(profile(person, &id, member.as_deref()));
            scored.push(score(&id));
            alias(&mut aliases, &id, AliasType::SclMemberId, person.scl_member_id.map(|id| id.to_string()));
            alias(&mut aliases, &id, AliasType::TeetimePlayerId, person.teetime_player_id.clone());
            for booking in &person.bookings {
                timeline.push(activity(&id, booking));
            }
            for consent in &person.consents {
                push_consent(&mut consents, &id, consent);
            }
        }
        let mut pairs = duplicate_candidates::Builder::new(2);
        for (a, b) in &self.candidates {
            let (a, b) = (id_of(a).min(id_of(b)), id_of(a).max(id_of(b)));
            let id = derived_id("candidate", &[&a, &b]).to_string();
            let reasons = TextList::Slice(&["EMAIL"]);
            pairs.push(duplicate_candidates::Row {
                id: &id,
                tenant_id: "1",
                profile_a_id: &a,
                profile_b_id: &b,
                score: 70,
                reasons,
            });
        }
        let mut withdrawn = suppressions::Builder::new(2);
        for (address, revoked_at) in &self.withdrawals {
            let (channel, scope, reason) = (Channel::Email, "all", "WITHDRAWN");
            withdrawn.push(suppressions::Row {
                tenant_id: "1",
                channel,
                address,
                scope,
                reason,
                revoked_at: *revoked_at,
                lifted_after: *revoked_at,
            });
        }
        let (members, refreshed) = self.segment_tables();
        self.batches = BTreeMap::from([
            (customer_profiles::Table::STEM, split(profiles.finish())),
            (scores::Table::STEM, vec![scored.finish()]),
            (identity_aliases::Table::STEM, split(aliases.finish())),
            (activities::Table::STEM, split(timeline.finish())),
            (marketing_consents::Table::STEM, split(consents.finish())),
            (campaign_interactions::Table::STEM, Vec::new()),
            (duplicate_candidates::Table::STEM, split(pairs.finish())),
            (suppressions::Table::STEM, split(withdrawn.finish())),
            (memberships::Table::STEM, split(members)),
            (refreshes::Table::STEM, split(refreshed)),
        ]);
        self
    }

    fn segment_tables(&self) -> (RecordBatch, RecordBatch) {
        let mut members = memberships::Builder::new(4);
        let mut refreshed = refreshes::Builder::new(2);
        for (segment, names, error) in &self.segments {
            for name in names {
                let customer = id_of(name);
                let id = derived_id("membership", &[segment, &customer]).to_string();
                members.push(memberships::Row {
                    id: &id,
                    tenant_id: "1",
                    segment_id: segment,
                    customer_id: &customer,
                    source: "RULE",
                    added_at: AS_OF,
                });
            }
            refreshed.push(refreshes::Row {
                segment_id: segment,
                tenant_id: "1",
                name: segment,
                rule: Some("{}"),
                rule_member_count: i32::try_from(names.len()).unwrap(),
                refreshed_at: AS_OF,
                error: error.as_deref(),
                is_new: false,
                lint: None,
            });
        }
        (members.finish(), refreshed.finish())
    }
}

impl Datasets for World {
    fn rows(&self, stem: &str) -> Option<u64> {
        self.batches.get(stem).map(|batches| batches.iter().map(|batch| batch.num_rows() as u64).sum())
    }

    fn content_hash(&self, _: &str) -> Option<&str> {
        None
    }

    fn batches(&self, stem: &str) -> Result<Batches<'_>> {
        Ok(Box::new(self.batches.get(stem).into_iter().flatten().cloned().map(Ok)))
    }
}

fn split(batch: RecordBatch) -> Vec<RecordBatch> {
    (0..batch.num_rows()).step_by(2).map(|at| batch.slice(at, 2.min(batch.num_rows() - at))).collect()
}

fn profile<'a>(person: &'a Person, id: &'a str, member: Option<&'a str>) -> customer_profiles::Row<'a> {
    customer_profiles::Row {
        id,
        tenant_id: "1",
        auth_user_id: person.auth_user_id.as_deref(),
        email: person.email.as_deref(),
        phone_number: Some("+447700900123"),
        scl_member_id: member,
        teetime_player_id: person.teetime_player_id.as_deref(),
        messaging_contact_id: None,
        external_ids: r#"{"mcaId":"7"}"#,
        first_name: Some("Zoë"),
        last_name: None,
        display_name: Some("Zoë"),
        date_of_birth: Some(crm_backfill::model::Day(5_552)),
        gender: Gender::Female,
        status: CustomerStatus::Active,
        lifecycle_stage: LifecycleStage::Member,
        tags: TextList::Slice(&person.tags),
        handicap: person.handicap.map(Handicap),
        handicap_updated_at: Some(AS_OF),
        home_club_id: None,
        home_club_name: None,
        membership_status: Some("active"),
        membership_tier: None,
        member_since: None,
        membership_expiry: None,
        email_opt_in: person.email_opt_in,
        sms_opt_in: false,
        push_opt_in: false,
        whatsapp_opt_in: false,
        source: "scl",
        first_seen_at: AS_OF,
    }
}

fn score(id: &str) -> scores::Row<'_> {
    scores::Row {
        id,
        engagement_score: Some(42),
        churn_risk_score: None,
        activity_count_30d: 1,
        activity_count_90d: 2,
        booking_count_30d: 3,
        booking_count_total: 4,
        booking_count_played: 2,
        last_activity_at: Some(AS_OF),
        last_booking_at: None,
        last_email_open_at: None,
        last_email_click_at: None,
        recency: 0,
        frequency: 0,
        monetary: 0,
        breadth: 0,
        depth: 0,
        decline: 0,
        payment: 0,
        email_drop: 0,
        tier_drop: 0,
        complaint: 0,
    }
}

fn alias(aliases: &mut identity_aliases::Builder, customer: &str, alias_type: AliasType, value: Option<String>) {
    let Some(value) = value else { return };
    let id = derived_id("alias", &["1", &alias_type.to_string(), &value, customer]).to_string();
    aliases.push(identity_aliases::Row {
        id: &id,
        tenant_id: "1",
        customer_id: customer,
        alias_type,
        value: &value,
        source: "scl",
        is_primary: true,
        confidence: 100,
        first_seen_at: None,
        last_seen_at: Some(AS_OF),
    });
}

fn activity<'a>(customer: &'a str, booking: &'a str) -> activities::Row<'a> {
    // Leaked for the duration of the test process; a builder copies it at once.
    let id: &'static str = Box::leak(derived_id("activity", &["teetime", booking]).to_string().into_boxed_str());
    activities::Row {
        id,
        tenant_id: "1",
        customer_id: customer,
        activity_type: "TEETIME_BOOKED",
        category: ActivityCategory::Booking,
        channel: None,
        title: "Tee time",
        description: None,
        source_service: "teetime",
        source_id: booking,
        club_id: None,
        club_name: None,
        occurred_at: AS_OF,
        metadata: Some(r#"{"players":4}"#),
    }
}

fn push_consent(consents: &mut marketing_consents::Builder, customer: &str, consent: &Consent) {
    let id = derived_id("consent", &["1", customer, &consent.channel.to_string(), "all"]).to_string();
    let is_grant = consent.status == ConsentStatus::OptedIn;
    let act = match consent.at.filter(|_| is_grant && consent.kind == "CONSENT_LOG") {
        Some(at) => format!(r#","actAt":"{at}""#),
        None => String::new(),
    };
    let evidence = format!(r#"{{"evidenceKind":"{}","evidenceKey":"{}"{act}}}"#, consent.kind, consent.key);
    consents.push(marketing_consents::Row {
        id: &id,
        tenant_id: "1",
        customer_id: customer,
        channel: consent.channel,
        scope: "all",
        status: consent.status,
        consented_at: consent.at.filter(|_| is_grant),
        revoked_at: consent.at.filter(|_| !is_grant),
        source: "IMPORT",
        evidence: &evidence,
    });
}

/// The input of a first load of the last phase.
pub fn first_run(world: &World) -> Input<'_> {
    Input {
        run_id: "run-1",
        phase: Phase::LAST,
        as_of: AS_OF,
        inputs: "",
        exports: &[],
        kept_ids: &[],
        merges: &[],
        segments: None,
        restore: None,
        data: world,
    }
}
