//! `duplicates`: writes a plan of the users that are likely one person, and ends.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use uuid::Uuid;

use super::{
    ConfigFile, EX_INTERRUPTED, Failure,
    output_file::{is_stdout, output},
    progress::Progress,
    runtime, say,
    serve::on_signal,
    tenant::TenantArgument,
};
use crate::{
    clock,
    domain::duplicates::{PrimaryChoice, Rules},
    store::Store,
    telemetry::metrics::Metrics,
    transfer::{
        duplicates::{DuplicatesError, Figures, Large, Search, Step},
        lines::FileLines,
    },
};

#[derive(Args)]
pub(super) struct DuplicatesArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// What makes users likely one person: `verified-email`, the same email, verified on both sides;
    /// `verified-phone`, the same phone number, verified on both sides; `email-one-side`, the same
    /// email, verified on one side only. Several rules are possible
    #[arg(
        long = "rule",
        value_name = "RULE",
        default_value = "verified-email",
        hide_possible_values = true
    )]
    rules: Vec<RuleName>,
    /// Verified emails that Google delivers to the same mailbox too: dots and plus tags of
    /// gmail.com and googlemail.com do not count
    #[arg(long)]
    gmail: bool,
    /// Which user would absorb the others: `oldest`, or `most-used`, the one with the most identities
    #[arg(long, value_name = "USER", default_value = "oldest", hide_possible_values = true)]
    primary: PrimaryName,
    /// The file to write, which must not exist; `-` for stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RuleName {
    VerifiedEmail,
    VerifiedPhone,
    EmailOneSide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrimaryName {
    Oldest,
    MostUsed,
}

pub(super) fn run(arguments: &DuplicatesArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let mut policies = config.policies();
    let search = Search {
        plan: Uuid::new_v4(),
        time: clock::now(),
        rules: arguments.rules(),
        primary: match arguments.primary {
            PrimaryName::Oldest => PrimaryChoice::Oldest,
            PrimaryName::MostUsed => PrimaryChoice::MostUsed,
        },
        policies: policies.remove(&tenant).unwrap_or_default(),
        tenant,
        after: None,
    };
    runtime()?.block_on(async {
        let stop = on_signal()?;
        // One connection: the pages are read one after the other.
        let store =
            Store::open(&config.database.address, 1, config.policies(), &Metrics::default())
                .await?;
        let mut sink = FileLines::from(output(&arguments.output, false)?);
        let reading = Progress::new("reading", "identities", None);
        let outcome = search.write(&store, &mut sink, |step| show(&reading, step), &stop).await;
        reading.end();
        let figures = outcome.map_err(|error| incomplete(&error, &arguments.output))?;
        let page = page(&search, &figures);
        match is_stdout(&arguments.output) {
            true => Ok(writeln!(io::stderr(), "{page}")?),
            false => say(&page),
        }
    })
}

impl DuplicatesArguments {
    fn rules(&self) -> Rules {
        Rules {
            verified_email: self.rules.contains(&RuleName::VerifiedEmail),
            gmail: self.gmail,
            verified_phone: self.rules.contains(&RuleName::VerifiedPhone),
            email_one_side: self.rules.contains(&RuleName::EmailOneSide),
        }
    }
}

fn show(reading: &Progress, step: Step) {
    match step {
        Step::Reading(identities) => reading.set(identities),
        Step::Judging(users, _) => reading.set(users),
    }
}

/// The failure of a search that wrote a part of its plan.
fn incomplete(error: &DuplicatesError, output: &Path) -> Failure {
    let place = if is_stdout(output) { "stdout".to_owned() } else { output.display().to_string() };
    let code = if matches!(error, DuplicatesError::Stopped) { EX_INTERRUPTED } else { 1 };
    Failure { text: format!("{error}: the plan in {place} is not complete"), code }
}

/// The page of figures.
fn page(search: &Search, figures: &Figures) -> String {
    let Figures { read, clusters, users, marked, rules, marks, largest } = figures;
    let mut text = format!("plan {} of {}", search.plan, search.tenant);
    let _ = write!(text, "\nidentities read: {read}");
    let _ = write!(text, "\nclusters: {clusters}, users in them: {users}");
    if *clusters == 0 {
        text += "\nan email counts by its provider's email_trust, and one of an import only with imported_emails = true";
    }
    for (rule, found) in rules {
        let _ = write!(
            text,
            "\n  {}: {} pairs in {} clusters",
            rule.as_str(),
            found.pairs,
            found.clusters
        );
    }
    let _ = write!(text, "\nwith something against them: {marked}");
    for (mark, count) in marks {
        let _ = write!(text, "\n  {}: {count}", mark.as_str());
    }
    for (at, Large { users, primary, .. }) in largest.iter().enumerate() {
        let heading = if at == 0 { "\nlargest:" } else { "" };
        let primary = primary.as_ref().map(ToString::to_string).unwrap_or_default();
        let _ = write!(text, "{heading}\n  {primary}: {users} users");
    }
    text
}
