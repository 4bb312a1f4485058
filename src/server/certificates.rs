//! The certificate that new connections are shown, kept up with its files.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    signal::unix::Signal,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::protocols::Protocols;
use crate::tls::{TlsContent, TlsFiles, TlsProblem};

/// How often the files are looked at. Their content, because a mounted secret changes by a link to
/// a folder beside it, of which neither a time nor an event tells.
const LOOK: Duration = Duration::from_secs(1);

/// The certificate of the listener.
pub(super) struct Certificates {
    files: TlsFiles,
    protocols: Protocols,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Makes the first certificate of what the files hold.
    pub(super) fn new(files: TlsFiles, content: &TlsContent, protocols: Protocols) -> Result<Self, Vec<TlsProblem>> {
        let config = offering(files.server_config(content)?, protocols);
        Ok(Self { files, protocols, current: RwLock::new(config) })
    }

    /// What a handshake that begins now uses.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes over what becomes of the files after they held `judged`, at once at each hangup, until
    /// `stop`. What does not load is told and not taken.
    pub(super) async fn keep_fresh(
        self: Arc<Self>,
        mut judged: TlsContent,
        mut hangups: Signal,
        stop: CancellationToken,
    ) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        loop {
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                _ = hangups.recv() => true,
                _ = ticks.tick() => false,
            };
            let files = self.files.clone();
            let Ok(found) = spawn_blocking(move || files.read()).await else { continue };
            // A file that is half written, or whose other half is yet to come, is not judged.
            if asked || found != judged && seen.as_ref() == Some(&found) {
                self.take(&found);
                judged = found;
                seen = None;
            } else {
                seen = Some(found);
            }
        }
    }

    fn take(&self, found: &TlsContent) {
        match self.files.server_config(found) {
            Ok(config) => {
                let config = offering(config, self.protocols);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("the TLS files were read again");
            }
            Err(problems) => {
                for problem in problems {
                    tracing::error!(%problem, "the TLS files are not taken, and what was read before stays in use");
                }
            }
        }
    }
}

fn offering(mut config: ServerConfig, protocols: Protocols) -> Arc<ServerConfig> {
    config.alpn_protocols = protocols.offer();
    Arc::new(config)
}
