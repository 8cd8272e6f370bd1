//! Signal handling: the first signal stops the run with a status line, deferred while a folder is swapped or a commit is pending;
//! the second stops at once.
//!
//! Nothing has to be undone after a stop: folders are only exchanged as a whole, and an open transaction ends with its session.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::json;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

struct InterruptState {
    step: &'static str,
    json: bool,
    /// The operations that defer a signal, innermost last.
    held: Vec<&'static str>,
    /// Results of this run that stay.
    done: Vec<String>,
    /// A signal that is deferred.
    waiting: Option<i32>,
}

static STATE: Mutex<InterruptState> =
    Mutex::new(InterruptState { step: "", json: false, held: Vec::new(), done: Vec::new(), waiting: None });

fn state() -> MutexGuard<'static, InterruptState> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Defers the first signal while it lives. The protected operation must be short and end by itself.
#[derive(Debug)]
#[must_use = "signals are deferred only while this lives"]
pub struct HeldSignal(());

/// Defers the first signal during an operation, such as `the commit to be confirmed`.
pub fn hold(what: &'static str) -> HeldSignal {
    state().held.push(what);
    HeldSignal(())
}

impl Drop for HeldSignal {
    fn drop(&mut self) {
        let mut state = state();
        state.held.pop();
        if let (true, Some(signal)) = (state.held.is_empty(), state.waiting) {
            end(&state, signal);
        }
    }
}

/// Notes a result that stays even if the run is interrupted: `data/stage is written`.
pub fn stands(what: impl Into<String>) {
    state().done.push(what.into());
}

/// Declares the run complete: signals no longer change its result.
pub fn finish() {
    std::mem::forget(hold("the result to be printed"));
}

/// Installs the signal handlers. With `json` an interrupted run prints one JSON line on stdout, too.
pub fn watch(step: &'static str, json: bool) {
    (state().step, state().json) = (step, json);
    let again = Arc::new(AtomicBool::new(false));
    let signals = [SIGINT, SIGTERM, SIGHUP];
    // Registered first, so that a second signal ends the process whatever its threads do.
    for signal in signals {
        let _ = signal_hook::flag::register_conditional_default(signal, Arc::clone(&again));
    }
    let Ok(mut signals) = signal_hook::iterator::Signals::new(signals) else { return };
    let watch = move || {
        let Some(signal) = signals.forever().next() else { return };
        again.store(true, Ordering::SeqCst);
        let mut state = state();
        match state.held.last() {
            None => end(&state, signal),
            Some(what) => {
                let _ = writeln!(std::io::stderr(), "interrupted: waiting for {what}; press Ctrl-C again to stop now");
                state.waiting = Some(signal);
            }
        }
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(watch);
}

fn end(state: &InterruptState, signal: i32) {
    let how = if state.done.is_empty() {
        "no folder was replaced and nothing was committed".to_owned()
    } else {
        format!("after the work was done: {}", state.done.join("; "))
    };
    let what = format!("interrupted: {how}; run the same command again");
    let _ = writeln!(std::io::stderr(), "{what}");
    if state.json {
        let error = json!({ "what": what, "at": null, "help": ["run the same command again"] });
        let line = json!({ "format": 1, "step": state.step, "exit": 128 + signal, "result": null, "error": error });
        let _ = writeln!(std::io::stdout(), "{line}");
    }
    let _ = signal_hook::low_level::emulate_default_handler(signal);
}
