//! What happened, as everybody who keeps something about users is told it: ids, versions and paths,
//! never a value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    IdentityRef, User, UserId,
    household::TakenBackMetadata,
    linking::MetadataChanges,
    merge::{Change, Effect},
    metadata::pointer,
    unlinking::Withheld,
};

/// What one change was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A user came to be.
    UserCreated {
        /// The user.
        user: UserChange,
        /// Its identities.
        identities: Vec<IdentityRef>,
        /// Whether it is blocked from the start.
        blocked: bool,
    },
    /// A user's fields were set.
    UserUpdated {
        /// The user.
        user: UserChange,
        /// The fields that are others now.
        fields: Vec<String>,
    },
    /// A user was blocked or unblocked.
    UserBlocked {
        /// The user.
        user: UserChange,
        /// Whether it is blocked now.
        blocked: bool,
        /// The fields that are others now.
        fields: Vec<String>,
    },
    /// A user was deleted.
    UserDeleted {
        /// The user.
        user: UserChange,
        /// Those it had absorbed, who are deleted too.
        absorbed: Vec<UserId>,
        /// The identities that it had.
        identities: Vec<IdentityRef>,
    },
    /// Two users became one.
    UserLinked {
        /// The user that absorbed.
        primary: UserChange,
        /// The user that was absorbed.
        absorbed: UserChange,
        /// Those that the absorbed one had absorbed.
        repointed: Vec<UserId>,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link.
        link: Uuid,
        /// What the merge did.
        metadata: Vec<MetadataPlace>,
    },
    /// An absorbed user came back.
    UserUnlinked {
        /// The user that it left.
        user: UserChange,
        /// The user that came back.
        restored: UserChange,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link that this ended.
        link: Uuid,
        /// What was taken back, and what was not.
        metadata: Vec<MetadataPlace>,
        /// Whom `user` still holds and what changed with it.
        also: Vec<UserChange>,
    },
    /// A link was undone.
    LinkUndone {
        /// The user that held what the link had brought.
        user: UserChange,
        /// The user that came back, or that an attached identity became.
        restored: UserChange,
        /// Those that the restored one had absorbed.
        repointed: Vec<UserId>,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link.
        link: Uuid,
        /// What was taken back, and what was not.
        metadata: Vec<MetadataPlace>,
        /// Whom `user` still holds and what changed with it.
        also: Vec<UserChange>,
    },
    /// An identity that nobody owned was attached.
    IdentityAttached {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
        /// The link.
        link: Uuid,
    },
    /// An identity became a user of its own.
    IdentityDetached {
        /// The user that it left.
        user: UserChange,
        /// The user that it became.
        detached: UserChange,
        /// The identity.
        identity: IdentityRef,
        /// The link that had attached it, if this ended one.
        link: Option<Uuid>,
    },
    /// A user released an identity, which has no owner now.
    IdentityReleased {
        /// The user that it left.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
    },
    /// Metadata was merged into a user's.
    UserMetadataMerged {
        /// The user.
        user: UserChange,
        /// The user whose metadata it was.
        source: Option<UserId>,
        /// The link that had kept it.
        link: Option<Uuid>,
        /// What the merge did.
        metadata: Vec<MetadataPlace>,
    },
    /// A sign-in told another email or another profile of an identity.
    IdentityUpdated {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
    },
    /// Another identity of a user is the primary one.
    UserPrimaryIdentityChanged {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
    },
}

/// What an event is about, to choose by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// [`Event::UserCreated`].
    UserCreated,
    /// [`Event::UserUpdated`].
    UserUpdated,
    /// [`Event::UserBlocked`].
    UserBlocked,
    /// [`Event::UserDeleted`].
    UserDeleted,
    /// [`Event::UserLinked`].
    UserLinked,
    /// [`Event::UserUnlinked`].
    UserUnlinked,
    /// [`Event::LinkUndone`].
    LinkUndone,
    /// [`Event::IdentityAttached`].
    IdentityAttached,
    /// [`Event::IdentityDetached`].
    IdentityDetached,
    /// [`Event::IdentityReleased`].
    IdentityReleased,
    /// [`Event::IdentityUpdated`].
    IdentityUpdated,
    /// [`Event::UserMetadataMerged`].
    UserMetadataMerged,
    /// [`Event::UserPrimaryIdentityChanged`].
    UserPrimaryIdentityChanged,
}

/// A user that an event changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChange {
    /// The user.
    pub id: UserId,
    /// The version that it had; 0 if it was not there.
    pub before: i64,
    /// The version that it has.
    pub after: i64,
}

/// What became of metadata at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataPlace {
    /// In which metadata.
    pub namespace: Namespace,
    /// An RFC 6901 pointer; empty for all of it.
    pub path: String,
    /// What was done there.
    pub effect: PlaceEffect,
}

/// Which of a user's two documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// `user_metadata`.
    User,
    /// `app_metadata`.
    App,
}

/// What was done at one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceEffect {
    /// [`Effect::Added`].
    Added,
    /// [`Effect::PrimaryKept`].
    PrimaryKept,
    /// [`Effect::SecondaryTaken`].
    SecondaryTaken,
    /// [`Effect::Combined`].
    Combined,
    /// What a link had put there is gone.
    TakenBack,
    /// What a link had put there stays.
    Kept,
    /// What was there did not come back.
    Withheld,
}

impl Event {
    /// Its kind.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::UserCreated { .. } => EventKind::UserCreated,
            Self::UserUpdated { .. } => EventKind::UserUpdated,
            Self::UserBlocked { .. } => EventKind::UserBlocked,
            Self::UserDeleted { .. } => EventKind::UserDeleted,
            Self::UserLinked { .. } => EventKind::UserLinked,
            Self::UserUnlinked { .. } => EventKind::UserUnlinked,
            Self::LinkUndone { .. } => EventKind::LinkUndone,
            Self::IdentityAttached { .. } => EventKind::IdentityAttached,
            Self::IdentityDetached { .. } => EventKind::IdentityDetached,
            Self::IdentityReleased { .. } => EventKind::IdentityReleased,
            Self::IdentityUpdated { .. } => EventKind::IdentityUpdated,
            Self::UserMetadataMerged { .. } => EventKind::UserMetadataMerged,
            Self::UserPrimaryIdentityChanged { .. } => EventKind::UserPrimaryIdentityChanged,
        }
    }

    /// Its two sides: the user that it is about, and the other one, if there are two.
    pub fn sides(&self) -> (&UserId, Option<&UserId>) {
        match self {
            Self::UserCreated { user, .. }
            | Self::UserUpdated { user, .. }
            | Self::UserBlocked { user, .. }
            | Self::UserDeleted { user, .. }
            | Self::IdentityAttached { user, .. }
            | Self::IdentityReleased { user, .. }
            | Self::IdentityUpdated { user, .. }
            | Self::UserPrimaryIdentityChanged { user, .. } => (&user.id, None),
            Self::UserLinked { primary: user, absorbed: other, .. }
            | Self::UserUnlinked { user, restored: other, .. }
            | Self::LinkUndone { user, restored: other, .. }
            | Self::IdentityDetached { user, detached: other, .. } => (&user.id, Some(&other.id)),
            Self::UserMetadataMerged { user, source, .. } => (&user.id, source.as_ref()),
        }
    }
}

impl UserChange {
    /// The change that made a user what it is: each counts one.
    pub fn of(user: &User) -> Self {
        Self { id: user.id.clone(), before: user.version - 1, after: user.version }
    }

    /// The end of a user.
    pub fn end_of(user: &User) -> Self {
        Self { id: user.id.clone(), before: user.version, after: user.version + 1 }
    }
}

impl MetadataPlace {
    /// What a merge did.
    pub fn of_merge(changes: &MetadataChanges) -> Vec<Self> {
        let place = |namespace| {
            move |change: &Change| Self {
                namespace,
                path: change.path.clone(),
                effect: match change.effect {
                    Effect::Added => PlaceEffect::Added,
                    Effect::PrimaryKept => PlaceEffect::PrimaryKept,
                    Effect::SecondaryTaken => PlaceEffect::SecondaryTaken,
                    Effect::Combined => PlaceEffect::Combined,
                },
            }
        };
        let user = changes.user.iter().map(place(Namespace::User));
        user.chain(changes.app.iter().map(place(Namespace::App))).collect()
    }

    /// What was taken back of a merge and what was not, and what did not come back.
    pub fn of_return(taken_back: &TakenBackMetadata, withheld: &Withheld) -> Vec<Self> {
        let places = |namespace, effect, paths: &[Vec<String>]| {
            paths.iter().map(|path| Self { namespace, path: pointer(path), effect }).collect::<Vec<_>>()
        };
        let back = [(Namespace::User, &taken_back.user), (Namespace::App, &taken_back.app)].into_iter();
        let back = back.flat_map(|(namespace, back)| {
            [places(namespace, PlaceEffect::TakenBack, &back.taken), places(namespace, PlaceEffect::Kept, &back.kept)]
                .concat()
        });
        let held = [(Namespace::User, &withheld.user_metadata), (Namespace::App, &withheld.app_metadata)];
        let held = held.into_iter().filter(|(_, held)| held.is_some());
        let held = held.map(|(namespace, _)| Self { namespace, path: String::new(), effect: PlaceEffect::Withheld });
        back.chain(held).collect()
    }
}
