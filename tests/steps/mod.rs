//! The commands, each as a whole: arguments, datasets, what it says and its exit code.

mod audit;
mod checklist;
mod compare;
mod confirm;
mod consolidate;
mod evidence;
mod expectations;
mod explain;
mod export;
mod inspect;
mod stage;
mod status;
