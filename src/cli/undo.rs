//! `undo`: takes back one link, or many, and ends.

use chrono::{DateTime, Utc};
use clap::{ArgGroup, Args, ValueEnum};
use uuid::Uuid;

use super::{
    Failure,
    client::{Connection, UndoOneLink, undo_link},
    many_links::{ManyLinks, Tools, conclude},
    runtime,
};
use crate::{
    config::CommandConfig,
    domain::ProofKind,
    store::{ActorFilter, ActorKind, LinkFilter, LinkPosition},
    transfer::plans::{Counts, Undo},
};

#[derive(Args)]
#[command(group = ArgGroup::new("which").required(true).args(["link", "plan", "by_rule", "service"]))]
pub(super) struct UndoArguments {
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    one: UndoOneLink,
    #[command(flatten)]
    links: ManyLinks,
    /// All links of this plan, whose id is in the first line of its file
    #[arg(long, value_name = "ID")]
    plan: Option<Uuid>,
    /// All links that sign-ins made by a rule: `automatic`, by an email that is verified on both
    /// sides. Needs --since
    #[arg(long, value_name = "RULE", requires = "since", hide_possible_values = true)]
    by_rule: Option<RuleName>,
    /// All links that a service made: its name in the configuration, or the issuer and the subject
    /// of its tokens. Needs --since
    #[arg(long, value_names = ["NAME", "SUBJECT"], num_args = 1..=2, requires = "since")]
    service: Vec<String>,
    /// Only links that were made at this time or later, such as 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "link")]
    since: Option<DateTime<Utc>>,
    /// Only links that were made before this time
    #[arg(long, value_name = "TIME", conflicts_with = "link")]
    until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RuleName {
    Automatic,
}

pub(super) fn run(arguments: &UndoArguments) -> Result<(), Failure> {
    let UndoArguments { connection, one, links, .. } = arguments;
    if let Some(link) = one.link {
        if links.report.is_some() {
            return Err(Failure::usage(
                "--report: is for many links: --output json shows this one",
            ));
        }
        return undo_link(link, one, links.dry_run, (connection, links.reason()));
    }
    connection.expect_no_server("undo of many links")?;
    let config = connection.config_file()?.load_for_command()?;
    let tenant = connection.tenant().find(&config.tenants)?;
    let filter = arguments.filter(&config)?;
    runtime()?.block_on(async {
        let Tools { use_cases, pace, mut report, stop } = arguments.links.tools(&config).await?;
        let permit = links.permit(tenant.clone());
        let undo = Undo { use_cases, permit, filter, dry_run: arguments.links.dry_run };
        let progress = arguments.links.progress("undoing", "links", None);
        let show = |done| progress.set(done);
        let mut counts = Counts::default();
        let outcome =
            undo.run(LinkPosition::START, pace, &mut report, &show, &stop, &mut counts).await;
        let Counts { done, already, .. } = counts;
        let verb = if undo.dry_run { "would be undone" } else { "undone" };
        let plan = arguments.plan.map(|plan| format!(" by the plan {plan}")).unwrap_or_default();
        let is_empty = outcome.is_ok() && counts.all() == 0;
        let none = if is_empty { ": there is none" } else { "" };
        let text = format!("links of {tenant}{plan}{none}\n{verb}: {done}, already: {already}");
        conclude(&progress, outcome, text, &counts)
    })
}

impl UndoArguments {
    fn filter(&self, config: &CommandConfig) -> Result<LinkFilter, Failure> {
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(Failure::usage("--until: must be after --since"));
        }
        let actor = match &self.service[..] {
            [] => ActorFilter::default(),
            [name] => {
                let named = config.services.iter().find(|service| *service.name == **name);
                let service = named.ok_or_else(|| {
                    Failure::usage(
                        "--service: is no name of [services]: name the issuer and the subject of its tokens",
                    )
                })?;
                actor_of_service(&service.issuer, &service.subject)
            }
            [issuer, subject, ..] => actor_of_service(issuer, subject),
        };
        Ok(LinkFilter {
            since: self.since,
            until: self.until,
            proof: self.by_rule.map(|RuleName::Automatic| ProofKind::VerifiedEmail),
            actor,
            plan: self.plan,
            ..LinkFilter::default()
        })
    }
}

fn actor_of_service(issuer: &str, subject: &str) -> ActorFilter {
    ActorFilter {
        kind: Some(ActorKind::Service),
        issuer: Some(issuer.to_owned()),
        subject: Some(subject.to_owned()),
    }
}
