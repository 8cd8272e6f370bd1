//! Settings (`backfill.toml`) and environment variables. No other module reads them, except the variable that `launch` sets for
//! `cli`.

mod connections;
mod dates;
mod environment;
mod load;

pub use connections::ConnectionSettings;
pub use dates::DateSettings;
pub use environment::Environment;
pub use load::LoadSettings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::fault::{Exit, Fault};
use crate::model::did_you_mean;
use crate::model::zone::Zone;
use crate::model::{
    BookingTypes, ContactChoice, Day, FlagFalse, HolderReach, MissingComponent, Reasons, Scope, Source, Timestamp,
};

/// The settings of a run. Every field has a working default; `backfill.toml` documents them.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// CRM tenants.
    pub tenants: TenantSettings,
    /// Identity resolution.
    pub identity: IdentitySettings,
    /// Folders of data files.
    pub paths: PathSettings,
    /// Consent.
    pub consent: ConsentSettings,
    /// Survivorship: which value a profile shows.
    pub survivorship: SurvivorshipSettings,
    /// Handicaps.
    pub handicaps: HandicapSettings,
    /// The timeline.
    pub activities: ActivitySettings,
    /// Scores.
    pub scores: ScoreSettings,
    /// Order of day and month in dates.
    pub dates: DateSettings,
    /// Expected row counts, `source.entity = rows`.
    pub expect: BTreeMap<String, BTreeMap<String, u64>>,
    /// Loading.
    pub load: LoadSettings,
    /// Connections to databases. No dataset depends on them, so no manifest holds them.
    #[serde(skip_serializing)]
    pub connections: ConnectionSettings,
    /// The folder of the file; its paths are relative to it.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// CRM tenant ids and the facts about each tenant.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// Tenant of MCA v1 ZA.
    pub mca_za: String,
    /// Tenant of MCA v1 UK.
    pub mca_uk: String,
    /// Tenant of people whose tenant is not known.
    pub default: String,
    /// Per source: source tenant → CRM tenant, where they differ.
    pub map: BTreeMap<String, BTreeMap<String, String>>,
    /// Region, time zone and currency of each tenant.
    pub regions: BTreeMap<String, Region>,
}

/// The facts about a tenant.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// ISO 3166 code: the region of nationally written phones.
    pub region: String,
    /// IANA time zone.
    pub timezone: String,
    /// ISO 4217 code.
    pub currency: String,
}

impl Default for TenantSettings {
    fn default() -> Self {
        let region = |region: &str, timezone: &str, currency: &str| Region {
            region: region.to_owned(),
            timezone: timezone.to_owned(),
            currency: currency.to_owned(),
        };
        Self {
            mca_za: "1".to_owned(),
            mca_uk: "2".to_owned(),
            default: "default".to_owned(),
            map: BTreeMap::new(),
            regions: BTreeMap::from([
                ("1".to_owned(), region("ZA", "Africa/Johannesburg", "ZAR")),
                ("2".to_owned(), region("GB", "Europe/London", "GBP")),
            ]),
        }
    }
}

/// The treatment of records without a tenant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Tenantless {
    /// It may join a cluster of any one tenant.
    #[default]
    Adopt,
    /// It belongs to the default tenant.
    Default,
}

/// The treatment of SCL members and players without any key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Keyless {
    /// It gets a profile.
    #[default]
    Profile,
    /// It is skipped.
    Skip,
}

/// Settings of identity resolution.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct IdentitySettings {
    /// Whether equal values match within one tenant or across tenants.
    pub scope: Scope,
    /// The treatment of records without a tenant.
    pub tenantless: Tenantless,
    /// The treatment of records without any key.
    pub keyless: Keyless,
    /// The decisions file, relative to `backfill.toml`; it may be absent.
    pub decisions: PathBuf,
    /// The file of what the owner knows of some people, relative to `backfill.toml`; it may be absent.
    pub expectations: PathBuf,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            scope: Scope::default(),
            tenantless: Tenantless::default(),
            keyless: Keyless::default(),
            decisions: "decisions.csv".into(),
            expectations: "expectations.csv".into(),
        }
    }
}

/// Data files that belong to the settings.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PathSettings {
    /// Folder of the code maps, relative to `backfill.toml`.
    pub reference: PathBuf,
}

impl Default for PathSettings {
    fn default() -> Self {
        Self { reference: "data/reference".into() }
    }
}

/// Settings of consent.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsentSettings {
    /// Whether a withdrawal applies to the contact point in its tenant only or in all tenants.
    pub suppression: Scope,
    /// Whether a true flag alone is not accepted as consent.
    pub strict_consent: bool,
    /// The meaning of a false flag.
    pub flag_false: FlagFalse,
    /// The file of manual verdicts on unreadable cells, relative to `backfill.toml`; it may be absent.
    pub reviews: PathBuf,
    /// `ConsentChangeLog.source` values that are explicit actions of the person and alone lift a withdrawal.
    pub act_sources: Vec<String>,
}

impl Default for ConsentSettings {
    fn default() -> Self {
        let acts = ["WEB_FORM", "PREFERENCE_CENTRE", "SMS_KEYWORD", "APP", "DOUBLE_OPT_IN", "PAPER_FORM"];
        Self {
            suppression: Scope::Tenant,
            strict_consent: false,
            flag_false: FlagFalse::Withdrawal,
            reviews: "reviews.csv".into(),
            act_sources: acts.map(str::to_owned).to_vec(),
        }
    }
}

/// Settings of survivorship.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct SurvivorshipSettings {
    /// The email and phone that a profile shows.
    pub contact: ContactChoice,
    /// The profiles that show a shared email; the others keep it as an alias.
    pub email_holder: HolderReach,
    /// The profiles that show a shared phone; the others keep it as an alias.
    pub phone_holder: HolderReach,
}

/// Settings of handicaps.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandicapSettings {
    /// By region (ISO 3166): the first day of the World Handicap System, `"2020-11-02"`; a handicap from before is tagged.
    pub whs: BTreeMap<String, String>,
}

impl Default for HandicapSettings {
    fn default() -> Self {
        let day = |region: &str, day: &str| (region.to_owned(), day.to_owned());
        Self { whs: BTreeMap::from([day("GB", "2020-11-02"), day("ZA", "2020-01-01")]) }
    }
}

impl HandicapSettings {
    /// The first day of the World Handicap System in a region; checked when the settings are read.
    pub fn whs_from(&self, region: &str) -> Option<Day> {
        self.whs.get(region).and_then(|day| day.parse().ok()).map(Day::from_date)
    }
}

/// Activities beyond the strategy's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ExtraActivity {
    /// Consent given or withdrawn.
    Consent,
    /// Handicaps.
    Handicap,
}

/// Settings of the timeline.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ActivitySettings {
    /// Look-back of bookings and messages, calendar years in UTC: `"2y"`.
    pub lookback: String,
    /// Activity types of bookings.
    pub booking_types: BookingTypes,
    /// Activities beyond the strategy's.
    pub extra: Vec<ExtraActivity>,
}

impl Default for ActivitySettings {
    fn default() -> Self {
        Self { lookback: "2y".to_owned(), booking_types: BookingTypes::Strategy, extra: Vec::new() }
    }
}

impl ActivitySettings {
    /// The look-back in calendar years; checked when the settings are read.
    pub fn lookback_years(&self) -> i32 {
        self.lookback.trim_end_matches('y').parse().unwrap_or(2)
    }
}

/// The activities that count in metrics and scores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ActivityScope {
    /// All, as the strategy counts.
    #[default]
    All,
    /// Only what the person did.
    Engaged,
}

/// Settings of scores.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoreSettings {
    /// The activities that count.
    pub activity_scope: ActivityScope,
    /// The value of an engagement component without any data.
    pub missing: MissingComponent,
    /// SCL tiers from lowest to highest; an unknown tier is never a downgrade.
    pub tiers: Vec<String>,
    /// Whether the starter segments are created.
    pub starter_segments: bool,
}

impl Config {
    /// By tenant: the start of the World Handicap System, as local midnight of its first day.
    pub fn whs_from(&self) -> BTreeMap<String, Timestamp> {
        let from = |region: &Region| {
            let first = self.handicaps.whs_from(&region.region)?;
            Some(Zone::parse(&region.timezone)?.midnight(first, &mut Reasons::default()))
        };
        let regions = self.tenants.regions.iter();
        regions.filter_map(|(tenant, region)| Some((tenant.clone(), from(region)?))).collect()
    }

    /// Reads a settings file; a missing file is an error only when it was named.
    pub fn read(path: &Path, named: bool) -> Result<Self> {
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_path_buf();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => {
                return Ok(Self { folder, ..Self::default() });
            }
            Err(error) => {
                return Err(Fault::new(Exit::Usage, format!("cannot read the settings: {}", error.kind()))
                    .at(path.display().to_string())
                    .help("name another file with --config FILE")
                    .into());
            }
        };
        let mut config: Self = toml::from_str(&text).map_err(|error| setting_fault(path, &text, &error))?;
        config.folder = folder;
        config.check(path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<()> {
        let wrong = |what: String| Fault::new(Exit::Usage, what).at(path.display().to_string());
        let lookback = &self.activities.lookback;
        if !lookback.strip_suffix('y').is_some_and(|years| years.parse::<u8>().is_ok_and(|years| (1..=50).contains(&years))) {
            return Err(wrong("activities.lookback is not a number of years".to_owned()).help("write it as \"2y\"").into());
        }
        self.connections.check().map_err(|(what, help)| wrong(what).help(help))?;
        if !(0.0..=1.0).contains(&self.load.max_unreadable_ratio) {
            return Err(wrong("load.max_unreadable_ratio must lie between 0 and 1".to_owned()).into());
        }
        if !(0.0..=1.0).contains(&self.load.max_reject_ratio) {
            return Err(wrong("load.max_reject_ratio must lie between 0 and 1".to_owned()).into());
        }
        if let Some((region, _)) = self.handicaps.whs.iter().find(|(region, _)| self.handicaps.whs_from(region).is_none()) {
            return Err(wrong(format!("handicaps.whs.{region} is not a day")).help("write it as \"2020-11-02\"").into());
        }
        for source in self.tenants.map.keys() {
            if <Source as crate::model::Code>::from_code(source).is_none() {
                let known = <Source as crate::model::Code>::ALL.iter().map(|source| crate::model::Code::code(*source));
                let near = did_you_mean(source, known.clone()).map(|near| format!("did you mean {near:?}?"));
                let fault = wrong(format!("[tenants.map.{source}] names no source"));
                return Err(fault
                    .help(near.unwrap_or_else(|| format!("sources: {}", known.collect::<Vec<_>>().join(", "))))
                    .into());
            }
        }
        for (tenant, region) in &self.tenants.regions {
            if region.timezone.parse::<chrono_tz::Tz>().is_err() {
                return Err(wrong(format!("[tenants.regions.{tenant}] has an unknown time zone"))
                    .help("use a name such as \"Africa/Johannesburg\"")
                    .into());
            }
        }
        Ok(())
    }

    /// Scales the expected row counts to the size of a demo; 1 is the full size.
    pub fn expect_of_size(&mut self, size: f64) {
        for expected in self.expect.values_mut().flat_map(BTreeMap::values_mut) {
            *expected = (*expected as f64 * size).round() as u64;
        }
    }

    /// A path of the settings, relative to their file.
    pub fn resolve(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }

    /// The settings as bytes, for hashing into manifests; does not depend on the location of the file.
    pub fn fingerprint(&self) -> String {
        serde_json::to_string(self).expect("settings are plain data")
    }
}

fn setting_fault(path: &Path, text: &str, error: &toml::de::Error) -> Fault {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let place = line.map_or_else(|| path.display().to_string(), |line| format!("{} line {line}", path.display()));
    let message = error.message();
    let quoted: Vec<&str> = message.split('`').collect();
    // A value may be a secret in the wrong file, so only names of settings and the allowed values are shown.
    let what = match message {
        _ if message.starts_with("unknown field") => message.to_owned(),
        _ if message.starts_with("unknown variant") => {
            let known = message.split_once(", ").map_or("another value is expected", |(_, known)| known);
            format!("a value is not allowed for its setting: {known}")
        }
        _ if message.starts_with("invalid type") || message.starts_with("invalid value") => {
            let expected = message.rsplit_once("expected ").map_or("another type", |(_, expected)| expected);
            format!("a value has the wrong type for its setting: {expected}")
        }
        _ if message.starts_with("missing field") || message.starts_with("duplicate") => message.to_owned(),
        _ => "it is not valid TOML there".to_owned(),
    };
    let fault = Fault::new(Exit::Usage, format!("the settings cannot be parsed: {what}")).at(place);
    let near = quoted.get(1).and_then(|wrong| did_you_mean(wrong, quoted.iter().skip(3).step_by(2).copied()));
    match near {
        Some(near) => fault.help(format!("did you mean {near:?}?")),
        None => fault,
    }
}

#[cfg(test)]
mod tests;
