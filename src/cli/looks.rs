//! `looks`: writes who of the staff looked at which users, as lines of JSON, and ends.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, builder::NonEmptyStringValueParser};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::{
    ConfigFile, EX_INTERRUPTED, Failure,
    output_file::{exists, is_stdout, output},
    progress::Progress,
    runtime,
    serve::on_signal,
    tenant::TenantArgument,
};
use crate::{
    domain::{TenantId, UserId},
    store::{LookFilter, LookPosition, NewLine, PastLook, Store},
    telemetry::metrics::Metrics,
    transfer::lines::{FileLines, LineSink as _, LinesError},
};

/// How many looks are read at once.
const PAGE: usize = 1000;

#[derive(Args)]
pub(super) struct LooksArguments {
    #[command(flatten)]
    config: ConfigFile,
    #[command(flatten)]
    tenant: TenantArgument,
    /// Only looks at this time or later, such as 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    since: Option<DateTime<Utc>>,
    /// Only looks before this time
    #[arg(long, value_name = "TIME")]
    until: Option<DateTime<Utc>>,
    /// Only looks at the user under this id, which may be a former one. An email finds nothing: there
    /// is none in the looks
    #[arg(long, value_name = "ID")]
    user: Option<String>,
    /// Only looks of the staff member with this subject at the issuer of `[console]`
    #[arg(long, value_name = "SUBJECT", value_parser = NonEmptyStringValueParser::new())]
    staff: Option<String>,
    /// The file to write, which must not exist; `-` for stdout
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
}

/// A look, as a line.
#[derive(Serialize)]
struct Line {
    id: String,
    look_time: String,
    issuer: String,
    subject: String,
    role: String,
    page: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Why not all looks were written.
#[derive(Debug, thiserror::Error)]
enum LooksError {
    #[error("stopped before the end")]
    Stopped,
    #[error(transparent)]
    Lines(#[from] LinesError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

pub(super) fn run(arguments: &LooksArguments) -> Result<(), Failure> {
    let (begin, filter) = arguments.asked()?;
    let config = arguments.config.load_for_command()?;
    let tenant = arguments.tenant.find(&config.tenants)?;
    let file = &arguments.output;
    if !is_stdout(file) && file.try_exists()? {
        return Err(exists(file));
    }
    runtime()?.block_on(async {
        let stop = on_signal()?;
        // One connection: the pages are read one after the other.
        let store =
            Store::open(&config.database.address, 1, config.policies(), &Metrics::default())
                .await?;
        let mut sink = FileLines::from(output(file, false)?);
        let progress = Progress::new("writing", "looks", None);
        let outcome = write((&store, &tenant), begin, &filter, &mut sink, &progress, &stop).await;
        progress.end();
        let looks = outcome.map_err(|error| incomplete(&error, file))?;
        Ok(writeln!(io::stderr(), "{tenant}: wrote {looks} looks")?)
    })
}

impl LooksArguments {
    /// Where the looks begin, and which of them are asked for.
    fn asked(&self) -> Result<(LookPosition, LookFilter), Failure> {
        if self.since.zip(self.until).is_some_and(|(since, until)| since >= until) {
            return Err(Failure::usage("--until: must be after --since"));
        }
        let user = self.user.as_deref().map(|user| {
            UserId::parse(user).ok_or_else(|| Failure::usage(format!("--user: {}", UserId::FORM)))
        });
        let user = user.transpose()?;
        let begin = LookPosition::before(self.since.unwrap_or(DateTime::UNIX_EPOCH));
        Ok((begin, LookFilter { until: self.until, user, staff: self.staff.clone() }))
    }
}

/// Writes the looks page by page, the oldest first, until none is left or a stop is requested. Returns
/// their number.
async fn write(
    (store, tenant): (&Store, &TenantId),
    begin: LookPosition,
    filter: &LookFilter,
    sink: &mut FileLines,
    progress: &Progress,
    stop: &CancellationToken,
) -> Result<u64, LooksError> {
    let (mut written, mut next) = (0, Some(begin));
    while let Some(after) = next {
        if stop.is_cancelled() {
            sink.finish().await?;
            return Err(LooksError::Stopped);
        }
        let mut session = store.session(tenant).await.map_err(LinesError::from)?;
        let page = tokio::select! {
            page = session.past_looks(filter, after, PAGE) => page.map_err(LinesError::from)?,
            () = stop.cancelled() => continue,
        };
        drop(session);
        let lines = page.looks.into_iter().map(line).collect::<Result<Vec<_>, _>>()?;
        written += u64::try_from(lines.len()).unwrap_or_default();
        sink.write(lines, None).await?;
        progress.set(written);
        next = page.next;
    }
    sink.finish().await?;
    Ok(written)
}

fn line(look: PastLook) -> Result<NewLine, serde_json::Error> {
    let PastLook { id, time, issuer, subject, role, page, user: user_id, reason } = look;
    let look_time = time.to_rfc3339_opts(SecondsFormat::Micros, true);
    let line = Line { id: id.to_string(), look_time, issuer, subject, role, page, user_id, reason };
    Ok(NewLine { line: serde_json::to_string(&line)?, concerned: Vec::new(), without_users: None })
}

/// The failure of a command that wrote a part.
fn incomplete(error: &LooksError, output: &Path) -> Failure {
    let place = if is_stdout(output) { "stdout".to_owned() } else { output.display().to_string() };
    let code = if matches!(error, LooksError::Stopped) { EX_INTERRUPTED } else { 1 };
    Failure { text: format!("{error}: {place} is not complete"), code }
}
