//! Creating, updating and deleting users.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Error, UseCases, WriteUseCase, actor,
    deletion::{DeletionTerms, delete_user, erase_all},
    look_up,
    preview::{self, Rows},
    random_user_id, refs_in, resolve, take_target, unless_retried,
};
use crate::{
    auth::{Permit, Purpose, Target},
    clock,
    config::Tenant,
    domain::{
        DomainError, Event, Identity, Metadata, MetadataUpdate, User, UserChange, UserId, UserRef,
        error::expect_version,
        linking::{UnownedIdentity, owned_identity},
        unlinking::new_user,
    },
    store::{LockKeys, Lookup, LookupResult, Session, StoreError},
};

/// Creates a user with its first identity.
pub struct CreateUser {
    /// The permit of the call.
    pub permit: Permit,
    /// The first identity.
    pub identity: UnownedIdentity,
    /// The form of the id; `None` for the form in the tenant's configuration.
    pub user_id_form: Option<UserIdForm>,
    /// Metadata that the user itself may change.
    pub user_metadata: Metadata,
    /// Metadata that only services may change.
    pub app_metadata: Metadata,
    /// Claims that are laid over the primary identity's profile.
    pub profile_overrides: Metadata,
    /// Whether the user is blocked from the start.
    pub blocked: bool,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
}

/// The form of the id that the caller chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserIdForm {
    /// A random id.
    Random,
    /// Only `provider|subject`.
    ProviderSubject,
}

impl WriteUseCase for CreateUser {
    type Output = User;

    const RPC: &'static str = "CreateUser";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, use_cases: &UseCases, session: &mut Session) -> Result<User, Error> {
        let tenant = use_cases.tenant(&self.permit)?;
        let joined = self.identity.id.as_user_id();
        let wanted = match self.user_id_form {
            Some(UserIdForm::Random) => None,
            Some(UserIdForm::ProviderSubject) => Some(joined.ok_or_else(|| {
                DomainError::invalid(
                    "user_id_form",
                    format!("provider|subject would be the id, and that {}", UserId::FORM),
                )
            })?),
            None => tenant.user_id_of(&self.identity.id),
        };
        let named = UserRef::Identity(self.identity.id.clone());
        let mut lookups = vec![Lookup::from(named)];
        lookups.extend(wanted.clone().map(|id| Lookup::from(UserRef::UserId(id))));
        let random = random_user_id()?;
        let (found, now) = if self.validate_only {
            (look_up(session, &lookups).await?, clock::now())
        } else {
            let keys = LockKeys::default().identity(&self.identity.id).user(&random);
            let keys = wanted.iter().fold(keys, LockKeys::user);
            let (found, now) = session.lock_and_look_up(&keys, &lookups).await?;
            (unless_retried(found)?, now)
        };
        tenant.provider(&self.identity.id.provider).policy.expect_known()?;
        if found.first().is_some_and(|identity| identity.user_state.is_some()) {
            return Err(DomainError::IdentityTaken.into());
        }
        let is_free = found.get(1).is_none_or(LookupResult::is_free_id);
        let id = match wanted {
            Some(id) if is_free => id,
            Some(_) if self.user_id_form.is_some() => return Err(DomainError::UserExists.into()),
            _ => random,
        };

        let (user, identity) = self.user(tenant, id, now);
        if self.validate_only {
            return Ok(user);
        }
        session.insert_user(&user, &identity)?;
        let (created, identities) = (UserChange::latest(&user), vec![identity.id]);
        let event = Event::UserCreated { user: created, identities, blocked: user.blocked };
        session.record(actor(&self.permit, &user.id), event, user.create_time);
        Ok(user)
    }

    fn concerned(user: &User) -> Vec<UserRef> {
        refs_in(user)
    }
}

impl CreateUser {
    fn user(&self, tenant: &Tenant, id: UserId, now: DateTime<Utc>) -> (User, Identity) {
        let mut identity = owned_identity(
            tenant.with_provider_settings(self.identity.clone()),
            id.clone(),
            0,
            now,
        );
        if let Some(verified) = identity.email.as_mut().and_then(|email| email.verified.as_mut()) {
            verified.time = now;
        }
        let user = User {
            user_metadata: self.user_metadata.clone(),
            app_metadata: self.app_metadata.clone(),
            profile_overrides: self.profile_overrides.clone(),
            blocked: self.blocked,
            ..new_user(id, &identity, now)
        };
        (user, identity)
    }
}

/// Changes some of a user's fields; `None` leaves a field as it is.
pub struct UpdateUser {
    /// The permit of the call.
    pub permit: Permit,
    /// The user.
    pub target: Target,
    /// The update of the metadata that the user itself may change.
    pub user_metadata: Option<MetadataUpdate>,
    /// The update of the metadata that only services may change.
    pub app_metadata: Option<MetadataUpdate>,
    /// The update of the claims that are laid over the primary identity's profile.
    pub profile_overrides: Option<MetadataUpdate>,
    /// Whether the user is blocked.
    pub blocked: Option<bool>,
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

impl WriteUseCase for UpdateUser {
    type Output = User;

    const RPC: &'static str = "UpdateUser";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<User, Error> {
        if self.app_metadata.is_some() || self.profile_overrides.is_some() || self.blocked.is_some()
        {
            self.permit.services_only("update anything but user_metadata")?;
        }
        let (id, []) = resolve(session, &self.target, Purpose::Write, [], self.now).await?;
        let (mut users, now) = preview::begin(
            session,
            self.validate_only,
            &LockKeys::default().user(&id),
            Rows::Users(&[&id]),
        )
        .await?;
        let user = take_target(&mut users, &id, &self.target)?;
        expect_version(self.expected_version, user.version)?;
        let mut updated = self.applied_to(user.clone())?;
        let changed = updated != user;
        if changed {
            updated.touch(now);
        }
        if changed && !self.validate_only {
            session.save_users(&[&updated]);
            session.record(actor(&self.permit, &updated.id), updated_event(&user, &updated), now);
        }
        Ok(updated)
    }

    fn concerned(user: &User) -> Vec<UserRef> {
        refs_in(user)
    }
}

impl UpdateUser {
    fn applied_to(&self, user: User) -> Result<User, DomainError> {
        let changed = |update: &Option<MetadataUpdate>, before: &Metadata, namespace| match update {
            Some(update) => update.applied_to(before, namespace),
            None => Ok(before.clone()),
        };
        Ok(User {
            user_metadata: changed(&self.user_metadata, &user.user_metadata, "user_metadata")?,
            app_metadata: changed(&self.app_metadata, &user.app_metadata, "app_metadata")?,
            profile_overrides: changed(
                &self.profile_overrides,
                &user.profile_overrides,
                "profile_overrides",
            )?,
            blocked: self.blocked.unwrap_or(user.blocked),
            ..user
        })
    }
}

/// The event of an update, from the fields that differ.
fn updated_event(before: &User, after: &User) -> Event {
    let fields = [
        ("user_metadata", before.user_metadata != after.user_metadata),
        ("app_metadata", before.app_metadata != after.app_metadata),
        ("profile_overrides", before.profile_overrides != after.profile_overrides),
        ("blocked", before.blocked != after.blocked),
    ];
    let fields = fields
        .into_iter()
        .filter(|(_, changed)| *changed)
        .map(|(field, _)| field.to_owned())
        .collect();
    let user = UserChange::latest(after);
    if before.blocked == after.blocked {
        Event::UserUpdated { user, fields }
    } else {
        Event::UserBlocked { user, blocked: after.blocked, fields }
    }
}

/// Deletes a user and all its data.
pub struct DeleteUser {
    /// The permit of the call.
    pub permit: Permit,
    /// The user.
    pub target: Target,
    /// The version that the user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// Whether the users that it absorbed are deleted too. Its aliases are in any case.
    pub include_absorbed: bool,
    /// Whether this is a preview, which changes nothing.
    pub validate_only: bool,
    /// The id of the erasure that follows the deletion.
    pub erasure: Uuid,
    /// The time of the call.
    pub now: DateTime<Utc>,
}

impl WriteUseCase for DeleteUser {
    type Output = Vec<UserId>;

    const RPC: &'static str = "DeleteUser";

    fn permit(&self) -> &Permit {
        &self.permit
    }

    async fn execute(&self, _: &UseCases, session: &mut Session) -> Result<Vec<UserId>, Error> {
        let (id, []) = resolve(session, &self.target, Purpose::FinalWrite, [], self.now).await?;
        let terms = DeletionTerms {
            expected_version: self.expected_version,
            include_absorbed: self.include_absorbed,
            validate_only: self.validate_only,
            erasure: self.erasure,
        };
        let expect = |user: &User| {
            if !self.target.still_means(user) {
                return Err(Error::Stale);
            }
            Ok(self.target.expect_vouched(user, |_| true)?)
        };
        delete_user(session, &id, &terms, actor(&self.permit, &id), expect).await
    }

    fn concerned(_: &Vec<UserId>) -> Vec<UserRef> {
        // The response only says that the users are deleted.
        Vec::new()
    }

    fn result_for_retry(&self, deleted: &Vec<UserId>) -> Option<(Option<UserId>, Vec<UserId>)> {
        Some((None, deleted.clone()))
    }

    async fn after_commit(&self, use_cases: &UseCases) {
        if self.validate_only {
            return;
        }
        let tenant = self.permit.tenant();
        if let Err(error) = self.erase(use_cases).await {
            tracing::warn!(%tenant, %error, "a user is deleted, and some of it is left for the next sweep to erase");
        }
    }
}

impl DeleteUser {
    async fn erase(&self, use_cases: &UseCases) -> Result<(), StoreError> {
        erase_all(&use_cases.store, self.permit.tenant(), self.erasure).await
    }
}
