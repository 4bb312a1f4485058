//! `apply`: links by a plan of duplicates, and ends.

use std::{path::PathBuf, sync::Arc};

use clap::Args;

use super::{
    ConfigFile, Failure,
    many_links::{ManyLinks, Tools, conclude},
    runtime,
};
use crate::{
    domain::duplicates::Mark,
    transfer::plans::{Apply, ApplyEnd, Counts, FileClusters, PlanFile, PlanPlace},
};

#[derive(Args)]
pub(super) struct ApplyArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    links: ManyLinks,
    /// The tenant of the plan. The plan names it, so this option is not required: it must be the same
    #[arg(long, value_name = "TENANT")]
    tenant: Option<String>,
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
    let config = arguments.config.load_for_command()?;
    let plan = PlanFile::open(&arguments.plan)
        .map_err(|error| Failure::from(format!("{}: {error}", arguments.plan.display())))?;
    let tenant = plan.plan.tenant.clone();
    if arguments.tenant.as_deref().is_some_and(|named| named != tenant.as_str()) {
        return Err(Failure::usage(format!(
            "--tenant: the plan is of the tenant {tenant}: leave the option out, or name another plan"
        )));
    }
    if !config.tenants.contains_key(&tenant) {
        return Err(Failure::usage(format!(
            "the plan is of the tenant {tenant}, which the configuration does not have: name another plan, or the configuration of its servers"
        )));
    }
    runtime()?.block_on(async {
        let Tools { use_cases, pace, mut report, stop } = arguments.links.tools(&config).await?;
        let apply = Apply {
            use_cases,
            permit: arguments.links.permit(tenant.clone()),
            plan: plan.plan.clone(),
            dry_run: arguments.links.dry_run,
            limit: arguments.limit,
            accepted_marks: arguments.accepted_marks.iter().copied().collect(),
            after: PlanPlace::default(),
        };
        let progress = arguments.links.progress("linking", "users", Some(plan.secondaries));
        let show = |done| progress.set(done);
        let (dry_run, id) = (apply.dry_run, apply.plan.id);
        let (mut clusters, mut counts) = (FileClusters::of(Arc::new(plan)), Counts::default());
        let outcome = apply.run(&mut clusters, pace, &mut report, &show, &stop, &mut counts).await;
        let verb = if dry_run { "would be linked" } else { "linked" };
        let end = if matches!(outcome, Ok(ApplyEnd::Limited)) { ", up to the limit" } else { "" };
        let Counts { done, already, .. } = counts;
        let text = format!("plan {id} of {tenant}{end}\n{verb}: {done}, already: {already}");
        conclude(&progress, outcome.map(drop), text, &counts)
    })
}
