//! Questions to a person: asked only where a person can answer.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::Result;

use crate::fault::{Exit, Fault};

/// Whether somebody sits at the terminal.
pub fn is_attended() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks, and returns the answer without blanks around it.
pub fn ask(question: &str) -> Result<String> {
    let mut stderr = std::io::stderr();
    let unheard = |error: std::io::Error| Fault::new(Exit::Failed, format!("the terminal cannot be used: {}", error.kind()));
    write!(stderr, "{question} ").and_then(|()| stderr.flush()).map_err(unheard)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(unheard)?;
    Ok(answer.trim().to_owned())
}

/// Refuses what cannot be undone where nobody decided on it and nobody can be asked.
pub fn require_answer(what: &str, decided: bool, command: &str) -> Result<()> {
    if decided || is_attended() {
        return Ok(());
    }
    let fault = Fault::new(Exit::Usage, format!("{what}, and nobody can be asked here: nothing was changed"));
    Err(fault.help(format!("if that is meant: {command}")).into())
}

/// Asks for a yes where somebody can give it; unattended runs have decided by starting.
pub fn agree(question: &str, decided: bool) -> Result<()> {
    if decided || !is_attended() {
        return Ok(());
    }
    match ask(&format!("{question} [y/N]"))?.to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Fault::new(Exit::Preflight, "not confirmed: nothing was changed").help("answer y, or give --yes").into()),
    }
}
