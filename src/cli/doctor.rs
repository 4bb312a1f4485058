//! `doctor`: checks what a server with a configuration depends on, and says what to do.

use clap::Args;
use serde_json::json;

use super::{ConfigFile, Failure, runtime, say};
use crate::{
    config::Config,
    doctor::{self, Finding, Level},
    http_client::HttpClient,
};

#[derive(Args)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &DoctorArguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let findings = look(&config, async |http| doctor::examine(&config, http).await)?;
    if arguments.json {
        say(&as_json(&findings))?;
    } else {
        findings.iter().try_for_each(|finding| say(&finding.to_string()))?;
    }
    failure(&findings, "doctor").map_or(Ok(()), Err)
}

/// The findings of an examination, with the HTTP client of this configuration.
pub(super) fn look(
    config: &Config,
    examine: impl AsyncFnOnce(&HttpClient) -> Vec<Finding>,
) -> Result<Vec<Finding>, Failure> {
    let runtime = runtime()?;
    let http = HttpClient::new(&config.outgoing);
    let findings = runtime.block_on(examine(&http));
    // Does not wait for a name lookup that has not ended.
    runtime.shutdown_background();
    Ok(findings)
}

/// The failure of a command with these findings; `None` if no check failed.
pub(super) fn failure(findings: &[Finding], command: &str) -> Option<Failure> {
    match findings.iter().filter(|finding| finding.level == Level::Fail).count() {
        0 => None,
        1 => Some(Failure::from(format!("{command} found one failure"))),
        failed => Some(Failure::from(format!("{command} found {failed} failures"))),
    }
}

fn as_json(findings: &[Finding]) -> String {
    let worst = findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok);
    let findings: Vec<_> = findings
        .iter()
        .map(|finding| {
            json!({
                "level": finding.level.to_string(),
                "subject": finding.subject,
                "state": finding.state,
                "advice": finding.advice,
            })
        })
        .collect();
    json!({"level": worst.to_string(), "findings": findings}).to_string()
}
