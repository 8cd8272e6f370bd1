//! Golden records, aliases, consents, activities and the ledger; pure.
