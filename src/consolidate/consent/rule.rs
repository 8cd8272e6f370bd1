//! The numbered rules of consent: `ruleNo` in a row's evidence.

/// The rule that decided a consent row. Rules 1 and 2 (collecting evidence), 7 (a contact flag alone, which gives no row) and 11
/// (suppressions) never decide a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// A logged withdrawal without a later explicit action of the person.
    LoggedWithdrawal = 3,
    /// An opt-out by preference without a later explicit action.
    RefusedPreference = 4,
    /// A false or unreadable contact flag without a later explicit action.
    ContactFlag = 5,
    /// Consent given in the log or by preference, without a standing withdrawal.
    Grant = 6,
    /// A withdrawal for all scopes covers this one.
    AllScopes = 8,
    /// Another contact withdrew consent for the same contact point in the tenant.
    SharedContactPoint = 9,
    /// A spam complaint without a later explicit action.
    Complaint = 10,
    /// A withdrawal recorded by an earlier load, without a later explicit action.
    EarlierLoad = 12,
}

impl ConsentRule {
    /// The number in the evidence.
    pub fn number(self) -> u8 {
        self as u8
    }
}
