//! The log: one JSON line per event, to stderr.

use std::{
    io,
    panic::{self, PanicHookInfo},
};

use tracing_subscriber::EnvFilter;

use super::Failure;

/// Starts to log what passes this filter. Panics are logged too, instead of printed.
pub(super) fn start(filter: &str) -> Result<(), Failure> {
    let filter =
        EnvFilter::try_new(filter).map_err(|error| Failure::usage(format!("log: {error}")))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .init();
    panic::set_hook(Box::new(log_panic));
    Ok(())
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
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of a panic, one line per event.
    fn logged(panicking: impl FnOnce() + panic::UnwindSafe) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .flatten_event(true)
            .with_writer(move || writer.clone())
            .finish();
        with_default(subscriber, || panic::catch_unwind(panicking).unwrap_err());
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
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
