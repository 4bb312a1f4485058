//! `export`: writes users as lines of JSON, and ends.

use std::{
    fs::File,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, ValueEnum};

use super::{
    ConfigFile, EX_INTERRUPTED, EX_PARTLY, Failure,
    output_file::{cannot_write, exists, is_stdout, output},
    progress::Progress,
    runtime,
    serve::on_signal,
    tenant::TenantArgument,
};
use crate::{
    auth0::UserLines,
    config::CommandConfig,
    domain::TenantId,
    store::Store,
    telemetry::metrics::Metrics,
    transfer::{
        export::{
            Export, ExportError, Exported, Form, NamedIds, Selection, Written, create_private,
        },
        id_list::{IdList, IdListError},
    },
};

/// How many lines of the id list are named.
const MAX_NAMED: usize = 20;

/// How many connections it uses: of all users, two pages are read at once.
const CONNECTIONS: usize = 2;

#[derive(Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// The form of the lines: `neutral`, or `auth0` for that of Auth0's user exports
    #[arg(long, value_name = "FORM", default_value = "neutral", hide_possible_values = true)]
    format: Format,
    /// Only the users with these ids: a file with one id in each line
    #[arg(long, value_name = "FILE", conflicts_with = "since")]
    ids: Option<PathBuf>,
    /// Only the users that changed after this position of the feed, as an earlier export printed it,
    /// and the ids of those that were deleted since
    #[arg(long, value_name = "POSITION", allow_hyphen_values = true)]
    since: Option<String>,
    /// The links of each user too, undone ones included
    #[arg(long)]
    history: bool,
    /// The file to write, which must not exist; `-` for stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// Compress the output by gzip
    #[arg(long)]
    gzip: bool,
    /// A file for the position, which must not exist. The last line on stderr has the position too
    #[arg(long, value_name = "FILE")]
    position_file: Option<PathBuf>,
}

/// The form of the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Neutral,
    Auth0,
}

pub(super) fn run(arguments: ExportArguments) -> Result<(), Failure> {
    let config = arguments.config.load_for_command()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let form = form(&arguments, &config)?;
    let ids = arguments.ids.as_deref().map(ids).transpose()?;
    for file in [Some(&arguments.output), arguments.position_file.as_ref()].into_iter().flatten() {
        if !is_stdout(file) && file.try_exists()? {
            return Err(exists(file));
        }
    }
    let selection = match (ids, arguments.since) {
        (Some(ids), _) => Selection::Named(ids),
        (None, Some(since)) => Selection::ChangedSince(since),
        (None, None) => Selection::All,
    };
    runtime()?.block_on(async {
        let stop = on_signal()?;
        let address = &config.database.address;
        let store =
            Store::open(address, CONNECTIONS, config.policies(), &Metrics::default()).await?;
        let mut export = Export::begin(&store, &tenant, selection, form).await.map_err(refused)?;
        let position = export.position().to_owned();
        let estimate = export.estimate(config.tenants.len() == 1).await?;
        let progress = Arc::new(Progress::new("exporting", "users", estimate));
        let until_last_page = Arc::new(Mutex::new(Written::default()));
        let output = output(&arguments.output, arguments.gzip)?;
        let (shown, noted) = (Arc::clone(&progress), Arc::clone(&until_last_page));
        let report = move |written: Written| {
            shown.set(written.users + written.deleted);
            // No panic can leave the numbers half changed.
            *noted.lock().unwrap_or_else(PoisonError::into_inner) = written;
        };
        let outcome = export.write(output, report, &stop).await;
        progress.end();
        let written = *until_last_page.lock().unwrap_or_else(PoisonError::into_inner);
        let exported = outcome.map_err(|error| incomplete(&error, &arguments.output, written))?;
        if let Some(file) = &arguments.position_file {
            create_private(file)
                .and_then(|mut file| writeln!(file, "{position}").and_then(|()| file.sync_all()))
                .map_err(|error| cannot_write(file, &error))?;
        }
        close(&tenant, &exported, &position, arguments.ids.as_deref())
    })
}

/// Prints what was written, and the position.
fn close(
    tenant: &TenantId,
    exported: &Exported,
    position: &str,
    ids: Option<&Path>,
) -> Result<(), Failure> {
    let Exported { written: Written { users, deleted }, unknown_lines } = exported;
    let all = users + deleted;
    let deleted = match deleted {
        0 => String::new(),
        deleted => format!(", {deleted} of them deleted"),
    };
    writeln!(io::stderr(), "{tenant}: wrote {all} users{deleted}; position: {position}")?;
    let (Some(ids), false) = (ids, unknown_lines.is_empty()) else { return Ok(()) };
    let lines: Vec<String> = unknown_lines.iter().take(MAX_NAMED).map(u64::to_string).collect();
    let more = if unknown_lines.len() > MAX_NAMED { " and others" } else { "" };
    Err(Failure {
        text: format!(
            "{}: {} ids have no user, in line {}{more}",
            ids.display(),
            unknown_lines.len(),
            lines.join(", ")
        ),
        code: EX_PARTLY,
    })
}

fn form(arguments: &ExportArguments, config: &CommandConfig) -> Result<Form, Failure> {
    match arguments.format {
        Format::Neutral => Ok(Form::Neutral { has_links: arguments.history }),
        Format::Auth0 if arguments.history => {
            Err(Failure::usage("--history: Auth0's form has no links: use --format neutral"))
        }
        Format::Auth0 if arguments.since.is_some() => {
            Err(Failure::usage("--since: Auth0's form has no deleted users: use --format neutral"))
        }
        Format::Auth0 => {
            let picture = config.auth0.as_ref().and_then(|auth0| auth0.picture.as_deref());
            Ok(Form::Other(Arc::new(UserLines::new(picture))))
        }
    }
}

/// Reads an id list.
fn ids(file: &Path) -> Result<NamedIds, Failure> {
    let name = file.display();
    let list = File::open(file).map_err(IdListError::Io).and_then(IdList::read);
    match list {
        Ok(list) => Ok(NamedIds::List(Arc::new(list))),
        Err(IdListError::Problems(problems)) => Err(Failure::usage(format!("{name}: {problems}"))),
        Err(IdListError::Io(error)) => {
            Err(Failure::from(format!("{name} cannot be read: {error}")))
        }
        Err(error @ IdListError::Keys(_)) => Err(Failure::from(format!("{name}: {error}"))),
    }
}

/// The failure of an export that could not begin.
fn refused(error: ExportError) -> Failure {
    match error {
        ExportError::UnknownPosition | ExportError::ExpiredPosition(_) | ExportError::Imported => {
            Failure::from(format!("--since: {error}"))
        }
        error => Failure::from(error),
    }
}

/// The failure of an export that wrote a part.
fn incomplete(error: &ExportError, output: &Path, written: Written) -> Failure {
    let place = if is_stdout(output) { "stdout".to_owned() } else { output.display().to_string() };
    let all = written.users + written.deleted;
    let code = if matches!(error, ExportError::Stopped) { EX_INTERRUPTED } else { 1 };
    let count = match error {
        // How much of the last page was written is not known.
        ExportError::Output(_) => String::new(),
        _ => format!(" has {all} users, and"),
    };
    Failure { text: format!("{error}: {place}{count} is not complete"), code }
}
