//! `serve`: runs the server until a signal.

use std::time::Duration;

use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

use super::{ConfigFile, EX_INTERRUPTED, Failure, bind, log, open_files, parse_duration, runtime};
use crate::server::{self, Listeners, Reload};

#[derive(Args)]
pub(super) struct ServeArguments {
    #[command(flatten)]
    config: ConfigFile,
    /// Wait until the database can be reached and has its schema: for this time at most, or for a
    /// minute
    #[arg(long, value_name = "TIME", num_args = 0..=1, default_missing_value = "1m", value_parser = parse_duration)]
    wait: Option<Duration>,
}

pub(super) fn run(arguments: &ServeArguments) -> Result<(), Failure> {
    let mut config = arguments.config.load()?;
    let read = arguments.config.reader()?;
    let wait = arguments.wait.unwrap_or_default();
    config.database.wait = wait;
    log::start(&config)?;
    open_files::raise_limit(&config);
    let calls = bind(config.listen)?;
    let management = config.management.map(bind).transpose()?;
    let console = config.console.as_ref().map(|console| bind(console.listen)).transpose()?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let shutdown = on_signal()?;
        // From here on a hangup signal reloads the configuration; without this handler it would end
        // the process.
        let hangups = signal(SignalKind::hangup())?;
        let read = move || {
            let mut config = read()?;
            config.database.wait = wait;
            Ok(config)
        };
        let reload = Reload::new(read, hangups);
        let listeners = Listeners {
            calls: TcpListener::from_std(calls)?,
            management: management.map(TcpListener::from_std).transpose()?,
            console: console.map(TcpListener::from_std).transpose()?,
        };
        server::serve_reloading(config, Some(reload), listeners, shutdown).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // Does not wait for a name lookup whose result is not needed any more.
    runtime.shutdown_background();
    outcome
}

/// A token that the first SIGTERM or SIGINT cancels; the second one ends the process at once.
pub(super) fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let shutdown = CancellationToken::new();
    let cancel = shutdown.clone();
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if is_first {
                cancel.cancel();
            }
        }
        log::flush();
        std::process::exit(EX_INTERRUPTED.into());
    });
    Ok(shutdown)
}
