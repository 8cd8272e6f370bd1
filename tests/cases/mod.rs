//! Cases from public trackers, real tools and independent data: each test names the case it holds.

mod living;
