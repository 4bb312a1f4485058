//! The history of links as messages, reduced to what the caller may see.

use super::{link, metadata_change};
use crate::{
    domain::{
        IdentityRef, User, UserId, UserRef,
        merge::{Arrays, Conflict, Strategy},
    },
    grpc::proto as pb,
    store::{Actor, ActorKind, Effects, Link, PastLink, PastProof},
};

/// Whose data a caller may see.
#[derive(Debug, Clone, Copy)]
pub(in crate::grpc) enum Visibility<'a> {
    /// The data of all users.
    AllUsers,
    /// The data of the caller's own user as it is now, with all users that it holds. A link proved
    /// the other side once; a user that has left since is another person again.
    Own(&'a User),
}

impl Visibility<'_> {
    fn user(self, id: &UserId) -> bool {
        match self {
            Self::AllUsers => true,
            Self::Own(user) => user.is_meant_by(&UserRef::UserId(id.clone())),
        }
    }

    fn identity(self, id: &IdentityRef) -> bool {
        match self {
            Self::AllUsers => true,
            Self::Own(user) => user.identity(id).is_some(),
        }
    }
}

/// A link, without the ids of users and accounts that the caller may not see.
pub(in crate::grpc) fn visible_link(stored: &Link, visibility: Visibility<'_>) -> pb::LinkRecord {
    let mut record = link(stored, false);
    if !visibility.user(&stored.primary) {
        record.primary_user_id.clear();
    }
    if !stored.secondary.as_ref().is_some_and(|id| visibility.user(id)) {
        record.secondary_user_id.clear();
    }
    for (moved, id) in record.moved_identities.iter_mut().zip(&stored.moved) {
        if !visibility.identity(id) {
            moved.subject.clear();
        }
    }
    record
}

/// A link and its history, without what the caller may not see.
pub(in crate::grpc) fn past_link(past: &PastLink, visibility: Visibility<'_>) -> pb::LinkRecord {
    let PastLink {
        link: stored,
        terms,
        effects,
        actor: by,
        proof: on,
        request_id,
        undo_actor,
        plan,
    } = past;
    let sees_primary = visibility.user(&stored.primary);
    let sees_secondary_id = stored.secondary.as_ref().is_some_and(|id| visibility.user(id));
    // The proof names one of these, and does not always say which.
    let sees_secondary = (stored.secondary.is_none() || sees_secondary_id)
        && stored.moved.iter().all(|id| visibility.identity(id));

    let record = visible_link(stored, visibility);
    let (actor, undo_actor) = (
        visible_actor(by, visibility),
        undo_actor.as_ref().map(|by| visible_actor(by, visibility)),
    );
    // The request id belongs to the caller that made it up.
    let request_id = request_id.filter(|_| !actor.subject.is_empty()).map(|id| id.to_string());
    pb::LinkRecord {
        actor: Some(actor),
        proof: Some(proof(on, by, sees_secondary)),
        user_metadata: Some(strategy(terms.user_metadata)),
        app_metadata: Some(strategy(terms.app_metadata)),
        require_shared_verified_email: terms.require_shared_verified_email,
        metadata_changes: if sees_primary && sees_secondary {
            changes(effects)
        } else {
            Vec::new()
        },
        undo_actor,
        request_id: request_id.unwrap_or_default(),
        plan_id: plan.map(|id| id.to_string()).unwrap_or_default(),
        ..record
    }
}

fn visible_actor(actor: &Actor, visibility: Visibility<'_>) -> pb::Actor {
    let is_visible = match actor.kind {
        ActorKind::User => UserId::parse(&actor.subject).is_some_and(|id| visibility.user(&id)),
        ActorKind::Service | ActorKind::Operator | ActorKind::Provider => true,
        ActorKind::Deletion => false,
    };
    let mut shown = super::actor(actor);
    // People of the service wrote it for each other.
    if !matches!(visibility, Visibility::AllUsers) {
        shown.reason.clear();
    }
    if is_visible { shown } else { pb::Actor { kind: shown.kind, ..pb::Actor::default() } }
}

fn proof(proof: &PastProof, by: &Actor, is_visible: bool) -> pb::LinkProof {
    use pb::link_proof::{Plan, Proof, Service, SignIn, Ticket, Token, VerifiedEmail};
    let proof = match proof {
        PastProof::Token { issuer, subject, hash } if is_visible => Proof::Token(Token {
            issuer: issuer.clone(),
            subject: subject.clone(),
            token_hash: hash.clone(),
        }),
        PastProof::Token { .. } => Proof::Token(Token::default()),
        PastProof::Ticket => Proof::Ticket(Ticket {}),
        PastProof::SignIn => Proof::SignIn(SignIn {}),
        PastProof::VerifiedEmail { rule } => {
            Proof::VerifiedEmail(VerifiedEmail { rule: super::sign_in::rule(*rule).into() })
        }
        PastProof::Service => {
            Proof::Service(Service { issuer: by.issuer.clone(), subject: by.subject.clone() })
        }
        PastProof::Plan => Proof::Plan(Plan {}),
    };
    pb::LinkProof { proof: Some(proof) }
}

fn strategy(strategy: Strategy) -> pb::MetadataMerge {
    use pb::metadata_merge as merge_pb;
    let Strategy::Merge { conflict, arrays } = strategy else {
        let strategy = merge_pb::Strategy::KeepPrimary.into();
        return pb::MetadataMerge { strategy, ..pb::MetadataMerge::default() };
    };
    let conflict = match conflict {
        Conflict::PrimaryWins => merge_pb::Conflict::PrimaryWins,
        Conflict::SecondaryWins => merge_pb::Conflict::SecondaryWins,
        Conflict::Fail => merge_pb::Conflict::Fail,
    };
    let arrays = match arrays {
        Arrays::Concatenate => merge_pb::Arrays::Concatenate,
        Arrays::Union => merge_pb::Arrays::Union,
        Arrays::Replace => merge_pb::Arrays::Replace,
    };
    pb::MetadataMerge {
        strategy: merge_pb::Strategy::Merge.into(),
        conflict: conflict.into(),
        arrays: arrays.into(),
    }
}

fn changes(effects: &Effects) -> Vec<pb::MetadataChange> {
    use pb::MetadataNamespace::{App, User};
    let namespaces = [(User, &effects.user_metadata), (App, &effects.app_metadata)].into_iter();
    let placed = namespaces.flat_map(|(namespace, path_effects)| {
        path_effects.iter().map(move |path_effect| (namespace, path_effect))
    });
    placed
        .map(|(namespace, path_effect)| {
            metadata_change(namespace, &path_effect.path, path_effect.effect)
        })
        .collect()
}
