//! How a population differs from another one: the shares that decide how hard it is to tell who is who.

/// Shares from 0 to 1 unless a field says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct Population {
    /// What it is called on the command line and in the marker.
    pub name: &'static str,
    /// Homes of more than one person.
    pub households: f64,
    /// Of those homes: they have a mailbox that several use.
    pub shared_mailbox: f64,
    /// Of those homes: they have a telephone that several give.
    pub shared_phone: f64,
    /// Couples of which one took the other's name and is still listed under the former one somewhere.
    pub former_name: f64,
    /// Children that bear a parent's first name.
    pub same_name: f64,
    /// Families of two children or more with twins.
    pub twins: f64,
    /// Records that show a former email or phone, where the person has one.
    pub outdated: f64,
    /// Phones and emails that had another owner before.
    pub recycled: f64,
    /// People with two records in one source.
    pub repeated: f64,
    /// Named sources' records without a name.
    pub nameless: f64,
    /// Letters and digits mistyped, per value.
    pub typo: f64,
    /// Short forms of given names.
    pub short_form: f64,
    /// Given names cut to the initial.
    pub initial: f64,
    /// Given and family name in each other's column.
    pub swapped: f64,
    /// Placeholders such as `noemail@…` and `0000000000`, per value.
    pub placeholder: f64,
    /// The club's own email or phone in place of the person's, per value.
    pub reception: f64,
    /// No address.
    pub without_email: f64,
    /// No number.
    pub without_phone: f64,
    /// No date of birth.
    pub without_birth: f64,
    /// Association numbers that are missing.
    pub without_number: f64,
    /// Association numbers of another member of the family.
    pub family_number: f64,
    /// Players booked by somebody else under that person's email and phone.
    pub guests: f64,
    /// People who are members in both countries.
    pub both_countries: f64,
}

impl Population {
    /// What the demo shows: an ordinary club population with every kind of data error.
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

    /// Many families on few mailboxes and telephones: the hardest for records without a name.
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

    /// Badly kept lists: typing errors, missing values, placeholders and repeated records.
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

    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|population| population.name == name)
    }
}
