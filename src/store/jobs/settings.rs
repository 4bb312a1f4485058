//! `jobs.settings`, `jobs.position` and `jobs.figures`: their forms, by the kinds of jobs.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a search looks for, in words of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindSettings {
    /// The rules.
    pub rules: Vec<String>,
    /// Which user of a cluster would absorb the others: `oldest` or `most-used`.
    pub primary: String,
}

/// Which plan is applied, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanSettings {
    /// The job whose lines are the plan.
    pub plan_job: Uuid,
    /// Whether nothing is changed.
    pub validate_only: bool,
    /// How many links are made at most; `None` for all.
    pub limit: Option<u64>,
    /// How many links are made per second at most, at least 1.
    pub rate: u32,
    /// The marks with which a line is linked all the same.
    pub accepted_marks: Vec<String>,
}

/// Which links are taken back, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoSettings {
    /// Those of this plan.
    pub plan: Option<Uuid>,
    /// Those that sign-ins made by an email that is verified on both sides.
    pub automatic: bool,
    /// Those that the service of this issuer and this subject made.
    pub service: Option<(String, String)>,
    /// Those that were made at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Those that were made before this time.
    pub until: Option<DateTime<Utc>>,
    /// Whether nothing is changed.
    pub validate_only: bool,
    /// How many links are undone per second at most, at least 1.
    pub rate: u32,
}

/// Which users are imported, beside the rows of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportSettings {
    /// The connection of the accounts.
    pub connection: String,
    /// The provider of the connection.
    pub provider: String,
    /// The client's own name of the job.
    pub external_id: Option<String>,
    /// How many rows there are: the first lines of the job.
    pub rows: u64,
}

/// Which users are exported, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportSettings {
    /// Only users with an account of this connection; `None` for all.
    pub connection: Option<String>,
    /// Whether it is CSV, and not JSON.
    pub is_csv: bool,
    /// The most users; `None` for all.
    pub limit: Option<u64>,
    /// The fields, each with the name that it has in the export. Empty for the usual ones.
    pub fields: Vec<(String, String)>,
}

/// Up to where the lines of a job are stored and counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobPlace {
    /// Of the line with this number of the plan, so many secondary users have a verdict, and all of
    /// each line before it.
    Plan {
        /// The number of the line.
        line: u64,
        /// How many of its secondary users.
        users: u64,
    },
    /// This set of users was judged by a search, and each one before it.
    Set {
        /// SHA-256 that names the first user of the set.
        first: [u8; 32],
        /// What was found until then.
        found: FoundDuplicates,
    },
    /// This link has a verdict, and each newer one.
    Link {
        /// When it was made, in microseconds since 1970.
        micros: i64,
        /// Its id.
        id: Uuid,
    },
    /// The row that is the line with this number has a verdict, and each row before it.
    Row {
        /// The number of the line.
        line: u64,
    },
}

/// The figures of an import, beside its counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedUsers {
    /// The id of the import.
    pub run: Uuid,
    /// How much of what kind does not come along, such as passwords.
    pub left_out: BTreeMap<String, u64>,
    /// How many rows have a field that has no place here, by its name.
    pub fields: BTreeMap<String, u64>,
}

/// The figures of an applied plan, beside its counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedPlan {
    /// The id of the plan.
    pub plan: Uuid,
    /// Whether the plan was left at the limit.
    pub limited: bool,
}

/// The figures of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundDuplicates {
    /// How many identities were read.
    pub read: u64,
    /// How many clusters there are.
    pub clusters: u64,
    /// How many users are in them.
    pub users: u64,
    /// How many clusters have something against them.
    pub marked: u64,
    /// Each rule, with how many pairs it connects, in how many clusters.
    pub rules: Vec<(String, u64, u64)>,
    /// Each mark, with how many clusters have it.
    pub marks: Vec<(String, u64)>,
    /// The largest clusters: the line of the plan, and how many users.
    pub largest: Vec<(u64, u64)>,
}
