//! The certificate for new connections, reloaded when its files change.

use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::ServerConfig;
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    protocols,
    tls::{TlsContent, TlsFiles, TlsProblem},
};

/// How often the files are read. Their content is compared, because a mounted secret changes by a
/// symbolic link to another folder: no modification time and no file event shows that.
const LOOK: Duration = Duration::from_secs(1);

/// Why the listener has no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificatesError {
    /// Each problem of the files.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Files(Vec<TlsProblem>),
    /// The process cannot receive hangup signals.
    #[error(transparent)]
    Signal(#[from] io::Error),
}

/// The certificate of the listener.
pub struct Certificates {
    files: TlsFiles,
    current: RwLock<Arc<ServerConfig>>,
}

impl Certificates {
    /// Reads the files, and starts a task that reloads them until `stop`.
    ///
    /// # Errors
    /// If the files do not load, or the process cannot receive hangup signals.
    pub fn start(files: TlsFiles, stop: CancellationToken) -> Result<Arc<Self>, CertificatesError> {
        let hangups = signal(SignalKind::hangup())?;
        let content = files.read();
        let config = files.server_config(&content).map_err(CertificatesError::Files)?;
        let current = RwLock::new(offering(config));
        let certificates = Arc::new(Self { files, current });
        tokio::spawn(Arc::clone(&certificates).keep_fresh(content, hangups, stop));
        Ok(certificates)
    }

    /// The configuration for a handshake that begins now.
    pub(super) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reloads the files until `stop`: when their content differs from `judged`, and at once at
    /// each hangup signal. Files that do not load are logged and not used.
    async fn keep_fresh(
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
            // Changed content must be the same at two reads: a file may be half written, or its
            // counterpart not yet there.
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
                let config = offering(config);
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                tracing::info!("the TLS files were read again");
            }
            Err(problems) => {
                for problem in problems {
                    tracing::error!(%problem, "the TLS files are invalid: the ones that were read before stay in use");
                }
            }
        }
    }
}

fn offering(mut config: ServerConfig) -> Arc<ServerConfig> {
    config.alpn_protocols = protocols::offer();
    Arc::new(config)
}
