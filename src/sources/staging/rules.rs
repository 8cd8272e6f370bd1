//! The validated settings of staging: tenants with their regions and zones, code maps, who may seed a profile.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::date::DateOrder;
use crate::model::phone::PhoneRegion;
use crate::model::text::{is_missing_word, whole};
use crate::model::zone::Zone;
use crate::model::{Code as _, Day, Reference, Reviews, Source, TenantRule, Timestamp};

/// The settings of staging.
#[derive(Clone, Debug)]
pub struct StagingOptions {
    /// Point in time the run is evaluated at.
    pub as_of: Timestamp,
    /// Tenant of MCA v1 ZA.
    pub mca_za: String,
    /// Tenant of MCA v1 UK.
    pub mca_uk: String,
    /// The tenant of records without a tenant; `None` where they may join a cluster of any tenant.
    pub tenantless: Option<String>,
    /// Per source: source tenant → CRM tenant, where they differ.
    pub map: BTreeMap<String, BTreeMap<String, String>>,
    /// Per tenant: phone region (ISO 3166) and time zone (IANA).
    pub regions: BTreeMap<String, (String, String)>,
    /// Whether an SCL member or player without any key gets a profile.
    pub keyless: bool,
    /// Sources of logged consent changes that are explicit actions of the person.
    pub act_sources: Vec<String>,
    /// Order of day and month by `source.entity.column`, where an operator decides it.
    pub date_orders: BTreeMap<String, DateOrder>,
    /// Code maps and junk lists.
    pub reference: Reference,
    /// Manual verdicts on unreadable cells.
    pub reviews: Reviews,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RulesError {
    /// No numbering plan has this code.
    #[error("[tenants.regions.{tenant}] has an unknown region {region:?}")]
    Region {
        /// The tenant.
        tenant: String,
        /// The value that is set.
        region: String,
    },
    /// No zone has this name.
    #[error("[tenants.regions.{tenant}] has an unknown time zone {zone:?}")]
    Zone {
        /// The tenant.
        tenant: String,
        /// The value that is set.
        zone: String,
    },
}

/// The validated settings.
pub struct Rules {
    /// Point in time the run is evaluated at.
    pub as_of: Timestamp,
    /// Whether an SCL member or player without any key gets a profile.
    pub keyless: bool,
    /// Code maps and junk lists.
    pub reference: Reference,
    /// Manual verdicts on unreadable cells.
    pub reviews: Reviews,
    mca: [String; 2],
    tenantless: Option<String>,
    map: BTreeMap<String, BTreeMap<String, String>>,
    places: BTreeMap<String, (PhoneRegion, Zone)>,
    act_sources: Vec<String>,
    date_orders: BTreeMap<String, DateOrder>,
}

/// A record's tenant, with its region and zone.
#[derive(Clone, Copy, Debug)]
pub struct Tenancy<'a> {
    /// The CRM tenant.
    pub tenant: Option<&'a str>,
    /// Its origin.
    pub rule: TenantRule,
    /// Region of nationally written phones.
    pub region: Option<PhoneRegion>,
    /// Zone of local times.
    pub zone: Option<Zone>,
}

impl Rules {
    /// Validates the settings.
    pub fn new(options: StagingOptions) -> Result<Self, RulesError> {
        let mut places = BTreeMap::new();
        for (tenant, (region, zone)) in options.regions {
            let Some(known) = PhoneRegion::parse(&region) else { return Err(RulesError::Region { tenant, region }) };
            let Some(zone) = Zone::parse(&zone) else { return Err(RulesError::Zone { tenant, zone }) };
            places.insert(tenant, (known, zone));
        }
        Ok(Self {
            as_of: options.as_of,
            keyless: options.keyless,
            reference: options.reference,
            reviews: options.reviews,
            mca: [options.mca_za, options.mca_uk],
            tenantless: options.tenantless,
            map: options.map,
            places,
            date_orders: options.date_orders,
            act_sources: options.act_sources.iter().map(|source| act(source)).collect(),
        })
    }

    /// The regions in which a nationally written number may be tried.
    pub fn phone_regions(&self) -> impl Iterator<Item = PhoneRegion> {
        self.places.values().map(|(region, _)| *region)
    }

    /// The tenancy of a source that belongs to one tenant.
    pub fn region_tenancy(&self, source: Source) -> Tenancy<'_> {
        self.place(Some(&self.mca[usize::from(source == Source::McaUk)]), TenantRule::Region)
    }

    /// The tenancy of a record whose source contains a tenant; `named` is `None` where it has none.
    pub fn tenancy<'a>(&'a self, source: Source, named: Option<&'a str>, rule: TenantRule) -> Tenancy<'a> {
        match named.filter(|named| !is_missing_word(named)) {
            Some(named) => {
                // The same tenant may be `1` in one file and `1.0` in another; only a borrowed id can be returned as such.
                let named = match whole(named) {
                    Cow::Borrowed(named) => named,
                    Cow::Owned(_) => named.trim(),
                };
                let mapped = self.map.get(source.code()).and_then(|map| map.get(named));
                self.place(Some(mapped.map_or(named, String::as_str)), rule)
            }
            None => Tenancy { tenant: self.tenantless.as_deref(), rule: TenantRule::Unknown, region: None, zone: None },
        }
    }

    fn place<'a>(&self, tenant: Option<&'a str>, rule: TenantRule) -> Tenancy<'a> {
        let place = tenant.and_then(|tenant| self.places.get(tenant));
        Tenancy { tenant, rule, region: place.map(|place| place.0), zone: place.map(|place| place.1) }
    }

    /// What a word of consent says; `None` for one that cannot be read, such as one with a question mark: whoever wrote it did not know.
    pub fn consent(&self, raw: &str) -> Option<bool> {
        if raw.contains(['?', '\u{ff1f}']) { None } else { self.reference.boolean(raw) }
    }

    /// The order of day and month that an operator decided for a column.
    pub fn date_order(&self, source: Source, entity: &str, column: &str) -> Option<DateOrder> {
        let order = self.date_orders.iter().find(|(name, _)| {
            let mut parts = name.splitn(3, '.');
            parts.next() == Some(source.code()) && parts.next() == Some(entity) && parts.next() == Some(column)
        });
        order.map(|(_, order)| *order)
    }

    /// Whether a logged change of this origin, in upper case, is an explicit action of the person.
    pub fn is_act(&self, origin: &str) -> bool {
        self.act_sources.iter().any(|act| act == origin)
    }

    /// The day of as_of in a zone.
    pub fn today(&self, zone: Option<Zone>) -> Day {
        zone.unwrap_or(Zone::UTC).day(self.as_of)
    }
}

/// The origin of a consent change in the form that is compared: upper case, words joined by underscores.
pub(in crate::sources) fn act(origin: &str) -> String {
    let words: Vec<_> =
        origin.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_')).filter(|word| !word.is_empty()).collect();
    words.join("_").to_uppercase()
}
