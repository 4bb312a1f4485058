//! The log: one line per event, to stderr, as JSON or for people. A thread of its own writes, so that
//! no call waits for stderr.

mod line;
mod queue;

use std::{
    borrow::Cow,
    io::{self, IsTerminal as _, Write as _},
    panic::{self, PanicHookInfo},
    thread,
    time::Duration,
};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    layer::{Context, SubscriberExt as _},
    registry,
    util::SubscriberInitExt as _,
};

use self::{
    line::Line,
    queue::{Batch, LineQueue},
};
use super::Failure;
use crate::{
    clock,
    config::{Config, LogFormat},
    telemetry::metrics::count_lost_lines,
};

/// How long the end of the process waits for a stderr that is blocked.
const PATIENCE_AT_END: Duration = Duration::from_secs(2);

/// The lines that wait for stderr.
static LINES: LineQueue = LineQueue::new();

/// Starts to log as configured. Panics are logged too, instead of printed.
pub(super) fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(without_frames(&config.log))
        .map_err(|error| Failure::usage(format!("log: {error}")))?;
    let format = config.log_format.unwrap_or_else(|| match io::stderr().is_terminal() {
        true => LogFormat::Text,
        false => LogFormat::Json,
    });
    thread::Builder::new().name("log".to_owned()).spawn(write_lines)?;
    registry().with(filter).with(LineLayer { lines: &LINES, format }).init();
    panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The filter, without the frames of HTTP/2, unless the operator asks for them: each call has several
/// lines of these.
fn without_frames(filter: &str) -> Cow<'_, str> {
    let is_detailed = filter.split(',').any(|directive| {
        let level = directive.trim().to_ascii_lowercase();
        level == "debug" || level == "trace"
    });
    match is_detailed && !filter.contains("h2") {
        true => format!("{filter},h2=info").into(),
        false => filter.into(),
    }
}

/// Waits until all lines are written, or stderr is blocked. For the end of the process.
pub(super) fn flush() {
    LINES.flush(PATIENCE_AT_END);
}

/// Flushes the log on drop, also while a panic ends the process.
pub(super) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        flush();
    }
}

/// Writes the lines to stderr, for as long as the process lives.
fn write_lines() {
    let mut batch = Batch::default();
    loop {
        LINES.take(&mut batch);
        let (calls, others) = (batch.lost.ordinary, batch.lost.important);
        if calls + others > 0 {
            count_lost_lines(calls + others);
            // It follows the lines of the batch.
            tracing::warn!(calls, others, "lines of the log were lost: stderr was read too slowly");
        }
        // If stderr is closed, there is no place for a log.
        let _ = io::stderr().write_all(&batch.lines);
    }
}

/// Makes a line of each event.
struct LineLayer {
    lines: &'static LineQueue,
    format: LogFormat,
}

impl<S: Subscriber> Layer<S> for LineLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.lines.push(&Line::of(event, self.format, clock::now()));
    }
}

/// Logs where the panic happened. A text that was formatted at run time may contain anything, for
/// instance a token, so only a constant text is logged.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let text = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    tracing::error!(location, text, "panic");
}

#[cfg(test)]
mod tests {
    use tracing::subscriber::with_default;

    use super::*;

    /// What is logged of a panic, one line per event.
    fn logged(panicking: impl FnOnce() + panic::UnwindSafe) -> String {
        let lines: &LineQueue = Box::leak(Box::new(LineQueue::new()));
        let subscriber = registry().with(LineLayer { lines, format: LogFormat::Json });
        with_default(subscriber, || panic::catch_unwind(panicking).unwrap_err());
        let mut batch = Batch::default();
        lines.take(&mut batch);
        String::from_utf8(batch.lines).unwrap()
    }

    #[test]
    fn a_panic_is_one_log_line_without_its_data() {
        // Other tests in this process still report why they fail.
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            log_panic(panic);
            others(panic);
        }));

        let secret = "open-sesame".to_owned();
        let line = logged(move || panic!("{secret}"));
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(line.contains("src/cli/log.rs:") && !line.contains("sesame"), "{line}");

        assert!(logged(|| panic!("as it stands in the code")).contains("as it stands in the code"));
    }
}
