//! Applying a plan of duplicates, and taking links back: many links, by the use cases of calls, as the
//! operator in a command, and as the service that started it in a job.
//!
//! Each link is one call of its use case, so it is there as a whole or not at all, whenever the work
//! ends. What is done is in the links themselves: the same command again continues, and so does a job.

mod apply;
mod clusters;
mod pace;
mod pipeline;
mod plan_file;
mod undo;
mod upload;
mod verdict;
mod window;

pub use self::{
    apply::{Apply, ApplyEnd, PlanPlace},
    clusters::{Clusters, FileClusters, StoredClusters},
    pace::{Busy, Pace},
    plan_file::{PlanError, PlanFile, PlanId},
    undo::Undo,
    upload::PlanUpload,
    verdict::{Counts, SkipReason},
};
use super::lines::LinesError;
use crate::{domain::DomainError, store::StoreError, use_cases::Error};

/// Why a command ended early. What it did before stays.
#[derive(Debug, thiserror::Error)]
pub enum PlansError {
    /// A stop was requested.
    #[error("stopped before the end")]
    Stopped,
    /// The plan cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The report cannot be written.
    #[error("the report cannot be written: {0}")]
    Report(#[from] LinesError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a use case failed with: a refusal by the rules, or the end of the command.
///
/// # Errors
/// [`PlansError::Store`] for all that is no refusal.
fn refusal(error: Error) -> Result<DomainError, PlansError> {
    let fault = |text: String| PlansError::Store(StoreError::Fault(text));
    match error {
        Error::Domain(refusal) => Ok(refusal),
        Error::Store(error) => Err(error.into()),
        Error::Fault(text) => Err(fault(text)),
        // The operator has no token, and no request id.
        Error::Auth(_) | Error::Panicked | Error::Retried(_) | Error::Stale => {
            Err(fault(format!("a use case failed: {error:?}")))
        }
    }
}

/// A refusal that the command does not expect.
fn unexpected(refusal: &DomainError) -> PlansError {
    PlansError::Store(StoreError::Fault(format!("an unexpected refusal: {refusal:?}")))
}
