//! People whose truth is known, staged by the product's own cleaning, for tests and benches of identity resolution.

#[cfg(feature = "local-postgres")]
pub mod demo;
pub mod keys;

use arrow::array::RecordBatch;
use crm_backfill::model::association::AssociationNumber;
use crm_backfill::model::date::{Birth, DateProfile};
use crm_backfill::model::email::EmailReader;
use crm_backfill::model::name::NameReader;
use crm_backfill::model::phone::{PhoneReader, PhoneRegion};
use crm_backfill::model::zone::Zone;
use crm_backfill::model::{
    AliasType, Day, Gender, Reasons, RecordIx, RecordKey, Reference, SkipReason, Source, TenantRule, record_order,
};
use crm_backfill::resolve::{Gathering, Memory, Nicknames, Resolution, ResolveOptions, resolve};
use crm_backfill::tables::stage::people;
use crm_backfill::tables::{Builder as _, Table as _};

/// A record of a source, with its true person.
#[derive(Clone, Debug)]
pub struct Raw {
    pub source: Source,
    pub id: String,
    pub tenant: Option<String>,
    pub email: String,
    pub phone: String,
    pub first: String,
    pub last: String,
    pub born: String,
    pub gender: Gender,
    pub golf_rsa: String,
    pub cdh: String,
    pub mca: String,
    pub auth: String,
    pub person: u32,
    pub household: u32,
}

impl Default for Raw {
    fn default() -> Self {
        Self {
            source: Source::McaZa,
            id: String::new(),
            tenant: Some("1".to_owned()),
            email: String::new(),
            phone: String::new(),
            first: String::new(),
            last: String::new(),
            born: String::new(),
            gender: Gender::Unknown,
            golf_rsa: String::new(),
            cdh: String::new(),
            mca: String::new(),
            auth: String::new(),
            person: 0,
            household: 0,
        }
    }
}

/// Staged batches of one source each, and the truth in record order.
pub struct Truth {
    pub batches: Vec<(Source, people::Columns)>,
    pub people: Vec<u32>,
    pub households: Vec<u32>,
    pub tenants: Vec<Option<String>>,
    /// Records of one person that the truth's own keys connect.
    pub reachable: Vec<u32>,
}

/// Stages records of one source as one batch.
pub fn batch(source: Source, records: &[&Raw]) -> people::Columns {
    people::Table::columns(&staged(source, records)).unwrap()
}

/// The same as rows of a file.
pub fn staged(source: Source, records: &[&Raw]) -> RecordBatch {
    let reference = Reference::committed();
    let junk = &reference.junk;
    let regions = [("1", "ZA"), ("2", "GB")].map(|(tenant, code)| (tenant, PhoneRegion::parse(code).unwrap()));
    let mut phones = PhoneReader::new(regions.iter().map(|(_, region)| *region));
    let (mut emails, mut names) = (EmailReader::default(), NameReader::default());
    let mut profile = DateProfile::default();
    records.iter().for_each(|raw| profile.see(&raw.born));
    let dates = profile.rules(None).unwrap();
    let mut builder = people::Builder::new(records.len());
    for raw in records {
        let mut reasons = Reasons::default();
        let tenant = raw.tenant.as_deref();
        let region = regions.iter().find(|(of, _)| Some(*of) == tenant).map(|(_, region)| *region);
        let email = emails.read(&raw.email, junk, &mut reasons).first().cloned();
        let phone = phones.read(&raw.phone, region, tenant.is_some(), junk, &mut reasons).first().copied();
        let name = names.read(Some(&raw.first), Some(&raw.last), None, junk, &mut [Reasons::default(); 2]);
        let mut number = |text: &str, kind| AssociationNumber::read(text, Some(kind), junk, &mut reasons);
        let golf_rsa = number(&raw.golf_rsa, AliasType::GolfRsaId);
        let cdh = number(&raw.cdh, AliasType::CdhId);
        let birth = Birth { zone: Zone::UTC, as_of: Day(20_000), created_on: None };
        let born = dates.birth(&raw.born, birth, junk, &mut reasons);
        let has_key = email.is_some() || phone.is_some();
        let may_found = match source {
            Source::McaZa | Source::McaUk => has_key,
            Source::Scl | Source::Teetime => true,
            Source::Messaging => has_key || !raw.auth.is_empty(),
        };
        builder.push(people::Row {
            tenant_id: tenant,
            tenant_rule: if tenant.is_some() { TenantRule::Row } else { TenantRule::Unknown },
            email: email.as_ref().map(|email| email.value.as_str()),
            email_key: email.as_ref().and_then(|email| email.key()),
            phone: phone.as_ref().map(|phone| phone.number.as_str()),
            phone_class: phone.and_then(|phone| phone.class),
            phone_key: phone.as_ref().filter(|phone| phone.is_key).map(|phone| phone.number.as_str()),
            first_name: name.first,
            last_name: name.last,
            first_key: name.first_key,
            name_suffix: name.suffix,
            last_key: name.last_key,
            born_on: born.filter(|_| source.is_mca()),
            born_raw: Some(raw.born.as_str()).filter(|text| source.is_mca() && !text.is_empty()),
            gender: raw.gender,
            golf_rsa_id: golf_rsa.as_ref().map(|number| number.as_str()),
            cdh_id: cdh.as_ref().map(|number| number.as_str()),
            mca_id: Some(raw.mca.as_str()).filter(|text| !text.is_empty()),
            auth_user_id: Some(raw.auth.as_str()).filter(|text| !text.is_empty()),
            may_found,
            skip_reason: if may_found {
                None
            } else {
                Some(if source.is_mca() { SkipReason::NoEmailNoPhone } else { SkipReason::NoKey })
            },
            ..people::Row::blank(&raw.id)
        });
    }
    builder.finish()
}

impl Truth {
    /// Stages records, `size` per batch, in the order given.
    pub fn of(records: &[Raw], size: usize) -> Self {
        let mut batches = Vec::new();
        for source in [Source::McaZa, Source::McaUk, Source::Scl, Source::Teetime, Source::Messaging] {
            let of_source: Vec<&Raw> = records.iter().filter(|raw| raw.source == source).collect();
            batches.extend(of_source.chunks(size).map(|chunk| (source, batch(source, chunk))));
        }
        let key = |raw: &Raw| (raw.source, raw.id.clone());
        let mut sorted: Vec<&Raw> = records.iter().collect();
        sorted.sort_by(|a, b| {
            let ((source_a, id_a), (source_b, id_b)) = (key(a), key(b));
            record_order(RecordKey { source: source_a, id: &id_a }, RecordKey { source: source_b, id: &id_b })
        });
        Self {
            batches,
            people: sorted.iter().map(|raw| raw.person).collect(),
            households: sorted.iter().map(|raw| raw.household).collect(),
            tenants: sorted.iter().map(|raw| raw.tenant.clone()).collect(),
            reachable: keys::reachable(&sorted),
        }
    }

    /// The share of true pairs within a tenant that the labels link.
    pub fn recall_inside_tenants(&self, labels: &[RecordIx]) -> f64 {
        self.share_joined(&self.people, labels)
    }

    /// The share of true pairs reachable by the truth's own keys that the labels link.
    pub fn recall_of_reachable(&self, labels: &[RecordIx]) -> f64 {
        self.share_joined(&self.reachable, labels)
    }

    fn share_joined(&self, groups: &[u32], labels: &[RecordIx]) -> f64 {
        let joined = keys::pairs_inside(groups.iter().copied().zip(labels.iter().copied()), &self.tenants);
        joined as f64 / keys::pairs_inside(groups.iter().copied(), &self.tenants).max(1) as f64
    }

    /// Resolves all sources.
    pub fn resolve(&self, options: &ResolveOptions, memory: Memory<'_>) -> Resolution {
        let mut gathering = Gathering::new(options, self.people.len());
        self.batches.iter().for_each(|(source, batch)| gathering.people(*source, batch.clone()));
        let nicknames = Nicknames::parse(Nicknames::COMMITTED).unwrap();
        resolve(gathering.finish(&nicknames), memory, options.clone())
    }
}

/// Reads a labelled CSV: `id,source,tenant,email,…,cluster,household` (columns by name, household optional).
pub fn read_csv(text: &str) -> Vec<Raw> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|column| column == name);
    let columns = [
        "id",
        "source",
        "tenant",
        "email",
        "phone",
        "first_name",
        "last_name",
        "dob",
        "gender",
        "golf_rsa_id",
        "cdh_id",
        "mca_id",
        "auth_user_id",
        "cluster",
        "household",
    ]
    .map(at);
    let number = |id: &str| id.split_once(':').map_or(id, |(_, number)| number).to_owned();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let [id, source, tenant, email, phone, first, last, dob, gender, golf_rsa, cdh, mca, auth, cluster, household] =
                columns.map(|at| at.and_then(|at| record.get(at)).unwrap_or_default().to_owned());
            let person = cluster.trim_start_matches('p').parse().unwrap();
            Raw {
                source: match source.as_str() {
                    "ZA" => Source::McaZa,
                    "UK" => Source::McaUk,
                    "SCL" => Source::Scl,
                    "TT" => Source::Teetime,
                    _ => Source::Messaging,
                },
                id: number(&id),
                tenant: match tenant.as_str() {
                    "" => None,
                    "ZA" => Some("1".to_owned()),
                    _ => Some("2".to_owned()),
                },
                email,
                phone,
                first,
                last,
                born: dob,
                gender: match gender.as_str() {
                    "M" => Gender::Male,
                    "F" => Gender::Female,
                    _ => Gender::Unknown,
                },
                golf_rsa,
                cdh,
                mca: number(&mca),
                auth,
                person,
                household: household.parse().unwrap_or(person),
            }
        })
        .collect()
}
