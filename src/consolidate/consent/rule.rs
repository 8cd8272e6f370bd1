//! The rules of consent by number, as `ruleNo` in a row's evidence shows them.

/// The rule that decided a consent row. Rules 1 and 2 collect evidence, rule 7 (a contact flag alone) makes no row, and rule 11 concerns
/// suppressions, so none of them decides a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentRule {
    /// A logged withdrawal that no later explicit action of the person lifts.
    LoggedWithdrawal = 3,
    /// A preference that refuses, and no later explicit action.
    RefusedPreference = 4,
    /// The contact's flag is false or cannot be read, and no later explicit action.
    ContactFlag = 5,
    /// Consent given in the log or by preference, with no withdrawal standing against it.
    Grant = 6,
    /// A withdrawal for all scopes covers this one.
    AllScopes = 8,
    /// Another contact withdrew consent for the same contact point in the tenant.
    SharedContactPoint = 9,
    /// A spam complaint, and no later explicit action.
    Complaint = 10,
    /// A withdrawal that an earlier load recorded, and no later explicit action.
    EarlierLoad = 12,
}

impl ConsentRule {
    /// The number in the evidence.
    pub fn number(self) -> u8 {
        self as u8
    }
}
