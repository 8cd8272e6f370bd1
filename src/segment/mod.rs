//! The rule language of segments and its evaluation; pure.
