//! Jobs: work on many users that takes longer than a call.

use uuid::Uuid;

/// What a job does. Jobs of other kinds, which a later release has added, are left to its servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Looks for users that are likely one person, and writes a plan.
    FindDuplicates,
    /// Links by a plan.
    ApplyPlan,
    /// Takes links back.
    UndoLinks,
    /// A plan that a call stores, line by line. No server takes it.
    UploadPlan,
    /// Imports the users of a file that a call sends.
    ImportUsers,
    /// An export of users, which is read when it is downloaded. It has ended from the start, and no
    /// server takes it.
    ExportUsers,
}

impl JobKind {
    const ALL: [Self; 6] = [
        Self::FindDuplicates,
        Self::ApplyPlan,
        Self::UndoLinks,
        Self::UploadPlan,
        Self::ImportUsers,
        Self::ExportUsers,
    ];
    /// The kinds that a server carries out.
    pub const WORKED_ON: [Self; 4] =
        [Self::FindDuplicates, Self::ApplyPlan, Self::UndoLinks, Self::ImportUsers];

    /// The kind as text, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FindDuplicates => "find_duplicates",
            Self::ApplyPlan => "apply_plan",
            Self::UndoLinks => "undo_links",
            Self::UploadPlan => "upload_plan",
            Self::ImportUsers => "import_users",
            Self::ExportUsers => "export_users",
        }
    }

    /// The kind with this text; `None` if this release has none.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Whether its lines are a plan.
    pub fn has_plan(self) -> bool {
        match self {
            Self::FindDuplicates | Self::UploadPlan => true,
            Self::ApplyPlan | Self::UndoLinks | Self::ImportUsers | Self::ExportUsers => false,
        }
    }

    /// Whether it moves users in or out. Such a job is kept for a day, and its lines, which have what
    /// a file says of people, are only for callers that may import.
    pub fn is_transfer(self) -> bool {
        match self {
            Self::ImportUsers | Self::ExportUsers => true,
            Self::FindDuplicates | Self::ApplyPlan | Self::UndoLinks | Self::UploadPlan => false,
        }
    }
}

/// How a job has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum JobOutcome {
    /// It has done all.
    Succeeded,
    /// It cannot go on. What it did stays.
    Failed,
    /// A caller has cancelled it. What it did stays.
    Cancelled,
}

impl JobOutcome {
    /// The outcome as text, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome with this text; `None` if there is none.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Succeeded, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
    }
}

/// The right of one server to work on a job. A change that a job makes commits only while the
/// database names this server as the owner of the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobLease {
    /// The job.
    pub job: Uuid,
    /// The server: a random id of its process.
    pub owner: Uuid,
    /// For how many seconds the lease holds, each time it is renewed.
    pub seconds: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_outcomes_are_those_of_their_texts() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::parse(kind.as_str()), Some(kind));
        }
        for outcome in [JobOutcome::Succeeded, JobOutcome::Failed, JobOutcome::Cancelled] {
            assert_eq!(JobOutcome::parse(outcome.as_str()), Some(outcome));
        }
        assert_eq!((JobKind::parse("import"), JobOutcome::parse("")), (None, None));
    }
}
