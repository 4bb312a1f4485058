//! `doctor`: checks what a server with a configuration depends on, and says what to do.

use clap::Args;
use serde_json::json;

use super::{ConfigFile, Failure, runtime, say};
use crate::{
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
    let runtime = runtime()?;
    let http = HttpClient::new(&config.outgoing);
    let findings = runtime.block_on(doctor::examine(&config, &http));
    // Does not wait for a name lookup that has not ended.
    runtime.shutdown_background();
    let failed = findings.iter().filter(|finding| finding.level == Level::Fail).count();
    if arguments.json {
        say(&as_json(&findings))?;
    } else {
        findings.iter().try_for_each(|finding| say(&finding.to_string()))?;
    }
    match failed {
        0 => Ok(()),
        1 => Err(Failure::from("doctor found one failure")),
        failed => Err(Failure::from(format!("doctor found {failed} failures"))),
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
