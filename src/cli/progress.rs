//! How far a command is: a bar on a terminal, and a line every ten seconds elsewhere.

use std::{
    io::{self, Write as _},
    sync::Mutex,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is printed where there is no terminal.
const PAUSE: Duration = Duration::from_secs(10);

/// The progress of one command, on stderr.
pub(super) struct Progress {
    word: &'static str,
    unit: &'static str,
    bar: ProgressBar,
    begun: Instant,
    printed: Mutex<Instant>,
}

impl Progress {
    /// Nothing is done yet of about `total` of the unit, if their number is known. The word says what is
    /// done, such as `reading`.
    pub(super) fn new(word: &'static str, unit: &'static str, total: Option<u64>) -> Self {
        let (bar, template) = match total {
            Some(total) => (
                ProgressBar::new(total),
                "{msg} {wide_bar} {pos} of {len} {prefix} ({per_sec}, {eta} left)",
            ),
            None => (ProgressBar::new_spinner(), "{msg} {spinner} {pos} {prefix} ({per_sec})"),
        };
        // The template is well-formed; with another one the bar would look plainer.
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style).with_message(word).with_prefix(unit);
        let begun = Instant::now();
        Self { word, unit, bar, begun, printed: Mutex::new(begun) }
    }

    /// So many are done.
    pub(super) fn set(&self, done: u64) {
        if !self.bar.is_hidden() {
            self.bar.set_position(done);
            return;
        }
        let Ok(mut printed) = self.printed.lock() else { return };
        let now = Instant::now();
        if now.duration_since(*printed) >= PAUSE {
            *printed = now;
            let seconds = now.duration_since(self.begun).as_secs().max(1);
            let of = self.bar.length().map(|total| format!(" of {total}")).unwrap_or_default();
            // If stderr is closed, the progress cannot be shown.
            let _ = writeln!(
                io::stderr(),
                "{}: {done}{of} {}, {} per second",
                self.word,
                self.unit,
                done / seconds
            );
        }
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        self.bar.finish_and_clear();
    }
}
