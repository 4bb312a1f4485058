//! Events: what changed, as all readers of the feed see it. An event holds ids, versions and paths,
//! and never a value.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    AccountEvent, IdentityRef, LinkBasis, RenamedIdentity, User, UserId,
    linking::MetadataChanges,
    merge::{Change, Effect},
    metadata::pointer,
    unlinking::Withheld,
    user_with_absorbed::UnmergedMetadata,
};

/// One change of who is who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A user was created.
    UserCreated {
        /// The user.
        user: UserChange,
        /// Its identities.
        identities: Vec<IdentityRef>,
        /// Whether it is blocked from the start.
        blocked: bool,
    },
    /// An import created users.
    UsersImported {
        /// The import.
        run: Uuid,
        /// How many users this part of it created.
        count: u32,
    },
    /// A user's fields were set.
    UserUpdated {
        /// The user.
        user: UserChange,
        /// The names of the fields that changed.
        fields: Vec<String>,
    },
    /// A user was blocked or unblocked.
    UserBlocked {
        /// The user.
        user: UserChange,
        /// Whether it is blocked now.
        blocked: bool,
        /// The names of the fields that changed.
        fields: Vec<String>,
    },
    /// A user was deleted.
    UserDeleted {
        /// The user.
        user: UserChange,
        /// The users that it had absorbed, which are deleted too.
        absorbed: Vec<UserId>,
        /// The identities that it had.
        identities: Vec<IdentityRef>,
    },
    /// A link made one user of two.
    UserLinked {
        /// The user that absorbed.
        primary: UserChange,
        /// The user that was absorbed.
        absorbed: UserChange,
        /// The users that the absorbed user had absorbed.
        repointed: Vec<UserId>,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link.
        link: Uuid,
        /// What the merge changed.
        metadata: Vec<MetadataPathChange>,
        /// What the link rests on; `None` in events of servers that did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<LinkBasis>,
    },
    /// An absorbed user came back by an unlink.
    UserUnlinked {
        /// The user that it left.
        user: UserChange,
        /// The user that came back.
        restored: UserChange,
        /// The aliases of the user that came back.
        #[serde(default)]
        repointed: Vec<UserId>,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link that the unlink ended.
        link: Uuid,
        /// What was taken back of the merge, what stays, and what was withheld.
        metadata: Vec<MetadataPathChange>,
        /// The users that `user` still holds and that changed too.
        also: Vec<UserChange>,
    },
    /// A link was undone.
    LinkUndone {
        /// The user that held what the link had moved.
        user: UserChange,
        /// The user that came back, or that an attached identity became.
        restored: UserChange,
        /// The users that the restored user had absorbed.
        repointed: Vec<UserId>,
        /// The identities that moved.
        moved: Vec<IdentityRef>,
        /// The link.
        link: Uuid,
        /// What was taken back of the merge, what stays, and what was withheld.
        metadata: Vec<MetadataPathChange>,
        /// The users that `user` still holds and that changed too.
        also: Vec<UserChange>,
    },
    /// An identity without an owner was attached.
    IdentityAttached {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
        /// The link.
        link: Uuid,
        /// What the link rests on; `None` in events of servers that did not record it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        basis: Option<LinkBasis>,
    },
    /// An unlink made a user of its own of an identity.
    IdentityDetached {
        /// The user that it left.
        user: UserChange,
        /// The user that it became.
        detached: UserChange,
        /// The identity.
        identity: IdentityRef,
        /// The link that had attached the identity, if the unlink ended one.
        link: Option<Uuid>,
    },
    /// A user released an identity, which no user owns now.
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
        /// The user from which the metadata came.
        source: Option<UserId>,
        /// The link that had kept the metadata.
        link: Option<Uuid>,
        /// What the merge changed.
        metadata: Vec<MetadataPathChange>,
    },
    /// A sign-in brought another email or another profile of an identity.
    IdentityUpdated {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
    },
    /// A move of a provider gave identities of a user other subjects.
    IdentitiesRenamed {
        /// The user.
        user: UserChange,
        /// The identities.
        renamed: Vec<RenamedIdentity>,
    },
    /// The provider of an identity ended its sessions: tokens that name it and are older are refused.
    IdentityLoggedOut {
        /// The user that owns the identity. It did not change.
        user: UserId,
        /// The identity.
        identity: IdentityRef,
    },
    /// The provider of an identity reported what happened to the account there.
    AccountEventReported {
        /// The user that owns the identity. It did not change.
        user: UserId,
        /// The identity.
        identity: IdentityRef,
        /// What happened.
        event: AccountEvent,
        /// Whether all tokens of the user that are older are refused since.
        withdrawn: bool,
    },
    /// A user's primary identity changed.
    UserPrimaryIdentityChanged {
        /// The user.
        user: UserChange,
        /// The identity.
        identity: IdentityRef,
    },
}

/// The kind of an event, by which readers filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// [`Event::UserCreated`].
    UserCreated,
    /// [`Event::UsersImported`].
    UsersImported,
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
    /// [`Event::IdentitiesRenamed`].
    IdentitiesRenamed,
    /// [`Event::UserPrimaryIdentityChanged`].
    UserPrimaryIdentityChanged,
    /// [`Event::IdentityLoggedOut`].
    IdentityLoggedOut,
    /// [`Event::AccountEventReported`].
    AccountEventReported,
}

impl EventKind {
    /// The kind as text, as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UserCreated => "user_created",
            Self::UsersImported => "users_imported",
            Self::UserUpdated => "user_updated",
            Self::UserBlocked => "user_blocked",
            Self::UserDeleted => "user_deleted",
            Self::UserLinked => "user_linked",
            Self::UserUnlinked => "user_unlinked",
            Self::LinkUndone => "link_undone",
            Self::IdentityAttached => "identity_attached",
            Self::IdentityDetached => "identity_detached",
            Self::IdentityReleased => "identity_released",
            Self::IdentityUpdated => "identity_updated",
            Self::UserMetadataMerged => "user_metadata_merged",
            Self::IdentitiesRenamed => "identities_renamed",
            Self::UserPrimaryIdentityChanged => "user_primary_identity_changed",
            Self::IdentityLoggedOut => "identity_logged_out",
            Self::AccountEventReported => "account_event_reported",
        }
    }
}

/// A user that an event changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChange {
    /// The user.
    pub id: UserId,
    /// The version before the change; 0 if the user did not exist.
    pub before: i64,
    /// The version after the change.
    pub after: i64,
}

/// What happened to metadata at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataPathChange {
    /// Which of the user's two documents.
    pub namespace: Namespace,
    /// An RFC 6901 pointer; empty for the whole document.
    pub path: String,
    /// What happened at the path.
    pub effect: MetadataPathEffect,
}

/// One of a user's two metadata documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Namespace {
    /// `user_metadata`.
    User,
    /// `app_metadata`.
    App,
}

/// What happened at one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetadataPathEffect {
    /// [`Effect::Added`].
    Added,
    /// [`Effect::PrimaryKept`].
    PrimaryKept,
    /// [`Effect::SecondaryTaken`].
    SecondaryTaken,
    /// [`Effect::Combined`].
    Combined,
    /// A value that a link had written was removed.
    Reversed,
    /// A value that a link had written stays.
    Kept,
    /// The value did not come back with the restored user.
    Withheld,
}

impl Event {
    /// The kind of this event.
    pub fn kind(&self) -> EventKind {
        match self {
            Self::UserCreated { .. } => EventKind::UserCreated,
            Self::UsersImported { .. } => EventKind::UsersImported,
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
            Self::IdentitiesRenamed { .. } => EventKind::IdentitiesRenamed,
            Self::UserPrimaryIdentityChanged { .. } => EventKind::UserPrimaryIdentityChanged,
            Self::IdentityLoggedOut { .. } => EventKind::IdentityLoggedOut,
            Self::AccountEventReported { .. } => EventKind::AccountEventReported,
        }
    }

    /// The user that the event is about, and the other user if there are two. `None` for an event
    /// that is about no single user.
    pub fn sides(&self) -> (Option<&UserId>, Option<&UserId>) {
        match self {
            Self::UsersImported { .. } => (None, None),
            Self::IdentityLoggedOut { user, .. } | Self::AccountEventReported { user, .. } => {
                (Some(user), None)
            }
            Self::UserCreated { user, .. }
            | Self::UserUpdated { user, .. }
            | Self::UserBlocked { user, .. }
            | Self::UserDeleted { user, .. }
            | Self::IdentityAttached { user, .. }
            | Self::IdentityReleased { user, .. }
            | Self::IdentityUpdated { user, .. }
            | Self::IdentitiesRenamed { user, .. }
            | Self::UserPrimaryIdentityChanged { user, .. } => (Some(&user.id), None),
            Self::UserLinked { primary: user, absorbed: other, .. }
            | Self::UserUnlinked { user, restored: other, .. }
            | Self::LinkUndone { user, restored: other, .. }
            | Self::IdentityDetached { user, detached: other, .. } => {
                (Some(&user.id), Some(&other.id))
            }
            Self::UserMetadataMerged { user, source, .. } => (Some(&user.id), source.as_ref()),
        }
    }
}

impl UserChange {
    /// The change that led to this user's current version. Each change adds one.
    pub fn latest(user: &User) -> Self {
        Self { id: user.id.clone(), before: user.version - 1, after: user.version }
    }

    /// The deletion of a user.
    pub fn deletion_of(user: &User) -> Self {
        Self { id: user.id.clone(), before: user.version, after: user.version + 1 }
    }
}

impl MetadataPathChange {
    /// The paths that a merge changed.
    pub fn from_merge(changes: &MetadataChanges) -> Vec<Self> {
        let path_change = |namespace| {
            move |change: &Change| Self {
                namespace,
                path: change.path.clone(),
                effect: match change.effect {
                    Effect::Added => MetadataPathEffect::Added,
                    Effect::PrimaryKept => MetadataPathEffect::PrimaryKept,
                    Effect::SecondaryTaken => MetadataPathEffect::SecondaryTaken,
                    Effect::Combined => MetadataPathEffect::Combined,
                },
            }
        };
        let user = changes.user.iter().map(path_change(Namespace::User));
        user.chain(changes.app.iter().map(path_change(Namespace::App))).collect()
    }

    /// The paths of a merge that were taken back, those that stay, and the documents that were
    /// withheld.
    pub fn from_unmerge(unmerged: &UnmergedMetadata, withheld: &Withheld) -> Vec<Self> {
        let paths = |namespace, effect, paths: &[Vec<String>]| {
            paths
                .iter()
                .map(|path| Self { namespace, path: pointer(path), effect })
                .collect::<Vec<_>>()
        };
        let back = [(Namespace::User, &unmerged.user), (Namespace::App, &unmerged.app)].into_iter();
        let back = back.flat_map(|(namespace, back)| {
            [
                paths(namespace, MetadataPathEffect::Reversed, &back.taken),
                paths(namespace, MetadataPathEffect::Kept, &back.kept),
            ]
            .concat()
        });
        let held =
            [(Namespace::User, &withheld.user_metadata), (Namespace::App, &withheld.app_metadata)];
        let held = held.into_iter().filter(|(_, held)| held.is_some());
        let held = held.map(|(namespace, _)| Self {
            namespace,
            path: String::new(),
            effect: MetadataPathEffect::Withheld,
        });
        back.chain(held).collect()
    }
}
