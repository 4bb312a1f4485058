//! `apply`: links by a plan of duplicates, and ends.

use std::path::PathBuf;

use clap::Args;

use super::{
    Failure,
    many_links::{ManyLinks, Tools, conclude},
    runtime,
};
use crate::{
    domain::duplicates::Mark,
    transfer::plans::{Applied, Apply, PlanFile},
};

#[derive(Args)]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    links: ManyLinks,
    /// How many links are made at most. The same command makes the next ones
    #[arg(long, value_name = "NUMBER")]
    limit: Option<u64>,
    /// A mark with which a line is linked all the same, such as `same_provider`: after a person has
    /// looked at each line that has it. Several are possible
    #[arg(long = "accept-mark", value_name = "MARK", value_parser = mark)]
    accepted_marks: Vec<Mark>,
    /// The plan, as `duplicates` wrote it
    #[arg(value_name = "PLAN")]
    plan: PathBuf,
}

/// Parses a mark.
fn mark(text: &str) -> Result<Mark, String> {
    Mark::parse(text).ok_or_else(|| "is not a mark of a plan".to_owned())
}

pub(super) fn run(arguments: &ApplyArguments) -> Result<(), Failure> {
    let (config, tenant) = arguments.links.configured()?;
    let plan = PlanFile::open(&arguments.plan)
        .map_err(|error| Failure::from(format!("{}: {error}", arguments.plan.display())))?;
    if plan.tenant != tenant {
        return Err(Failure::usage(format!(
            "the plan is of the tenant {}, and not of {tenant}: name its tenant, or another plan",
            plan.tenant
        )));
    }
    runtime()?.block_on(async {
        let Tools { use_cases, pace, report, stop } = arguments.links.tools(&config).await?;
        let apply = Apply {
            use_cases,
            dry_run: arguments.links.dry_run,
            limit: arguments.limit,
            accepted_marks: arguments.accepted_marks.iter().copied().collect(),
        };
        let id = plan.id;
        let progress = arguments.links.progress("linking", "users", Some(plan.secondaries));
        let mut applied = Applied::default();
        let outcome =
            apply.run(plan, pace, report, &|done| progress.set(done), &stop, &mut applied).await;
        let Applied { linked, already, skipped, is_limited } = applied;
        let verb = if apply.dry_run { "would be linked" } else { "linked" };
        let end = if is_limited { ", up to the limit" } else { "" };
        let text = format!("plan {id} of {tenant}{end}\n{verb}: {linked}, already: {already}");
        conclude(&progress, outcome, text, &skipped)
    })
}
