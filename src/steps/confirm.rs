//! Questions to the operator, asked only on a terminal.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;

use crate::fault::{Exit, Fault};

/// Whether the command runs on a terminal.
pub fn is_attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and returns the trimmed answer.
pub fn ask(question: &str) -> Result<String> {
    let mut stderr = std::io::stderr();
    let unheard = |error: std::io::Error| Fault::new(Exit::Failed, format!("the terminal cannot be used: {}", error.kind()));
    write!(stderr, "{question} ").and_then(|()| stderr.flush()).map_err(unheard)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(unheard)?;
    Ok(answer.trim().to_owned())
}

/// Fails before an irreversible action that was not confirmed and cannot be confirmed without a terminal.
pub fn require_answer(what: &str, decided: bool, command: &str) -> Result<()> {
    if decided || is_attended() {
        return Ok(());
    }
    let fault = Fault::new(Exit::Usage, format!("{what}, and there is no terminal to ask on: nothing was changed"));
    Err(fault.help(format!("if that is intended: {command}")).into())
}

/// Asks for a yes on a terminal. An unattended run needs no confirmation.
pub fn agree(question: &str, decided: bool) -> Result<()> {
    if decided || !is_attended() {
        return Ok(());
    }
    match ask(&format!("{question} [y/N]"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Fault::new(Exit::Preflight, "not confirmed: nothing was changed").help("answer y, or give --yes").into()),
    }
}
