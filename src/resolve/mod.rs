//! Who is one person; pure.
