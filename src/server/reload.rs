//! Puts another configuration into use while calls are served. It is judged as a whole first; one
//! with a problem changes nothing.

use std::{sync::Arc, time::Duration};

use tokio::{
    signal::unix::Signal,
    task::spawn_blocking,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{ServeError, generation::Generation, lasting::Lasting};
use crate::{
    clock,
    config::{Changes, Config, ConfigProblems},
};

/// How often the configuration is read, with the files that it names. What was read is compared,
/// because a mounted file changes by a symbolic link to another folder: no modification time and no
/// file event shows that.
const LOOK: Duration = Duration::from_secs(2);

type Load = dyn Fn() -> Result<Config, ConfigProblems> + Send + Sync;
type Loaded = Result<Arc<Config>, ConfigProblems>;

/// Where the configuration comes from, and when it is read besides every two seconds.
pub struct Reload {
    load: Arc<Load>,
    hangups: Signal,
}

impl Reload {
    /// `load` reads the configuration, and each of `hangups` has it read at once.
    pub fn new(
        load: impl Fn() -> Result<Config, ConfigProblems> + Send + Sync + 'static,
        hangups: Signal,
    ) -> Self {
        Self { load: Arc::new(load), hangups }
    }
}

/// Holds the generation in use, and replaces it.
pub(super) struct Reloader<P> {
    lasting: Lasting,
    current: Generation,
    put: P,
    /// The problems of the configuration that was found last.
    refused: Vec<String>,
}

impl<P: Fn(&Lasting, &Generation) -> Result<(), ServeError>> Reloader<P> {
    /// `put` makes a generation the one that is served, unless it fails.
    pub(super) fn new(lasting: Lasting, current: Generation, put: P) -> Self {
        Self { lasting, current, put, refused: Vec::new() }
    }

    /// Reloads until `shutdown`, and returns the generation that is then in use.
    pub(super) async fn run(
        mut self,
        reload: Option<Reload>,
        shutdown: &CancellationToken,
    ) -> Generation {
        match reload {
            Some(reload) => drop(shutdown.run_until_cancelled(self.keep_looking(reload)).await),
            None => shutdown.cancelled().await,
        }
        self.current
    }

    async fn keep_looking(&mut self, Reload { load, mut hangups }: Reload) {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        loop {
            let is_asked = tokio::select! {
                _ = hangups.recv() => true,
                _ = looks.tick() => false,
            };
            let load = Arc::clone(&load);
            let Ok(found) = spawn_blocking(move || load().map(Arc::new)).await else { continue };
            // What has changed must be the same at two reads: a file may be half written, or
            // another not yet there.
            if is_asked || seen.as_ref() == Some(&found) {
                self.take(&found, is_asked).await;
            }
            seen = Some(found);
        }
    }

    /// Takes a configuration into use, or logs why not. The same problems are logged once, unless an
    /// operator asks again.
    async fn take(&mut self, found: &Loaded, is_asked: bool) {
        let taken = match found {
            Ok(config) => self.replace(config).await,
            Err(ConfigProblems(problems)) => {
                Err(problems.iter().map(ToString::to_string).collect())
            }
        };
        let metrics = &self.lasting.state.metrics().reloads;
        match taken {
            Ok(changes) if changes.is_empty() && !is_asked => metrics.unchanged(),
            Ok(Changes { added, changed, removed, .. }) => {
                metrics.reloaded(clock::now());
                let [added, changed, removed] =
                    [added, changed, removed].map(|names| names.join(", "));
                tracing::info!(added, changed, removed, "the configuration was reloaded");
            }
            Err(problems) if problems == self.refused && !is_asked => return,
            Err(problems) => {
                metrics.refused();
                for problem in &problems {
                    tracing::error!(
                        problem,
                        "the configuration was not reloaded: the one before stays in use"
                    );
                }
                self.refused = problems;
                return;
            }
        }
        self.refused.clear();
    }

    /// Replaces the generation in use by one of this configuration, unless nothing differs.
    async fn replace(&mut self, config: &Arc<Config>) -> Result<Changes, Vec<String>> {
        let changes = self.current.config.changes_to(config);
        if changes.is_empty() {
            return Ok(changes);
        }
        if !changes.fixed.is_empty() {
            let needs_restart =
                |key: &&str| format!("{key}: only a restart of the server changes it");
            return Err(changes.fixed.iter().map(needs_restart).collect());
        }
        let store = self.current.use_cases.store();
        let store = store
            .for_tenants(config.policies(), &config.issuer_pins())
            .await
            .map_err(|error| vec![error.to_string()])?
            .map_err(|changed| changed.0)?;
        let config = Arc::clone(config);
        let next = Generation::start(&self.lasting, config, store, Some(&self.current)).await;
        (self.put)(&self.lasting, &next).map_err(|error| vec![error.to_string()])?;
        self.lasting.state.set_use_cases(Arc::clone(&next.use_cases));
        self.lasting.state.set_config(next.config.shown.clone());
        self.current = next;
        Ok(changes)
    }
}
