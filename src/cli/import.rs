//! `import`: brings users from files, and says before and after what happens to each row.

use std::{fmt::Write as _, path::PathBuf, sync::Arc};

use clap::{Args, ValueEnum};
use tokio_util::sync::CancellationToken;

use super::{
    ConfigFile, EX_INTERRUPTED, EX_PARTLY, Failure, progress::Progress, runtime, say,
    serve::on_signal, tenant::TenantArgument,
};
use crate::{
    auth::Permit,
    clock,
    config::CommandConfig,
    domain::{Provider, TenantId},
    store::{IssuerPin, PinnedProvider, Store, pinned_providers},
    telemetry::metrics::Metrics,
    transfer::{
        import::{
            Attaching, Checker, FilePath, FilePaths, Files, Import, ImportError, Mapped,
            ProviderMap, Reporting, Rows, Settled, Source, Survey,
        },
        input::{Columns, Input, Joined},
        sources::Format,
    },
    use_cases::UseCases,
};

/// How many connections it uses: two for its batches, and one for the links of `--attach`.
const CONNECTIONS: usize = 3;

#[derive(Args)]
pub(super) struct ImportArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The form of the files
    #[arg(long, value_name = "FORM")]
    from: SourceFormat,
    /// Which provider of the tenant a provider of the files is, such as google.com=google-oauth2;
    /// with FROM=- its accounts are left out. Providers of the same name need no entry
    #[arg(long = "provider", value_name = "FROM=TO")]
    providers: Vec<String>,
    /// Write nothing, and say what would happen
    #[arg(long)]
    dry_run: bool,
    /// Where a person has signed in with an account of a row meanwhile, link the user of that sign-in
    /// into the user of the row, instead of refusing the row
    #[arg(long)]
    attach: bool,
    /// The file for the refused rows with their reasons, which must not exist. Without it, a dry run
    /// writes none
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The file for the ids of the source that could not stay, which must not exist
    #[arg(long, value_name = "FILE", conflicts_with = "dry_run")]
    id_map: Option<PathBuf>,
    /// Of csv: which column of the users has which field, such as id=user_id
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
    /// Of csv: the file of the accounts, where the users' file does not have them
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Of csv: which column of the accounts has which field, such as user_id=userId
    #[arg(long = "account-column", value_name = "FIELD=COLUMN", requires = "accounts")]
    account_columns: Vec<String>,
    /// The files, or a folder of files; - for stdin. gzip is recognised
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum SourceFormat {
    /// One JSON object a line, as `export` writes it
    Neutral,
    /// Tables of your own as CSV, with --column for each field
    Csv,
    /// Auth0: users-exports jobs, JSON or CSV
    Auth0,
    /// Firebase: accounts:batchGet, and `auth:export` as JSON
    Firebase,
    /// Supabase: rows of auth.users with their identities
    Supabase,
    /// Keycloak: `kc export`
    Keycloak,
    /// Cognito: list-users
    Cognito,
}

pub(super) fn run(arguments: &ImportArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let tenant_id = arguments.tenant.find(&config.tenants)?;
    let settings = config.tenants.get(&tenant_id).cloned().unwrap_or_default();
    let providers = ProviderMap::parse(&arguments.providers, &settings)
        .map_err(|error| Failure::usage(format!("--provider: {error}")))?;
    let source = Source::new(arguments.open()?, arguments.from.into(), &providers);
    let checker =
        Checker { tenant: Arc::new(settings), providers: Arc::new(providers), now: clock::now() };
    let progress = Progress::new("reading", "rows", None);
    // A signal ends the process: nothing is written yet.
    let survey =
        Survey::of(&source, &checker, &CancellationToken::new(), &|rows| progress.set(rows));
    progress.end();
    let survey = survey?;
    say(describe(&survey, &checker.providers).trim_end())?;
    let unmapped: Vec<&str> = survey.unmapped().collect();
    if !unmapped.is_empty() {
        return Err(Failure::usage(format!(
            "no provider of the tenant is named for {}: add --provider NAME=PROVIDER for each, or --provider NAME=- to leave its accounts out",
            unmapped.join(", ")
        )));
    }
    let reporting = arguments.reporting(&survey);
    let (survey, source) = (Arc::new(survey), Arc::new(source));
    let settled = runtime()?.block_on(async {
        let stop = on_signal()?;
        let policies = config.policies();
        let address = &config.database.address;
        let store = Store::open(address, CONNECTIONS, policies, &Metrics::default()).await?;
        // The accounts of another issuer would be other people's.
        let store = store.relying_on(&issuers(&config, &tenant_id, &survey).await?);
        let use_cases = arguments
            .attach
            .then(|| Arc::new(UseCases::of_command(store.clone(), config.tenants.clone())));
        let import = Import {
            store: &store,
            tenant: &tenant_id,
            checker: &checker,
            survey: &survey,
            attach: use_cases.as_ref().map(|use_cases| Attaching {
                use_cases,
                permit: Permit::of_operator(tenant_id.clone()),
            }),
            is_dry_run: arguments.dry_run,
            reporting: reporting.clone(),
        };
        let word = if arguments.dry_run { "checking" } else { "importing" };
        let progress = Progress::new(word, "rows", Some(survey.rows));
        let settled = import.run(&source, &stop, &|rows| progress.set(rows)).await;
        progress.end();
        settled.map_err(|error| match error {
            ImportError::Stopped => Failure { text: error.to_string(), code: EX_INTERRUPTED },
            _ => Failure::from(error),
        })
    })?;
    say(conclusion(&settled, &reporting).trim_end())?;
    match settled.run.refused {
        0 => Ok(()),
        refused => Err(Failure {
            text: format!("{} refused", plural(refused, "row was", "rows were")),
            code: EX_PARTLY,
        }),
    }
}

impl ImportArguments {
    /// The files, which of CSV are joined.
    fn open(&self) -> Result<Files, Failure> {
        let input = Input::open(&self.files)?;
        if !matches!(self.from, SourceFormat::Csv) {
            return match self.columns.is_empty() && self.accounts.is_none() {
                true => Ok(Files::Whole(input)),
                false => Err(Failure::usage("--column and --accounts are for --from csv")),
            };
        }
        let of_accounts = self.accounts.as_ref().map(|_| self.account_columns.as_slice());
        let columns = Columns::parse(&self.columns, of_accounts)
            .map_err(|problems| Failure::usage(problems.join("\n")))?;
        let accounts = self.accounts.iter().cloned().collect::<Vec<_>>();
        let accounts = self.accounts.as_ref().map(|_| Input::open(&accounts)).transpose()?;
        let joined = Joined::read(&input, accounts.as_ref(), columns)?;
        Ok(Files::Joined { joined, users: input })
    }

    /// The files to be written, which have the run in their names unless the options name them.
    fn reporting(&self, survey: &Survey) -> Reporting {
        if self.dry_run {
            return self.report.clone().map_or(Reporting::Counts, Reporting::DryRun);
        }
        let run = survey.run.simple().to_string();
        let run = run.get(..8).unwrap_or_default();
        let path = |what: &str, chosen: &Option<PathBuf>| {
            FilePath::new(&format!("import-{run}-{what}"), chosen.as_deref())
        };
        Reporting::Files(FilePaths {
            report: path("refused.ndjson", &self.report),
            ids: path("id-map.csv", &self.id_map),
        })
    }
}

impl From<SourceFormat> for Format {
    fn from(format: SourceFormat) -> Self {
        match format {
            SourceFormat::Neutral => Self::Neutral,
            SourceFormat::Csv => Self::Csv,
            SourceFormat::Auth0 => Self::Auth0,
            SourceFormat::Firebase => Self::Firebase,
            SourceFormat::Supabase => Self::Supabase,
            SourceFormat::Keycloak => Self::Keycloak,
            SourceFormat::Cognito => Self::Cognito,
        }
    }
}

/// The issuers of the accounts: those of the configuration. For a provider of which it names none, that
/// of the database, as long as the provider has never moved: then nothing says of which issuer the
/// accounts are.
///
/// # Errors
/// If such a provider has moved, or is moving.
async fn issuers(
    config: &CommandConfig,
    tenant: &TenantId,
    survey: &Survey,
) -> Result<Vec<IssuerPin>, Failure> {
    let mut pins = config.issuer_pins.clone();
    let is_in_files = |of: &Provider| {
        survey.providers.values().any(|found| matches!(&found.mapped, Mapped::To(to) if to == of))
    };
    for PinnedProvider { provider, issuer, moves, .. } in
        pinned_providers(&config.database.address, tenant).await?
    {
        let Some(provider) = Provider::parse(&provider).filter(is_in_files) else { continue };
        if pins.iter().any(|pin| pin.tenant == *tenant && pin.provider == provider) {
            continue;
        }
        if !moves.is_empty() {
            return Err(Failure::usage(format!(
                "the provider {provider} has moved to another issuer, and the configuration names no issuer for it: add the one whose accounts the files have"
            )));
        }
        pins.push(IssuerPin { tenant: tenant.clone(), provider, issuer });
    }
    Ok(pins)
}

/// A count with its noun.
fn plural(count: impl Into<i128>, one: &str, several: &str) -> String {
    match count.into() {
        1 => format!("1 {one}"),
        count => format!("{count} {several}"),
    }
}

fn rows(count: impl Into<i128>) -> String {
    plural(count, "row", "rows")
}

/// What the first pass found.
fn describe(survey: &Survey, map: &ProviderMap) -> String {
    let mut text = rows(survey.rows);
    for (what, count) in &survey.skipped {
        let _ = write!(text, "\nskipped: {count} ({what})");
    }
    if survey.rows > 0 && survey.invalid == survey.rows {
        text += "\nno row is a user of this form: is --from another one?";
    }
    for (name, provider) in &survey.providers {
        let to = match &provider.mapped {
            Mapped::To(provider) => provider.as_str(),
            Mapped::LeftOut => "left out",
            Mapped::Missing => "not mapped",
        };
        let accounts = plural(provider.accounts, "account", "accounts");
        let _ = write!(text, "\nprovider {name}: {accounts} -> {to}");
    }
    for name in map.names().filter(|name| !survey.providers.contains_key(*name)) {
        let _ = write!(text, "\nprovider {name}: no row has it");
    }
    if survey.verified_emails > 0 {
        let _ = write!(
            text,
            "\nemails: {} by the word of the source, of which {} here: a provider needs imported_emails = true, and an email_trust that covers the address",
            plural(survey.verified_emails, "is verified", "are verified"),
            plural(survey.counting_emails, "counts", "count"),
        );
    }
    if survey.shared_emails > 0 {
        let _ = write!(
            text,
            "\nemails: {} in several rows, which may be one person each",
            plural(survey.shared_emails, "verified address is", "verified addresses are")
        );
    }
    for (kind, count) in &survey.left_out.kinds {
        let _ = write!(text, "\nleft out: {count}. {}", kind.sentence());
    }
    for (field, count) in &survey.left_out.fields {
        let _ = write!(text, "\nleft out: the field {field} of {}", rows(*count));
    }
    for (note, count) in &survey.notes {
        let _ = write!(text, "\n{}: {}", rows(*count), note.sentence());
    }
    text
}

/// What became of the rows.
fn conclusion(settled: &Settled, reporting: &Reporting) -> String {
    let run = &settled.run;
    let is_dry_run = !matches!(reporting, Reporting::Files(_));
    let would = if is_dry_run { "would be " } else { "" };
    let mut text = format!(
        "{would}created: {}, present: {}, skipped: {}, refused: {}",
        run.created, run.present, run.skipped, run.refused
    );
    if settled.attached.count > 0 {
        let users = plural(settled.attached.count, "user", "users");
        let _ = write!(text, "\n{would}attached: {users}");
        show(&mut text, &settled.attached);
        if !is_dry_run {
            let _ = write!(text, "\nthe links have the plan {}", run.id);
        }
    }
    if settled.shared.count > 0 {
        let users = plural(settled.shared.count, "new user has", "new users have");
        let _ = write!(
            text,
            "\nemails: {users} a verified address of a user that was here before, who may be the same person"
        );
        show(&mut text, &settled.shared);
    }
    for (reason, refused) in &settled.reasons {
        let _ = write!(text, "\n{}: {}", reason.word(), rows(refused.count));
        show(&mut text, refused);
    }
    let (report, ids) = match reporting {
        Reporting::Files(paths) => (Some(paths.report.at_end()), Some(paths.ids.at_end())),
        Reporting::DryRun(path) => (Some(path.as_path()), None),
        Reporting::Counts | Reporting::Receiver(_) | Reporting::Job(_) => (None, None),
    };
    if let Some(report) = report.filter(|_| run.refused > 0) {
        let _ = write!(text, "\nthe refused rows: {}", report.display());
    }
    if let Some(ids) = ids.filter(|_| run.ids_bytes > 0) {
        let _ = write!(text, "\nthe ids that changed: {}", ids.display());
    }
    text
}

/// Adds the examples, and how many there are besides.
fn show(text: &mut String, rows: &Rows) {
    for example in &rows.examples {
        let _ = write!(text, "\n  {example}");
    }
    match rows.count.saturating_sub(rows.examples.len() as u64) {
        0 => {}
        more => {
            let _ = write!(text, "\n  and {more} more");
        }
    }
}
