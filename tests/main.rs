//! One binary for all integration tests, so that they share a server and link once.

mod tidy;
