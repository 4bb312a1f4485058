//! Moves a provider to another issuer: its accounts keep their subjects, or get those of a file.
//!
//! Nothing is changed before the whole file is checked, and nothing at all if a row is refused that
//! names an account. Then the move begins: from there on no server serves the tenant until the move
//! has ended, so that no subject is taken for one of the other issuer. Each batch is one transaction
//! with the position of the move: a move that was interrupted anywhere continues there.

mod check;
mod subject_map;

use std::{collections::BTreeMap, io};

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{check::Check, subject_map::Survey};
pub use self::{check::Checked, subject_map::SubjectMap};
use super::{export::Output, import::SurveyError, input::InputError};
use crate::{
    domain::{ProviderPolicies, TenantId},
    store::{
        Accounts, Address, MoveRefused, OpenError, PastMove, PinnedProvider, ProviderMove, Rename,
        RenameBatch, Store, StoreError, accounts_of, begin_move, end_move, pinned_providers,
    },
    telemetry::metrics::Metrics,
};

/// The most rows of a batch.
const BATCH: usize = 500;
/// How often a batch is tried if another writer was faster.
const MAX_TRIES: usize = 3;

/// Why a row is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    /// A stable word.
    pub reason: ReasonCode,
    /// A sentence that says what is wrong.
    pub description: String,
}

/// The stable words of the reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReasonCode {
    /// A subject is not well-formed.
    Invalid,
    /// Another row has the same subject, as its old or its new one.
    Repeated,
    /// The new subject is another account's here.
    SubjectTaken,
    /// An account with the new subject was deleted or released here.
    Deleted,
    /// No account has the old subject. Such a row is left aside.
    Unknown,
}

impl ReasonCode {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "INVALID",
            Self::Repeated => "REPEATED",
            Self::SubjectTaken => "SUBJECT_TAKEN",
            Self::Deleted => "DELETED",
            Self::Unknown => "UNKNOWN",
        }
    }
}

impl Reason {
    fn new(reason: ReasonCode, description: impl Into<String>) -> Self {
        Self { reason, description: description.into() }
    }
}

/// Why a move did not end.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// The file is broken.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The file cannot be judged.
    #[error(transparent)]
    Survey(#[from] SurveyError),
    /// The database cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database does not respond, or responds with an error.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The report cannot be written.
    #[error("the report cannot be written: {0}")]
    Report(#[from] io::Error),
    /// The database refuses the move.
    #[error(transparent)]
    Refused(#[from] MoveRefused),
    /// Another move of the provider is not finished.
    #[error(
        "a move of this provider from {from} to {to} began at {begun}, with another file or other options, and is not finished: run its command again"
    )]
    Unfinished {
        /// The issuer before.
        from: String,
        /// The issuer afterwards.
        to: String,
        /// When it began.
        begun: String,
    },
    /// Another process renames the same accounts.
    #[error(
        "another process continues this move: wait until it is done, and run the command again"
    )]
    Overtaken,
    /// The file has changed since it was checked.
    #[error(
        "the file has changed while it was read: run the command again with the file as it was"
    )]
    Changed,
    /// A stop was requested before the move began.
    #[error("stopped before the move began: nothing was changed")]
    Stopped,
    /// A stop was requested while accounts were renamed.
    #[error(
        "stopped while accounts are renamed: no server serves the tenant until the same command has ended the move"
    )]
    StoppedInside,
}

/// What became of a move.
#[derive(Debug)]
pub enum Moved {
    /// It is done, or would be. The file's figures are those of the check; `None` for a move without
    /// a file, and for one that was continued.
    Done(Option<Checked>, Option<PastMove>),
    /// The provider had moved between these issuers before.
    Already(PastMove),
    /// Nothing was changed: rows are refused, or accounts are not in the file.
    Refused(Checked),
}

/// A move that an operator asked for.
pub struct Moving<'a> {
    /// The database.
    pub address: &'a Address,
    /// The policies of the configuration.
    pub policies: BTreeMap<TenantId, ProviderPolicies>,
    /// The provider and the issuers. [`Moving::run`] sets the fingerprint of the file.
    pub order: ProviderMove,
    /// The file of new subjects.
    pub map: Option<&'a SubjectMap>,
    /// Whether nothing is changed.
    pub dry_run: bool,
}

/// What a move reports while it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It has checked so many rows of so many.
    Checking(u64, u64),
    /// It has renamed the accounts of so many rows of so many.
    Renaming(u64, u64),
}

impl Moving<'_> {
    /// Makes the move, or continues it. The refused rows go to `report`.
    ///
    /// # Errors
    /// [`MoveError`]; what was renamed before it stays, and the same command continues.
    pub async fn run(
        mut self,
        report: impl FnOnce() -> io::Result<Option<Output>>,
        stop: &CancellationToken,
        progress: &dyn Fn(Step),
    ) -> Result<Moved, MoveError> {
        let survey = self.map.map(|map| map.survey(&self.order.provider)).transpose()?;
        self.order.mapping = survey.as_ref().map(|survey| survey.fingerprint);
        let pinned = self.pinned().await?;
        let moves = pinned.as_ref().map(|pinned| pinned.moves.as_slice()).unwrap_or_default();
        if let Some(past) = moves.iter().find(|past| past.end_time.is_none()) {
            self.expect_same(past)?;
            return match (self.map, &survey) {
                (Some(map), Some(survey)) if !self.dry_run => {
                    self.rename(map, survey, past.id, past.rows, stop, progress).await?;
                    Ok(Moved::Done(None, self.past(past.id).await?))
                }
                _ => Ok(Moved::Done(None, Some(past.clone()))),
            };
        }
        let issuer =
            pinned.as_ref().map(|pinned| pinned.issuer.clone()).ok_or(MoveRefused::NotPinned)?;
        if issuer != self.order.from {
            let last = moves.last().filter(|past| self.expect_same(past).is_ok());
            return match last {
                Some(past) if issuer == self.order.to => Ok(Moved::Already(past.clone())),
                _ => Err(MoveRefused::PinnedTo(issuer).into()),
            };
        }
        match (self.map, survey) {
            (Some(map), Some(survey)) => self.by_map(map, &survey, report, stop, progress).await,
            _ => self.at_once(stop).await,
        }
    }

    /// All accounts keep their subjects.
    async fn at_once(&self, stop: &CancellationToken) -> Result<Moved, MoveError> {
        let Accounts { count, .. } =
            accounts_of(self.address, &self.order.tenant, &self.order.provider).await?;
        if stop.is_cancelled() {
            return Err(MoveError::Stopped);
        }
        if self.dry_run {
            return Ok(Moved::Done(None, None));
        }
        let id = begin_move(self.address, &self.order, None, count).await??;
        Ok(Moved::Done(None, self.past(id).await?))
    }

    async fn by_map(
        &self,
        map: &SubjectMap,
        survey: &Survey,
        report: impl FnOnce() -> io::Result<Option<Output>>,
        stop: &CancellationToken,
        progress: &dyn Fn(Step),
    ) -> Result<Moved, MoveError> {
        let store = self.store().await?;
        let check = Check { store: &store, order: &self.order, map, survey };
        let mut checked = check.run(report()?, stop, progress).await?;
        drop(store);
        let all = accounts_of(self.address, &self.order.tenant, &self.order.provider).await?;
        checked.unmapped = all.count - checked.found.count;
        if checked.is_blocked(self.order.keeps_unmapped) {
            return Ok(Moved::Refused(checked));
        }
        if stop.is_cancelled() {
            return Err(MoveError::Stopped);
        }
        if self.dry_run {
            return Ok(Moved::Done(Some(checked), None));
        }
        let expected = if self.order.keeps_unmapped { all } else { checked.found };
        let begun = begin_move(self.address, &self.order, Some(expected), checked.unmapped);
        let id = begun.await??;
        self.rename(map, survey, id, 0, stop, progress).await?;
        Ok(Moved::Done(Some(checked), self.past(id).await?))
    }

    /// Renames the accounts of the rows from this one on, and ends the move.
    async fn rename(
        &self,
        map: &SubjectMap,
        survey: &Survey,
        id: Uuid,
        settled: i64,
        stop: &CancellationToken,
        progress: &dyn Fn(Step),
    ) -> Result<(), MoveError> {
        let store = self.store().await?;
        let settled = u64::try_from(settled).unwrap_or_default();
        let mut batch = Vec::with_capacity(BATCH);
        for row in map.rows() {
            let row = row?;
            if row.number < settled {
                continue;
            }
            // All rows were checked before the move began.
            batch.push(row.rename.map_err(|_| MoveError::Changed)?);
            if batch.len() == BATCH || row.number + 1 == survey.rows {
                if stop.is_cancelled() {
                    return Err(MoveError::StoppedInside);
                }
                self.rename_batch(&store, id, &batch, row.number + 1).await?;
                progress(Step::Renaming(row.number + 1, survey.rows));
                batch.clear();
            }
        }
        if !batch.is_empty() {
            return Err(MoveError::Changed);
        }
        drop(store);
        Ok(end_move(self.address, &self.order, id).await??)
    }

    async fn rename_batch(
        &self,
        store: &Store,
        id: Uuid,
        renames: &[Rename],
        settled: u64,
    ) -> Result<(), MoveError> {
        let order = &self.order;
        let batch = RenameBatch {
            id,
            provider: &order.provider,
            issuers: [&order.from, &order.to],
            renames,
            settled: i64::try_from(settled).unwrap_or(i64::MAX),
        };
        for _ in 0..MAX_TRIES {
            let mut session = store.session(&order.tenant).await?;
            match session.rename_accounts(&batch).await {
                Ok(()) => return Ok(()),
                Err(StoreError::Conflict(_)) => session.abandon().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(MoveError::Overtaken)
    }

    /// A store that relies on no pins: those of the tenant are about to change.
    async fn store(&self) -> Result<Store, MoveError> {
        let policies = self.policies.clone();
        Ok(Store::open(self.address, 1, policies, &Metrics::default()).await?)
    }

    async fn pinned(&self) -> Result<Option<PinnedProvider>, MoveError> {
        let all = pinned_providers(self.address, &self.order.tenant).await?;
        Ok(all.into_iter().find(|pinned| pinned.provider == self.order.provider.as_str()))
    }

    async fn past(&self, id: Uuid) -> Result<Option<PastMove>, MoveError> {
        let pinned = self.pinned().await?;
        Ok(pinned.and_then(|pinned| pinned.moves.into_iter().find(|past| past.id == id)))
    }

    /// Refuses a move that is another one than `past`.
    fn expect_same(&self, past: &PastMove) -> Result<(), MoveError> {
        let order = &self.order;
        let is_same = past.from_issuer == order.from
            && past.to_issuer == order.to
            && past.mapping.as_deref() == order.mapping.as_ref().map(<[u8; 32]>::as_slice)
            && past.keeps_unmapped == order.keeps_unmapped;
        if is_same {
            return Ok(());
        }
        Err(MoveError::Unfinished {
            from: past.from_issuer.clone(),
            to: past.to_issuer.clone(),
            begun: past.begin_time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        })
    }
}
