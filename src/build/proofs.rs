//! Proofs of what the target demands of every row: unique keys, present values, words of its enums, existing profiles.
