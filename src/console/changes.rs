//! Changes of a user: what a form asks for, what it would do, and doing it. All by the calls that services
//! make.

use std::collections::BTreeMap;

use serde::Deserialize;
use tonic::Status;

use super::calls::Calls;
use crate::{
    domain::StaffRole,
    grpc::proto::{
        self as pb,
        link_request::Secondary,
        metadata_merge::{Arrays, Conflict, Strategy},
    },
};

/// What a person wants to do with a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Change {
    /// Makes another user part of it.
    Link,
    /// Takes an account from it.
    Unlink,
    /// Undoes a link of it.
    Undo,
    /// Deletes it, with all its data.
    Erase,
}

/// How far a person has come with a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    /// The person gets the form.
    Ask,
    /// The person has filled it, and sees what the change would do.
    Preview,
    /// The person has seen that, and wants it done.
    Confirm,
}

/// What happens to one namespace of metadata when two users are linked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Merge {
    /// The first user's stays as it is.
    #[default]
    Keep,
    /// Both are merged. Of two different values the first user's stays.
    First,
    /// Both are merged. Of two different values the second user's stays.
    Second,
}

/// What happens to an account that is taken from a user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Mode {
    /// It is a user again.
    #[default]
    Restore,
    /// It belongs to no user: its next owner is another person.
    Release,
}

/// What happens to the metadata of a user that comes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Returned {
    /// It has it again.
    #[default]
    Restore,
    /// It begins without any.
    Discard,
}

/// The fields of the forms of a change. Which of them count depends on the kind.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Fields {
    /// See `Staff::form_token`.
    pub form_token: String,
    /// What to do.
    pub kind: Change,
    /// How far the person has come.
    pub step: Step,
    /// The second user of a link: before the preview whatever names it, and after that its id.
    #[serde(default)]
    pub with: String,
    /// What happens to the second user's `user_metadata`.
    #[serde(default = "merged")]
    pub user_metadata: Merge,
    /// What happens to the second user's `app_metadata`. It can have rights, so it is not merged unless
    /// the person says so.
    #[serde(default)]
    pub app_metadata: Merge,
    /// The provider of the account to take.
    #[serde(default)]
    pub provider: String,
    /// The account to take, as its provider names it.
    #[serde(default)]
    pub subject: String,
    /// What happens to that account.
    #[serde(default)]
    pub mode: Mode,
    /// The link to undo.
    #[serde(default)]
    pub link: String,
    /// What happens to the metadata of the user that comes back.
    #[serde(default)]
    pub returned: Returned,
    /// Why the person changes it.
    #[serde(default)]
    pub reason: String,
    /// The version of the user that the preview showed.
    #[serde(default)]
    pub version: i64,
    /// The version of the second user that the preview showed.
    #[serde(default)]
    pub other_version: i64,
    /// Whether the person says that an erasure is meant.
    #[serde(default)]
    pub sure: bool,
    /// Makes a change that is sent twice happen once.
    #[serde(default)]
    pub request_id: String,
}

/// What a change did, or would do.
#[derive(Default)]
pub(super) struct Outcome {
    /// The users afterwards. A user that does not exist yet has no id.
    pub users: Vec<pb::User>,
    /// The ids that resolve to no user any more.
    pub erased: Vec<String>,
    /// The places at which it changes metadata.
    pub metadata: Vec<pb::MetadataChange>,
    /// The link that it made; empty if it made none.
    pub link: String,
    /// Whether both were one user already.
    pub is_nothing: bool,
}

fn merged() -> Merge {
    Merge::First
}

impl Change {
    /// The role that it needs.
    pub(super) fn role(self) -> StaffRole {
        match self {
            Self::Link | Self::Unlink | Self::Undo => StaffRole::Support,
            Self::Erase => StaffRole::Operator,
        }
    }

    /// Its name in a form.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Link => "link",
            Self::Unlink => "unlink",
            Self::Undo => "undo",
            Self::Erase => "erase",
        }
    }
}

impl Fields {
    /// Makes the change of this user, if it still has the version of the preview. With the step
    /// [`Step::Confirm`] it is done, else it is only looked at.
    ///
    /// # Errors
    /// The refusal of the call.
    pub(super) async fn make(&self, calls: &mut Calls, user: &str) -> Result<Outcome, Status> {
        match self.kind {
            Change::Link => self.link(calls, user).await,
            Change::Unlink => self.unlink(calls, user).await,
            Change::Undo => self.undo(calls).await,
            Change::Erase => self.erase(calls, user).await,
        }
    }

    /// Whether it is only looked at, and the request's id, which a preview does not take.
    fn preview(&self) -> (bool, String) {
        match self.step {
            Step::Confirm => (false, self.request_id.clone()),
            Step::Ask | Step::Preview => (true, String::new()),
        }
    }

    async fn link(&self, calls: &mut Calls, user: &str) -> Result<Outcome, Status> {
        let (validate_only, request_id) = self.preview();
        let request = pb::LinkRequest {
            user_id: user.to_owned(),
            secondary: Some(Secondary::SecondaryUserId(self.with.clone())),
            user_metadata: Some(self.user_metadata.into()),
            app_metadata: Some(self.app_metadata.into()),
            expected_version: Some(self.version),
            expected_secondary_version: Some(self.other_version),
            validate_only,
            request_id,
            ..pb::LinkRequest::default()
        };
        let response = calls.link(request).await?.into_inner();
        Ok(Outcome {
            is_nothing: response.outcome() == pb::link_response::Outcome::AlreadyLinked,
            users: Vec::from_iter(response.user),
            metadata: response.metadata_changes,
            link: response.link.map(|link| link.id).unwrap_or_default(),
            erased: Vec::new(),
        })
    }

    async fn unlink(&self, calls: &mut Calls, user: &str) -> Result<Outcome, Status> {
        let (validate_only, request_id) = self.preview();
        let identity =
            pb::IdentityRef { provider: self.provider.clone(), subject: self.subject.clone() };
        let (mode, metadata) = match self.mode {
            Mode::Restore => (pb::UnlinkMode::Restore, self.returned.into()),
            Mode::Release => (pb::UnlinkMode::Release, pb::UnlinkMetadata::Unspecified),
        };
        let request = pb::UnlinkRequest {
            user_id: user.to_owned(),
            identity: Some(identity),
            metadata: metadata.into(),
            expected_version: Some(self.version),
            validate_only,
            request_id,
            mode: mode.into(),
        };
        let response = calls.unlink(request).await?.into_inner();
        let users = [response.user, response.detached_user];
        Ok(Outcome {
            users: users.into_iter().flatten().collect(),
            metadata: response.metadata_changes,
            ..Outcome::default()
        })
    }

    async fn undo(&self, calls: &mut Calls) -> Result<Outcome, Status> {
        let (validate_only, request_id) = self.preview();
        let request = pb::UndoLinkRequest {
            link_id: self.link.clone(),
            metadata: pb::UnlinkMetadata::from(self.returned).into(),
            expected_version: Some(self.version),
            validate_only,
            request_id,
        };
        let response = calls.undo_link(request).await?.into_inner();
        let users = [response.user, response.restored_user];
        Ok(Outcome {
            users: users.into_iter().flatten().collect(),
            metadata: response.metadata_changes,
            ..Outcome::default()
        })
    }

    async fn erase(&self, calls: &mut Calls, user: &str) -> Result<Outcome, Status> {
        let (validate_only, request_id) = self.preview();
        let request = pb::DeleteUserRequest {
            user_id: user.to_owned(),
            expected_version: Some(self.version),
            include_absorbed: true,
            validate_only,
            request_id,
        };
        let erased = calls.delete_user(request).await?.into_inner().deleted_user_ids;
        Ok(Outcome { erased, ..Outcome::default() })
    }
}

impl From<Merge> for pb::MetadataMerge {
    /// Lists become one without repeats, because the people of the support expect that of one user.
    fn from(merge: Merge) -> Self {
        let (strategy, conflict) = match merge {
            Merge::Keep => (Strategy::KeepPrimary, Conflict::Unspecified),
            Merge::First => (Strategy::Merge, Conflict::PrimaryWins),
            Merge::Second => (Strategy::Merge, Conflict::SecondaryWins),
        };
        let arrays = match merge {
            Merge::Keep => Arrays::Unspecified,
            Merge::First | Merge::Second => Arrays::Union,
        };
        Self { strategy: strategy.into(), conflict: conflict.into(), arrays: arrays.into() }
    }
}

impl From<Returned> for pb::UnlinkMetadata {
    fn from(returned: Returned) -> Self {
        match returned {
            Returned::Restore => Self::Restore,
            Returned::Discard => Self::Discard,
        }
    }
}

/// The ids that resolve to another user afterwards, with that user's id.
pub(super) fn moved<'a>(before: &'a [pb::User], after: &'a [pb::User]) -> Vec<(&'a str, &'a str)> {
    let (before, after) = (holders(before), holders(after));
    let moved = before.into_iter().filter_map(|(id, holder)| {
        let now = after.get(id).copied()?;
        (now != holder && !now.is_empty()).then_some((id, now))
    });
    moved.collect()
}

/// Each id of these users and of those that they hold, with the id of its holder.
fn holders(users: &[pb::User]) -> BTreeMap<&str, &str> {
    let mut holders = BTreeMap::new();
    for user in users {
        for identity in &user.identities {
            holders.insert(identity.origin_user_id.as_str(), user.id.as_str());
        }
        holders.insert(user.id.as_str(), user.id.as_str());
    }
    holders
}
