//! Events as messages.

use prost_types::FieldMask;
use uuid::Uuid;

use super::{actor, identity_ref, sign_in::rule, time};
use crate::{
    domain::{
        AccountEvent, Event, IdentityRef, LinkBasis, ProofKind, RenamedIdentity, UserChange,
        UserId,
        event::{MetadataPathChange, MetadataPathEffect, Namespace},
    },
    feed::PositionCodec,
    grpc::proto::{self as pb, event::Detail},
    store::PastEvent,
};

/// An event as a message for services.
pub(in crate::grpc) fn event(past: &PastEvent, positions: &PositionCodec) -> pb::Event {
    pb::Event {
        position: positions.text(past.position),
        time: Some(time(past.position.time)),
        tenant: past.tenant.to_string(),
        actor: Some(actor(&past.actor)),
        request_id: past.request_id.map(|id| id.to_string()).unwrap_or_default(),
        detail: Some(detail(&past.event)),
    }
}

fn detail(event: &Event) -> Detail {
    match event {
        Event::UserCreated { user, identities, blocked } => Detail::UserCreated(pb::UserCreated {
            user: change(user),
            identities: refs(identities),
            blocked: *blocked,
        }),
        Event::UsersImported { run, count } => Detail::UsersImported(pb::UsersImported {
            run_id: run.to_string(),
            user_count: i64::from(*count),
        }),
        Event::UserUpdated { user, fields } => Detail::UserUpdated(pb::UserUpdated {
            user: change(user),
            changed_fields: mask(fields),
        }),
        Event::UserBlocked { user, blocked, fields } => Detail::UserBlocked(pb::UserBlocked {
            user: change(user),
            blocked: *blocked,
            changed_fields: mask(fields),
        }),
        Event::UserDeleted { user, absorbed, identities } => Detail::UserDeleted(pb::UserDeleted {
            user: change(user),
            absorbed_user_ids: ids(absorbed),
            identities: refs(identities),
        }),
        Event::UserLinked { primary, absorbed, repointed, moved, link, metadata, basis } => {
            Detail::UserLinked(pb::UserLinked {
                primary: change(primary),
                absorbed: change(absorbed),
                repointed_user_ids: ids(repointed),
                moved_identities: refs(moved),
                link_id: link.to_string(),
                metadata_changes: metadata_changes(metadata),
                basis: basis.as_ref().map(link_basis),
            })
        }
        Event::UserUnlinked { user, restored, repointed, moved, link, metadata, also } => {
            Detail::UserUnlinked(pb::UserUnlinked {
                user: change(user),
                restored: change(restored),
                moved_identities: refs(moved),
                link_id: link.to_string(),
                metadata_changes: metadata_changes(metadata),
                also_changed: also.iter().filter_map(change).collect(),
                repointed_user_ids: ids(repointed),
            })
        }
        Event::LinkUndone { user, restored, repointed, moved, link, metadata, also } => {
            Detail::LinkUndone(pb::LinkUndone {
                user: change(user),
                restored: change(restored),
                repointed_user_ids: ids(repointed),
                moved_identities: refs(moved),
                link_id: link.to_string(),
                metadata_changes: metadata_changes(metadata),
                also_changed: also.iter().filter_map(change).collect(),
            })
        }
        Event::IdentityAttached { user, identity, link, basis } => {
            Detail::IdentityAttached(pb::IdentityAttached {
                user: change(user),
                identity: Some(identity_ref(identity)),
                link_id: link.to_string(),
                basis: basis.as_ref().map(link_basis),
            })
        }
        Event::IdentityDetached { user, detached, identity, link } => {
            Detail::IdentityDetached(pb::IdentityDetached {
                user: change(user),
                detached: change(detached),
                identity: Some(identity_ref(identity)),
                link_id: id(*link),
            })
        }
        Event::IdentityReleased { user, identity } => {
            Detail::IdentityReleased(pb::IdentityReleased {
                user: change(user),
                identity: Some(identity_ref(identity)),
            })
        }
        Event::UserMetadataMerged { user, source, link, metadata } => {
            Detail::UserMetadataMerged(pb::UserMetadataMerged {
                user: change(user),
                source_user_id: source.as_ref().map(ToString::to_string).unwrap_or_default(),
                link_id: id(*link),
                metadata_changes: metadata_changes(metadata),
            })
        }
        Event::IdentityUpdated { user, identity } => Detail::IdentityUpdated(pb::IdentityUpdated {
            user: change(user),
            identity: Some(identity_ref(identity)),
        }),
        Event::IdentitiesRenamed { user, renamed } => {
            let message =
                |RenamedIdentity { identity, former }: &RenamedIdentity| pb::RenamedIdentity {
                    identity: Some(identity_ref(identity)),
                    former: Some(identity_ref(former)),
                };
            Detail::IdentitiesRenamed(pb::IdentitiesRenamed {
                user: change(user),
                renamed: renamed.iter().map(message).collect(),
            })
        }
        Event::IdentityLoggedOut { user, identity } => {
            Detail::IdentityLoggedOut(pb::IdentityLoggedOut {
                user_id: user.to_string(),
                identity: Some(identity_ref(identity)),
            })
        }
        Event::AccountEventReported { user, identity, event, withdrawn } => {
            Detail::AccountEventReported(pb::AccountEventReported {
                user_id: user.to_string(),
                identity: Some(identity_ref(identity)),
                account_event: account_event(*event).into(),
                tokens_withdrawn: *withdrawn,
            })
        }
        Event::UserPrimaryIdentityChanged { user, identity } => {
            Detail::UserPrimaryIdentityChanged(pb::UserPrimaryIdentityChanged {
                user: change(user),
                identity: Some(identity_ref(identity)),
            })
        }
    }
}

fn account_event(event: AccountEvent) -> pb::account_event_reported::Event {
    use pb::account_event_reported::Event;
    match event {
        AccountEvent::Disabled => Event::Disabled,
        AccountEvent::Enabled => Event::Enabled,
        AccountEvent::Purged => Event::Purged,
        AccountEvent::CredentialChangeRequired => Event::CredentialChangeRequired,
        AccountEvent::CredentialCompromise => Event::CredentialCompromise,
        AccountEvent::CredentialChange => Event::CredentialChange,
        AccountEvent::SessionsRevoked => Event::SessionsRevoked,
        AccountEvent::TokensRevoked => Event::TokensRevoked,
        AccountEvent::TokenClaimsChange => Event::TokenClaimsChange,
    }
}

fn link_basis(basis: &LinkBasis) -> pb::LinkBasis {
    let LinkBasis { proof, rule: by, plan } = *basis;
    pb::LinkBasis {
        proof_kind: proof_kind(proof).into(),
        rule: by.map(rule).unwrap_or_default().into(),
        plan_id: id(plan),
    }
}

fn proof_kind(kind: ProofKind) -> pb::link_proof::Kind {
    use pb::link_proof::Kind;
    match kind {
        ProofKind::Token => Kind::Token,
        ProofKind::Ticket => Kind::Ticket,
        ProofKind::SignIn => Kind::SignIn,
        ProofKind::VerifiedEmail => Kind::VerifiedEmail,
        ProofKind::Service => Kind::Service,
        ProofKind::Plan => Kind::Plan,
    }
}

fn change(change: &UserChange) -> Option<pb::UserChange> {
    Some(pb::UserChange {
        user_id: change.id.to_string(),
        version_before: change.before,
        version_after: change.after,
    })
}

fn refs(identities: &[IdentityRef]) -> Vec<pb::IdentityRef> {
    identities.iter().map(identity_ref).collect()
}

fn ids(users: &[UserId]) -> Vec<String> {
    users.iter().map(ToString::to_string).collect()
}

fn id(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn mask(fields: &[String]) -> Option<FieldMask> {
    Some(FieldMask { paths: fields.to_vec() })
}

fn metadata_changes(changes: &[MetadataPathChange]) -> Vec<pb::MetadataChange> {
    use pb::metadata_change::Effect;
    let path_change = |path_change: &MetadataPathChange| pb::MetadataChange {
        metadata_namespace: match path_change.namespace {
            Namespace::User => pb::MetadataNamespace::User,
            Namespace::App => pb::MetadataNamespace::App,
        }
        .into(),
        path: path_change.path.clone(),
        effect: match path_change.effect {
            MetadataPathEffect::Added => Effect::Added,
            MetadataPathEffect::PrimaryKept => Effect::ConflictPrimary,
            MetadataPathEffect::SecondaryTaken => Effect::ConflictSecondary,
            MetadataPathEffect::Combined => Effect::Combined,
            MetadataPathEffect::Reversed => Effect::Reversed,
            MetadataPathEffect::Kept => Effect::Kept,
            MetadataPathEffect::Withheld => Effect::Withheld,
        }
        .into(),
    };
    changes.iter().map(path_change).collect()
}
