//! `provider`: moves a provider to another issuer, and lists the issuers with their history.

use std::{fmt::Write as _, path::PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};

use super::{
    ConfigFile, EX_INTERRUPTED, EX_PARTLY, Failure, help, output_file::exists, progress::Progress,
    runtime, say, serve::on_signal, tenant::TenantArgument,
};
use crate::{
    config::Config,
    domain::{Provider, TenantId},
    store::{PastMove, PinnedProvider, ProviderMove, pinned_providers},
    transfer::export::Output,
    transfer::provider_move::{Checked, MoveError, Moved, Moving, Step, SubjectMap},
};

#[derive(Subcommand)]
pub(super) enum ProviderCommand {
    /// Move a provider to another issuer: its accounts keep their subjects, or get those of a file
    #[command(after_help = help::after(&[
        "identity-link provider move --config /etc/identity-link.toml --provider acme --from-issuer https://acme.example.net --to-issuer https://login.example.com --dry-run",
        "identity-link provider move --config /etc/identity-link.toml --provider acme --from-issuer https://acme.example.net --to-issuer https://login.example.com",
        "identity-link provider move --config /etc/identity-link.toml --tenant shop --provider acme --from-issuer https://old.example.com --to-issuer https://new.example.com --subjects subjects.csv --report refused.ndjson",
    ], help::MOVE))]
    Move(MoveArguments),
    /// List the providers of a tenant with their issuers and moves
    #[command(after_help = help::after(
        &["identity-link provider list --config /etc/identity-link.toml"],
        help::CONFIGURED,
    ))]
    List(ListArguments),
}

#[derive(Args)]
pub(super) struct MoveArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The provider
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// The issuer so far, as the servers were configured with it
    #[arg(long, value_name = "URL")]
    from_issuer: String,
    /// The new issuer, as the configuration has it
    #[arg(long, value_name = "URL")]
    to_issuer: String,
    /// The new subjects: CSV with the columns old and new. Without it, all accounts keep their subjects.
    /// gzip is recognised
    #[arg(long, value_name = "FILE")]
    subjects: Option<PathBuf>,
    /// Let accounts that the file does not name keep their subjects: only if these name the same
    /// people at the new issuer
    #[arg(long, requires = "subjects")]
    keep_unmapped: bool,
    /// Change nothing, and say what would happen
    #[arg(long)]
    dry_run: bool,
    /// The file for the refused rows with their reasons, which must not exist
    #[arg(long, value_name = "FILE", requires = "subjects")]
    report: Option<PathBuf>,
}

#[derive(Args)]
pub(super) struct ListArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
}

pub(super) fn run(command: &ProviderCommand) -> Result<(), Failure> {
    match command {
        ProviderCommand::Move(arguments) => move_provider(arguments),
        ProviderCommand::List(arguments) => list(arguments),
    }
}

fn move_provider(arguments: &MoveArguments) -> Result<(), Failure> {
    let config = arguments.config.load()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let order = arguments.order(&config, tenant)?;
    if let Some(report) = &arguments.report
        && report.try_exists()?
    {
        return Err(exists(report));
    }
    let map = arguments.subjects.clone().map(SubjectMap::open).transpose()?;
    let moved = runtime()?.block_on(async {
        let stop = on_signal()?;
        let moving = Moving {
            address: &config.database.address,
            policies: config.policies(),
            order,
            map: map.as_ref(),
            dry_run: arguments.dry_run,
        };
        let report = || {
            let create = |path: &PathBuf| Output::create(path, false);
            arguments.report.as_ref().map(create).transpose()
        };
        let bar = Progress::new("moving", "rows", None);
        let moved = moving.run(report, &stop, &|step| show(&bar, step)).await;
        bar.end();
        moved.map_err(|error| failed(&error))
    })?;
    conclude(&moved, arguments)
}

impl MoveArguments {
    /// The move, if the configuration has the new issuer, and has it alone.
    fn order(&self, config: &Config, tenant: TenantId) -> Result<ProviderMove, Failure> {
        let problem = |option: &str, text: String| Failure::usage(format!("--{option}: {text}"));
        let provider = Provider::parse(&self.provider)
            .ok_or_else(|| problem("provider", Provider::FORM.to_owned()))?;
        if self.from_issuer == self.to_issuer {
            let text = "must be another issuer than --from-issuer: a token from before would name another person";
            return Err(problem("to-issuer", text.to_owned()));
        }
        let pins = config.issuer_pins();
        let issuers: Vec<&str> = pins
            .iter()
            .filter(|pin| pin.tenant == tenant && pin.provider == provider)
            .map(|pin| pin.issuer.as_str())
            .collect();
        if issuers.is_empty() {
            let text = format!("the configuration has no issuer for it in tenant {tenant}");
            return Err(problem("provider", text));
        }
        if issuers.iter().any(|issuer| *issuer != self.to_issuer) {
            let text = format!(
                "the configuration has {}: give it the new issuer first",
                issuers.join(" and ")
            );
            return Err(problem("to-issuer", text));
        }
        Ok(ProviderMove {
            tenant,
            provider,
            from: self.from_issuer.clone(),
            to: self.to_issuer.clone(),
            mapping: None,
            keeps_unmapped: self.keep_unmapped,
        })
    }
}

fn show(bar: &Progress, step: Step) {
    match step {
        Step::Checking(rows, _) | Step::Renaming(rows, _) => bar.set(rows),
    }
}

fn failed(error: &MoveError) -> Failure {
    let code = match error {
        MoveError::Stopped | MoveError::StoppedInside => EX_INTERRUPTED,
        _ => 1,
    };
    Failure { text: error.to_string(), code }
}

/// Says what became of the move.
fn conclude(moved: &Moved, arguments: &MoveArguments) -> Result<(), Failure> {
    let MoveArguments { provider, from_issuer: from, to_issuer: to, .. } = arguments;
    let (checked, text) = match moved {
        Moved::Already(past) => {
            let time = past.end_time.map(time).unwrap_or_default();
            (
                None,
                format!(
                    "provider {provider} has been moved from {from} to {to} already, at {time}"
                ),
            )
        }
        Moved::Done(checked, Some(past)) if past.end_time.is_some() => {
            (checked.as_ref(), format!("moved: {}", describe(past)))
        }
        Moved::Done(None, Some(past)) => (
            None,
            format!(
                "unfinished: {}: run the command without --dry-run to continue it",
                describe(past)
            ),
        ),
        Moved::Done(checked, _) => {
            let text = format!("would be moved: provider {provider} from {from} to {to}");
            (checked.as_ref(), text)
        }
        Moved::Refused(checked) => {
            (Some(checked), format!("not moved: nothing of provider {provider} was changed"))
        }
    };
    let mut text = text;
    if let Some(checked) = checked {
        text.push_str(&figures(checked, arguments));
    }
    say(&text)?;
    let refused = checked.map_or(0, Checked::refused_rows);
    match moved {
        Moved::Refused(Checked { unmapped, .. }) => Err(Failure {
            text: format!(
                "{refused} rows were refused, and {unmapped} accounts are not in the file"
            ),
            code: EX_PARTLY,
        }),
        _ if refused > 0 => {
            Err(Failure { text: format!("{refused} rows were refused"), code: EX_PARTLY })
        }
        _ => Ok(()),
    }
}

/// What the check of the file found.
fn figures(checked: &Checked, arguments: &MoveArguments) -> String {
    let Checked { rows, found, renamed, deleted, unmapped, refused, examples } = checked;
    let mut text = format!(
        "\nrows: {rows}, accounts in them: {}, with another subject: {renamed}, deleted accounts: {deleted}",
        found.count
    );
    let _ = match (unmapped, arguments.keep_unmapped) {
        (0, _) => Ok(()),
        (_, true) => {
            write!(text, "\naccounts that are not in the file keep their subjects: {unmapped}")
        }
        (_, false) => write!(
            text,
            "\naccounts that are not in the file: {unmapped}. At the new issuer their subjects may be other people's: \
             add them, or delete them. --keep-unmapped lets them keep their subjects"
        ),
    };
    for (reason, count) in refused {
        let _ = write!(text, "\n{}: {count} rows", reason.word());
    }
    for example in examples {
        let _ = write!(text, "\n  {example}");
    }
    text
}

fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let pinned = runtime()?.block_on(pinned_providers(&config.database.address, &tenant))?;
    for PinnedProvider { provider, issuer, since, moves } in &pinned {
        say(&format!("{provider}: {issuer}, since {}", time(*since)))?;
        for past in moves {
            say(&format!("  {}", describe(past)))?;
        }
    }
    Ok(())
}

/// A move as a line.
fn describe(past: &PastMove) -> String {
    let PastMove { from_issuer, to_issuer, operator, renamed, kept, begin_time, end_time, .. } =
        past;
    let end = end_time.map_or_else(|| "not finished".to_owned(), time);
    let mut text = format!(
        "{}, by {operator}: from {from_issuer} to {to_issuer}, ended: {end}",
        time(*begin_time)
    );
    let _ = write!(text, ", renamed: {renamed}, kept: {kept}");
    text
}

fn time(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}
