//! Presets of populations: shares of shared contact points and data errors, which determine how hard identity resolution is.

/// Shares between 0 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoPopulation {
    /// Its name on the command line and in the marker.
    pub name: &'static str,
    /// Households of more than one person.
    pub households: f64,
    /// Of those: households with a shared email.
    pub shared_mailbox: f64,
    /// Of those: households with a shared phone.
    pub shared_phone: f64,
    /// Couples with a change of family name, where some source still has the former name.
    pub former_name: f64,
    /// Children with the first name of a parent.
    pub same_name: f64,
    /// Families of two children or more with twins.
    pub twins: f64,
    /// Records with a former email or phone, among people who have one.
    pub outdated: f64,
    /// Phones and emails that belonged to somebody else before.
    pub recycled: f64,
    /// People with two records in the same source.
    pub repeated: f64,
    /// Records without a name in sources that have names.
    pub nameless: f64,
    /// Values with a typing error.
    pub typo: f64,
    /// Short forms of given names.
    pub short_form: f64,
    /// Given names cut to the initial.
    pub initial: f64,
    /// Given and family name swapped.
    pub swapped: f64,
    /// Placeholders such as `noemail@…` and `0000000000`, per value.
    pub placeholder: f64,
    /// The club's own email or phone in place of the person's, per value.
    pub reception: f64,
    /// Records without an email.
    pub without_email: f64,
    /// Records without a phone.
    pub without_phone: f64,
    /// Records without a date of birth.
    pub without_birth: f64,
    /// Missing association numbers.
    pub without_number: f64,
    /// Association numbers that belong to another member of the household.
    pub family_number: f64,
    /// Players who were booked by somebody else, with that person's email and phone.
    pub guests: f64,
    /// People who are members in both countries.
    pub both_countries: f64,
}

impl DemoPopulation {
    /// The default: an ordinary club population with every kind of data error.
    pub const ORDINARY: Self = Self {
        name: "ordinary",
        households: 0.30,
        shared_mailbox: 0.38,
        shared_phone: 0.34,
        former_name: 0.12,
        same_name: 0.06,
        twins: 0.05,
        outdated: 0.14,
        recycled: 0.008,
        repeated: 0.04,
        nameless: 0.012,
        typo: 0.014,
        short_form: 0.07,
        initial: 0.025,
        swapped: 0.007,
        placeholder: 0.008,
        reception: 0.009,
        without_email: 0.12,
        without_phone: 0.22,
        without_birth: 0.07,
        without_number: 0.14,
        family_number: 0.006,
        guests: 0.03,
        both_countries: 0.03,
    };

    /// Many families with shared emails and phones; the hardest for records without a name.
    pub const FAMILIES: Self = Self {
        name: "families",
        households: 0.48,
        shared_mailbox: 0.58,
        shared_phone: 0.52,
        same_name: 0.10,
        twins: 0.09,
        nameless: 0.03,
        outdated: 0.18,
        guests: 0.05,
        ..Self::ORDINARY
    };

    /// Poorly maintained data: typing errors, missing values, placeholders and duplicate records.
    pub const ROUGH: Self = Self {
        name: "rough",
        outdated: 0.22,
        recycled: 0.02,
        repeated: 0.10,
        nameless: 0.05,
        typo: 0.04,
        short_form: 0.14,
        initial: 0.08,
        swapped: 0.02,
        placeholder: 0.03,
        reception: 0.03,
        without_email: 0.22,
        without_phone: 0.32,
        without_birth: 0.25,
        without_number: 0.35,
        family_number: 0.015,
        ..Self::ORDINARY
    };

    /// Every preset.
    pub const ALL: &'static [Self] = &[Self::ORDINARY, Self::FAMILIES, Self::ROUGH];

    /// The preset with this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|population| population.name == name)
    }
}
