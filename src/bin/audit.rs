//! Draws a sample of links to judge, and reads the verdicts back.

use std::process::ExitCode;

fn main() -> ExitCode {
    crm_backfill::cli::main(
        "audit",
        "Draw a reproducible sample of links and candidates for people to judge; read their verdicts back as precision and decisions",
        "A link judged different becomes a cannot-link of decisions.csv, a candidate judged same a must-link.\n\
         Examples:\n  audit --sample 300 --out audit.csv --show\n  audit --verdicts audit.csv --by thandi",
        crm_backfill::steps::audit::run,
    )
}
