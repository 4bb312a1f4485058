//! `serve`: the server until a signal.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{EX_INTERRUPTED, Failure, bind, load, log, runtime};
use crate::server;

pub(super) fn run(config: &Path) -> Result<(), Failure> {
    let config = load(config)?;
    log::start(&config.log)?;
    let listener = bind(config.listen)?;
    let runtime = runtime()?;
    let outcome = runtime.block_on(async {
        let shutdown = on_signal()?;
        // A hangup is for those who read something again, and ends nobody.
        let _hangups = signal(SignalKind::hangup())?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        server::serve(config, listener, shutdown).await?;
        tracing::info!("stopped");
        Ok(())
    });
    // A name that is still being looked up has nobody left who wants it.
    runtime.shutdown_background();
    outcome
}

/// Cancelled by the first SIGTERM or SIGINT; the second does not wait for anybody.
pub(super) fn on_signal() -> std::io::Result<CancellationToken> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
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
        std::process::exit(EX_INTERRUPTED.into());
    });
    Ok(shutdown)
}
