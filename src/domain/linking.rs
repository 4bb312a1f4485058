//! What a link does: one user absorbs another, or an identity without an owner is attached.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    Absorbed, AbsorbedBy, DomainError, Identity, IdentityEmail, IdentityRef, KeptTokens, Metadata,
    Moved, User, UserId,
    error::expect_version,
    merge::{self, Change, MergeError, Strategy},
};

/// The most identities that a user owns.
pub const MAX_IDENTITIES: usize = 100;

/// The terms of a link, as its caller sets them.
#[derive(Debug, Clone, Default)]
pub struct LinkTerms {
    /// How `user_metadata` is merged.
    pub user_metadata: Strategy,
    /// How `app_metadata` is merged.
    pub app_metadata: Strategy,
    /// The version that the primary user must have; `None` for any.
    pub expected_version: Option<i64>,
    /// The version that the secondary user must have; `None` for any.
    pub expected_secondary_version: Option<i64>,
    /// Whether the two users must share an email that is verified on both.
    pub require_shared_verified_email: bool,
    /// Whether the link may only attach an account without an owner, and never absorb a user.
    pub attach_only: bool,
    /// The plan under which the link is found together with others; `None` for no plan.
    pub plan: Option<Uuid>,
}

/// What a merge changed, or left unchanged in a conflict, in each namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MetadataChanges {
    /// In `user_metadata`.
    pub user: Vec<Change>,
    /// In `app_metadata`.
    pub app: Vec<Change>,
}

/// The two users after one absorbed the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Absorption {
    /// The primary user, with the identities of both users.
    pub primary: User,
    /// The secondary user, complete except for its identities.
    pub secondary: User,
    /// The identities that moved, in their new state.
    pub moved: Vec<Identity>,
    /// The changes of the metadata.
    pub changes: MetadataChanges,
}

/// A proven identity that no user owns.
#[derive(Debug, Clone, PartialEq)]
pub struct UnownedIdentity {
    /// Which account at which provider.
    pub id: IdentityRef,
    /// The connection through which it signs in; empty where it is unnamed, until the configuration
    /// names it.
    pub connection: String,
    /// Whether the provider is a social one, where the configuration does not set it.
    pub social: bool,
    /// Its email.
    pub email: Option<IdentityEmail>,
    /// Further addresses of the account that its provider asserts that it verified. A sign-in
    /// suggests users by them, and links none. They are not stored with the identity.
    pub other_emails: Vec<IdentityEmail>,
    /// Its attributes.
    pub profile_data: Metadata,
    /// When the person last signed in at the provider, which may keep a session for long; `None` if
    /// unknown.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// The tokens that its provider issued in this service's own flow; `None` for none, and for an
    /// account of any other source.
    pub tokens: Option<KeptTokens>,
}

/// Lets `primary` absorb `secondary`. Both must be the locked rows of live users. `moved` is
/// recorded on each identity, and its time is the time of the link.
///
/// # Errors
/// [`DomainError::VersionMismatch`], [`DomainError::UserBlocked`],
/// [`DomainError::TooManyIdentities`], [`DomainError::EmailNotShared`], and those of
/// [`merge_metadata`].
pub fn absorb(
    mut primary: User,
    mut secondary: User,
    terms: &LinkTerms,
    link: Uuid,
    moved: Moved,
) -> Result<Absorption, DomainError> {
    let now = moved.time;
    expect_version(terms.expected_version, primary.version)?;
    expect_version(terms.expected_secondary_version, secondary.version)?;
    if primary.blocked || secondary.blocked {
        return Err(DomainError::UserBlocked);
    }
    if primary.identities.len() + secondary.identities.len() > MAX_IDENTITIES {
        return Err(DomainError::TooManyIdentities);
    }
    if terms.require_shared_verified_email {
        expect_shared_email(&primary, |email| secondary.verified_emails().any(|e| e == email))?;
    }
    let changes = merge_metadata(
        &mut primary,
        (&secondary.user_metadata, terms.user_metadata),
        (&secondary.app_metadata, terms.app_metadata),
    )?;

    let first = next_ordinal(&primary);
    let moved: Vec<Identity> = std::mem::take(&mut secondary.identities)
        .into_iter()
        .zip(first..)
        .map(|(identity, ordinal)| Identity {
            ordinal,
            moved: Some(moved.also(identity.moved)),
            ..identity
        })
        .map(|identity| identity.among(&primary.identities))
        .collect();
    primary.identities.extend(moved.iter().cloned());
    secondary.absorbed =
        Some(Absorbed { into: primary.id.clone(), by: AbsorbedBy::Link(link), time: now });
    primary.touch_identities(now);
    secondary.touch_identities(now);
    Ok(Absorption { primary, secondary, moved, changes })
}

/// Attaches an identity without an owner to `primary`, the locked row of a live user. `moved` is
/// recorded on the identity.
///
/// # Errors
/// [`DomainError::VersionMismatch`], [`DomainError::UserBlocked`],
/// [`DomainError::TooManyIdentities`] and [`DomainError::EmailNotShared`].
pub fn attach(
    mut primary: User,
    identity: UnownedIdentity,
    terms: &LinkTerms,
    link: Uuid,
    moved: Moved,
    now: DateTime<Utc>,
) -> Result<(User, Identity), DomainError> {
    expect_version(terms.expected_version, primary.version)?;
    if terms.expected_secondary_version.is_some() {
        // No secondary user exists that could have this version.
        return Err(DomainError::VersionMismatch);
    }
    if primary.blocked {
        return Err(DomainError::UserBlocked);
    }
    if primary.identities.len() >= MAX_IDENTITIES {
        return Err(DomainError::TooManyIdentities);
    }
    if terms.require_shared_verified_email {
        let verified = identity.email.as_ref().filter(|email| email.is_verified());
        let canonical = verified.and_then(|email| email.canonical.as_deref());
        expect_shared_email(&primary, |email| canonical == Some(email))?;
    }
    let attached = owned_identity(identity, primary.id.clone(), next_ordinal(&primary), now);
    let attached = Identity { attached_by: Some(link), moved: Some(moved), ..attached }
        .among(&primary.identities);
    primary.identities.push(attached.clone());
    primary.touch_identities(now);
    Ok((primary, attached))
}

/// Merges the secondary's metadata into `primary`'s, each namespace by its own strategy.
///
/// # Errors
/// [`DomainError::MetadataConflict`] and [`DomainError::MetadataTooLarge`].
pub fn merge_metadata(
    primary: &mut User,
    (user_metadata, user_strategy): (&Metadata, Strategy),
    (app_metadata, app_strategy): (&Metadata, Strategy),
) -> Result<MetadataChanges, DomainError> {
    let user = merge::merge(&primary.user_metadata, user_metadata, user_strategy);
    let app = merge::merge(&primary.app_metadata, app_metadata, app_strategy);
    let conflicts: Vec<String> = [("user_metadata", &user), ("app_metadata", &app)]
        .into_iter()
        .filter_map(|(namespace, merged)| match merged {
            Err(MergeError::Conflict { paths }) => Some((namespace, paths)),
            _ => None,
        })
        .flat_map(|(namespace, paths)| paths.iter().map(move |path| format!("{namespace}{path}")))
        .collect();
    if !conflicts.is_empty() {
        return Err(DomainError::MetadataConflict(conflicts));
    }
    let user = user.map_err(|error| refused("user_metadata", error))?;
    let app = app.map_err(|error| refused("app_metadata", error))?;
    primary.user_metadata = user.metadata;
    primary.app_metadata = app.metadata;
    Ok(MetadataChanges { user: user.changes, app: app.changes })
}

fn refused(namespace: &'static str, error: MergeError) -> DomainError {
    match error {
        MergeError::Conflict { paths } => DomainError::MetadataConflict(paths),
        MergeError::TooLarge { bytes } => DomainError::MetadataTooLarge { namespace, bytes },
    }
}

/// Makes another identity of a live user the primary one; `None` if it already is.
///
/// # Errors
/// [`DomainError::UserBlocked`] and [`DomainError::IdentityNotFound`].
pub fn set_primary(
    mut user: User,
    identity: &IdentityRef,
    now: DateTime<Utc>,
) -> Result<Option<User>, DomainError> {
    if user.blocked {
        return Err(DomainError::UserBlocked);
    }
    if user.identity(identity).is_none() {
        return Err(DomainError::IdentityNotFound);
    }
    if user.primary == *identity {
        return Ok(None);
    }
    user.primary = identity.clone();
    user.touch(now);
    Ok(Some(user))
}

/// The identity as it is on its origin user `origin`.
pub fn owned_identity(
    identity: UnownedIdentity,
    origin: UserId,
    ordinal: i32,
    now: DateTime<Utc>,
) -> Identity {
    let UnownedIdentity {
        id,
        connection,
        social,
        email,
        other_emails: _,
        profile_data,
        signed_in_at: _,
        // The caller keeps them beside the identity.
        tokens: _,
    } = identity;
    let is_verified = email.as_ref().is_some_and(|email| email.verified.is_some());
    Identity {
        id,
        origin,
        ordinal,
        connection,
        social,
        email,
        profile_data,
        attach_time: now,
        attached_by: None,
        moved: None,
        email_proven_since: is_verified.then_some(now),
        email_proven_among: false,
        email_changed: false,
        tokens_valid_from: None,
    }
}

fn expect_shared_email(
    primary: &User,
    other_has: impl Fn(&str) -> bool,
) -> Result<(), DomainError> {
    primary.verified_emails().any(other_has).then_some(()).ok_or(DomainError::EmailNotShared)
}

fn next_ordinal(user: &User) -> i32 {
    user.identities.iter().map(|identity| identity.ordinal + 1).max().unwrap_or(0)
}
