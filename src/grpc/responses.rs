//! Messages from the results of use cases.

mod events;
mod history;
mod sign_in;

use chrono::{DateTime, Utc};
use prost_types::{ListValue, Struct, Timestamp, Value as PbValue, value::Kind};
use serde_json::Value;

pub(super) use self::{
    events::event,
    history::{Visibility, past_link, visible_link},
    sign_in::{decision, other_account},
};
use super::proto as pb;
use crate::{
    domain::{
        Identity, IdentityRef, Metadata, User, Verifier,
        linking::MetadataChanges,
        merge::{Change, Effect},
        metadata::pointer,
        unlinking::Withheld,
        user_with_absorbed::UnmergedMetadata,
    },
    store::{Actor, ActorKind, Link},
};

pub(super) fn user(user: &User) -> pb::User {
    pb::User {
        id: user.id.to_string(),
        version: user.version,
        create_time: Some(time(user.create_time)),
        update_time: Some(time(user.update_time)),
        identities: user.identities_primary_first().map(identity).collect(),
        user_metadata: Some(object(&user.user_metadata)),
        app_metadata: Some(object(&user.app_metadata)),
        profile_overrides: Some(object(&user.profile_overrides)),
        blocked: user.blocked,
        profile: Some(object(&user.profile())),
    }
}

/// A user in a preview, without its random id: that is made only when the user is.
pub(super) fn without_id(shown_user: &User) -> pb::User {
    let mut user = user(shown_user);
    for identity in user.identities.iter_mut().filter(|identity| identity.origin_user_id == user.id)
    {
        identity.origin_user_id.clear();
    }
    user.id.clear();
    user
}

fn identity(identity: &Identity) -> pb::Identity {
    let email = identity.email.as_ref();
    let verified = email.filter(|email| email.is_verified());
    let verified = verified.and_then(|email| email.verified.as_ref());
    let (email_verifier_issuer, email_verifier_subject) =
        verifier(verified.map(|verified| &verified.by));
    pb::Identity {
        identity_ref: Some(identity_ref(&identity.id)),
        connection: identity.connection.clone(),
        email: email.map(|email| email.given.clone()).unwrap_or_default(),
        email_verified: verified.is_some(),
        profile_data: Some(object(&identity.profile_data)),
        attach_time: Some(time(identity.attach_time)),
        origin_user_id: identity.origin.to_string(),
        social: identity.social,
        email_verify_time: verified.map(|verified| time(verified.time)),
        email_verifier_issuer,
        email_verifier_subject,
    }
}

/// The issuer and the subject of a verifier; both empty without one, and for an import.
fn verifier(verifier: Option<&Verifier>) -> (String, String) {
    match verifier {
        None | Some(Verifier::Import) => Default::default(),
        Some(Verifier::Issuer(issuer)) => (issuer.clone(), String::new()),
        Some(Verifier::Service { issuer, subject }) => (issuer.clone(), subject.clone()),
    }
}

pub(super) fn identity_ref(identity: &IdentityRef) -> pb::IdentityRef {
    pb::IdentityRef {
        provider: identity.provider.to_string(),
        subject: identity.subject.to_string(),
    }
}

pub(super) fn link(link: &Link, validate_only: bool) -> pb::LinkRecord {
    pb::LinkRecord {
        id: if validate_only { String::new() } else { link.id.to_string() },
        primary_user_id: link.primary.to_string(),
        secondary_user_id: link.secondary.as_ref().map(ToString::to_string).unwrap_or_default(),
        moved_identities: link.moved.iter().map(identity_ref).collect(),
        link_time: Some(time(link.link_time)),
        undo_time: link.undo_time.map(time),
        ..pb::LinkRecord::default()
    }
}

pub(super) fn actor(actor: &Actor) -> pb::Actor {
    let kind = match actor.kind {
        ActorKind::User => pb::actor::Kind::User,
        ActorKind::Service => pb::actor::Kind::Service,
        ActorKind::Deletion => pb::actor::Kind::Deletion,
        ActorKind::Operator => pb::actor::Kind::Operator,
        ActorKind::Provider => pb::actor::Kind::Provider,
    };
    pb::Actor {
        kind: kind.into(),
        issuer: actor.issuer.clone(),
        subject: actor.subject.clone(),
        reason: actor.reason.clone().unwrap_or_default(),
    }
}

pub(super) fn changes(changes: &MetadataChanges) -> Vec<pb::MetadataChange> {
    use pb::MetadataNamespace::{App, User};
    let change =
        |namespace, change: &Change| metadata_change(namespace, &change.path, change.effect);
    let user = changes.user.iter().map(|item| change(User, item));
    user.chain(changes.app.iter().map(|item| change(App, item))).collect()
}

fn metadata_change(
    namespace: pb::MetadataNamespace,
    path: &str,
    effect: Effect,
) -> pb::MetadataChange {
    use pb::metadata_change::Effect as PbEffect;
    let effect = match effect {
        Effect::Added => PbEffect::Added,
        Effect::PrimaryKept => PbEffect::ConflictPrimary,
        Effect::SecondaryTaken => PbEffect::ConflictSecondary,
        Effect::Combined => PbEffect::Combined,
    };
    pb::MetadataChange {
        metadata_namespace: namespace.into(),
        path: path.to_owned(),
        effect: effect.into(),
    }
}

pub(super) fn unmerged(unmerged: &UnmergedMetadata) -> Vec<pb::MetadataChange> {
    use pb::{
        MetadataNamespace::{App, User},
        metadata_change::Effect::{Kept, Reversed},
    };
    let paths = |namespace: pb::MetadataNamespace,
                 effect: pb::metadata_change::Effect,
                 paths: &[Vec<String>]| {
        let change = |path: &Vec<String>| pb::MetadataChange {
            metadata_namespace: namespace.into(),
            path: pointer(path),
            effect: effect.into(),
        };
        paths.iter().map(change).collect::<Vec<_>>()
    };
    [(User, &unmerged.user), (App, &unmerged.app)]
        .into_iter()
        .flat_map(|(namespace, back)| {
            [paths(namespace, Reversed, &back.taken), paths(namespace, Kept, &back.kept)].concat()
        })
        .collect()
}

pub(super) fn withheld(withheld: &Withheld) -> Vec<pb::MetadataChange> {
    let namespaces = [
        (pb::MetadataNamespace::User, &withheld.user_metadata),
        (pb::MetadataNamespace::App, &withheld.app_metadata),
    ];
    let held = namespaces.into_iter().filter(|(_, held)| held.is_some());
    held.map(|(namespace, _)| pb::MetadataChange {
        metadata_namespace: namespace.into(),
        path: String::new(),
        effect: pb::metadata_change::Effect::Withheld.into(),
    })
    .collect()
}

pub(super) fn time(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        // Below 1e9 by definition, except in leap seconds, which chrono counts above it.
        nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default(),
    }
}

fn object(metadata: &Metadata) -> Struct {
    let fields = metadata.as_map().iter().map(|(key, item)| (key.clone(), value(item)));
    Struct { fields: fields.collect() }
}

fn value(json: &Value) -> PbValue {
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => {
            Kind::ListValue(ListValue { values: items.iter().map(value).collect() })
        }
        Value::Object(object) => Kind::StructValue(Struct {
            fields: object.iter().map(|(key, item)| (key.clone(), value(item))).collect(),
        }),
    };
    PbValue { kind: Some(kind) }
}
