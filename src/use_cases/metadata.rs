//! Merging metadata into a user's metadata, without a link.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, UseCases, WriteUseCase, actor,
    preview::{self, Rows},
    refs_in, resolve, take, take_target,
};
use crate::{
    auth::{Permit, Purpose, Target},
    domain::{
        DomainError, Event, Metadata, User, UserChange, UserId, UserRef,
        error::expect_version,
        event::MetadataPathChange,
        linking::{MetadataChanges, merge_metadata},
        merge::Strategy,
    },
    store::{LockKeys, Lookup, Session},
};

/// Merges metadata into a user's metadata.
pub struct MergeMetadata {
    /// The permit of the call.
    pub permit: Permit,
    /// The user that is changed.
    pub target: Target,
    /// The source of the metadata.
    pub source: MergeSource,
    /// How `user_metadata` is merged.
    pub user_metadata: Strategy,
    /// How `app_metadata` is merged.
    pub app_metadata: Strategy,
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

/// The source of the metadata.
pub enum MergeSource {
    /// Another live user.
    User(UserId),
    /// The request itself.
    Given {
        /// For `user_metadata`.
        user_metadata: Metadata,
        /// For `app_metadata`.
        app_metadata: Metadata,
    },
    /// The metadata that a link kept.
    Link(Uuid),
}

/// The result of a merge.
pub struct MergeMetadataResult {
    /// The user after the merge.
    pub user: User,
    /// The changes of the metadata.
    pub changes: MetadataChanges,
}

impl WriteUseCase for MergeMetadata {
    type Output = MergeMetadataResult;

    const RPC: &'static str = "MergeMetadata";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(
        &self,
        _: &UseCases,
        session: &mut Session,
    ) -> Result<MergeMetadataResult, Error> {
        let (id, source) = self.resolve(session).await?;
        let mut keys = LockKeys::default().user(&id);
        let mut ids = vec![&id];
        if let Some(source) = &source {
            keys = keys.user(source);
            ids.push(source);
        }
        let (mut users, now) =
            preview::begin(session, self.validate_only, &keys, Rows::Users(&ids)).await?;
        let mut user = take_target(&mut users, &id, &self.target)?;
        let source = match source {
            Some(source) => Some(take(&mut users, &source)?),
            None => None,
        };
        expect_version(self.expected_version, user.version)?;
        if user.blocked {
            return Err(DomainError::UserBlocked.into());
        }

        let (user_metadata, app_metadata) = self.source_metadata(session, source).await?;
        let before = (user.user_metadata.clone(), user.app_metadata.clone());
        let changes = merge_metadata(
            &mut user,
            (&user_metadata, self.user_metadata),
            (&app_metadata, self.app_metadata),
        )?;
        let changed = before != (user.user_metadata.clone(), user.app_metadata.clone());
        if changed {
            user.touch(now);
        }
        if changed && !self.validate_only {
            session.save_users(&[&user]);
            let (source, link) = match &self.source {
                MergeSource::User(source) => (Some(source.clone()), None),
                MergeSource::Given { .. } => (None, None),
                MergeSource::Link(link) => (None, Some(*link)),
            };
            let metadata = MetadataPathChange::from_merge(&changes);
            let event = Event::UserMetadataMerged {
                user: UserChange::latest(&user),
                source,
                link,
                metadata,
            };
            session.record(actor(&self.permit, &user.id), event, now);
        }
        Ok(MergeMetadataResult { user, changes })
    }

    fn concerned(result: &MergeMetadataResult) -> Vec<UserRef> {
        refs_in(&result.user)
    }
}

impl MergeMetadata {
    /// The user that is changed, and the user from whose row the metadata comes, if any.
    async fn resolve(&self, session: &mut Session) -> Result<(UserId, Option<UserId>), Error> {
        match &self.source {
            MergeSource::Given { .. } => {
                let (id, []) = resolve(session, &self.target, Purpose::Write, [], self.now).await?;
                Ok((id, None))
            }
            MergeSource::User(source) => {
                let lookup = Lookup::from(UserRef::UserId(source.clone()));
                let (id, [found]) =
                    resolve(session, &self.target, Purpose::Write, [lookup], self.now).await?;
                let user_state = found.user_state.ok_or(DomainError::UserNotFound)?;
                if user_state.holder == id {
                    return Err(DomainError::SameUser.into());
                }
                if user_state.absorbed.is_some() {
                    return Err(DomainError::UserAbsorbed.into());
                }
                Ok((id, Some(source.clone())))
            }
            MergeSource::Link(link) => {
                let (id, []) = resolve(session, &self.target, Purpose::Write, [], self.now).await?;
                let link = session.link(*link).await?.ok_or(DomainError::LinkNotFound)?;
                Ok((id, link.secondary.filter(|_| link.undo_time.is_none())))
            }
        }
    }

    async fn source_metadata(
        &self,
        session: &mut Session,
        source: Option<User>,
    ) -> Result<(Metadata, Metadata), Error> {
        match (&self.source, source) {
            (MergeSource::Given { user_metadata, app_metadata }, _) => {
                Ok((user_metadata.clone(), app_metadata.clone()))
            }
            (MergeSource::User(_), Some(user)) if user.absorbed.is_none() => {
                Ok((user.user_metadata, user.app_metadata))
            }
            // The user was absorbed since.
            (MergeSource::User(_), _) => Err(Error::Stale),
            (MergeSource::Link(link), Some(user)) => match user.absorbed {
                Some(absorbed) if absorbed.by_link() == Some(*link) => {
                    Ok((user.user_metadata, user.app_metadata))
                }
                // The link was undone since.
                _ => Err(Error::Stale),
            },
            (MergeSource::Link(link), None) => {
                let withheld = session.withheld(*link).await?;
                Ok((
                    withheld.user_metadata.unwrap_or_default(),
                    withheld.app_metadata.unwrap_or_default(),
                ))
            }
        }
    }
}
