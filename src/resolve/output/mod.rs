//! Output: links, the review queue, profile ids, confidence, and the explanation of a link.

pub(super) mod confidence;
pub mod explain;
pub(super) mod links;
pub(super) mod profile_ids;
pub(super) mod review_queue;
