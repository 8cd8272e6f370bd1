//! The engines beside the single-machine road: the same datasets, in one process and on processes of a cluster.

mod cluster;
mod local;
mod support;
