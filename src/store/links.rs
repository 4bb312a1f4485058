//! Links: their rows, what their merges changed, and the proofs that they used up.

use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Session, StoreError,
    erasures::not_being_erased,
    history::{Effects, PastTerms},
    rows::{identity_ref, user_id},
    schema::links,
    undoing::changes_json,
};
use crate::domain::{
    IdentityRef, UserId,
    linking::{LinkTerms, MetadataChanges},
};

/// A link in the form that callers may see.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its id.
    pub id: Uuid,
    /// The primary user, which absorbed a user or received an identity; "deleted:…" after it was
    /// deleted.
    pub primary: UserId,
    /// The absorbed user; or the user that an attached identity became after it left; `None` while
    /// neither exists.
    pub secondary: Option<UserId>,
    /// The identities that moved.
    pub moved: Vec<IdentityRef>,
    /// When it was made.
    pub link_time: DateTime<Utc>,
    /// When it was undone; `None` while it stands.
    pub undo_time: Option<DateTime<Utc>>,
}

/// The party that made a change, as the history stores it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The kind of the caller.
    pub kind: ActorKind,
    /// The issuer of the bearer token; empty for a deleted user.
    #[serde(default)]
    pub issuer: String,
    /// The user's id, or the service's subject at its issuer; empty for a deleted user.
    #[serde(default)]
    pub subject: String,
}

/// The kind of a party that made a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActorKind {
    /// A user that acts for itself.
    User,
    /// A service.
    Service,
    /// No caller: the link ended because its secondary user was deleted.
    Deletion,
}

/// The proof on which a link rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token of the secondary user.
    Token {
        /// The issuer of the token.
        issuer: String,
        /// The user or identity that the token names.
        subject: String,
        /// SHA-256 that names the token.
        hash: [u8; 32],
    },
    /// A ticket of a sign-in that had just proven the identity.
    Ticket {
        /// SHA-256 of the ticket.
        hash: [u8; 32],
    },
    /// A sign-in at the account, for this link only.
    SignIn,
    /// An email that is verified on both sides.
    VerifiedEmail,
    /// The claim of a service.
    Service,
}

/// The stored form of a proof, without the hash, which has a column of its own.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum StoredProof {
    Token {
        #[serde(default)]
        issuer: String,
        #[serde(default)]
        subject: String,
    },
    Ticket,
    SignIn,
    VerifiedEmail,
    Service,
}

/// A new link with all that is written of it.
pub struct NewLink<'a> {
    /// The part that callers may see.
    pub link: &'a Link,
    /// The primary user's version after the link.
    pub primary_version: i64,
    /// The secondary user's version after the link; `None` if there is no secondary user.
    pub secondary_version: Option<i64>,
    /// The terms of the link.
    pub terms: &'a LinkTerms,
    /// What the merge changed.
    pub changes: &'a MetadataChanges,
    /// The caller that made the link.
    pub actor: &'a Actor,
    /// The proof on which it rests.
    pub proof: &'a Proof,
}

/// The result of inserting a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkInserted {
    /// The link is inserted.
    Inserted,
    /// Another link has used the proof.
    ProofUsed,
}

impl Session {
    /// Inserts a link, and uses its proof up.
    pub async fn insert_link(&mut self, new: &NewLink<'_>) -> Result<LinkInserted, StoreError> {
        let NewLink { link, primary_version, secondary_version, terms, changes, actor, proof } =
            new;
        let (proof, hash) = match proof {
            Proof::Token { issuer, subject, hash } => (
                StoredProof::Token { issuer: issuer.clone(), subject: subject.clone() },
                Some(hash.as_slice()),
            ),
            Proof::Ticket { hash } => (StoredProof::Ticket, Some(hash.as_slice())),
            Proof::SignIn => (StoredProof::SignIn, None),
            Proof::VerifiedEmail => (StoredProof::VerifiedEmail, None),
            Proof::Service => (StoredProof::Service, None),
        };
        let insert = diesel::insert_into(links::table)
            .values((
                links::tenant_id.eq(self.tenant.as_str()),
                links::id.eq(link.id),
                links::primary_id.eq(link.primary.as_str()),
                links::secondary_id.eq(link.secondary.as_ref().map(UserId::as_str)),
                links::primary_version.eq(primary_version),
                links::secondary_version.eq(secondary_version),
                links::terms.eq(json(&PastTerms::from(*terms))),
                links::moved.eq(link.moved.iter().map(moved_json).collect::<Value>()),
                links::changes.eq(changes_json(changes)),
                links::effects.eq(json(&Effects::from(*changes))),
                links::withheld.eq(json!({})),
                links::actor.eq(json(actor)),
                links::proof.eq(json(&proof)),
                links::proof_hash.eq(hash),
                links::link_time.eq(link.link_time),
                links::request_id.eq(self.request.as_ref().map(|request| request.id)),
            ))
            .on_conflict_do_nothing();
        let rows = self.conn.execute(insert).await?;
        Ok(if rows == 1 { LinkInserted::Inserted } else { LinkInserted::ProofUsed })
    }

    /// The link, standing or undone; `None` if it does not exist, or while a part of it is being
    /// erased.
    pub async fn link(&mut self, id: Uuid) -> Result<Option<Link>, StoreError> {
        type Row = (Uuid, String, Option<String>, Value, DateTime<Utc>, Option<DateTime<Utc>>);
        let columns = (
            links::id,
            links::primary_id,
            links::secondary_id,
            links::moved,
            links::link_time,
            links::undo_time,
        );
        let query = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::id.eq(id)))
            .filter(not_being_erased!(self.tenant, id))
            .select(columns);
        let row: Option<Row> = self.conn.load_one(query).await?;
        row.map(|(id, primary, secondary, moved, link_time, undo_time)| {
            Ok(Link {
                id,
                primary: user_id(&primary)?,
                secondary: secondary.as_deref().map(user_id).transpose()?,
                moved: moved_refs(&moved)?,
                link_time,
                undo_time,
            })
        })
        .transpose()
    }
}

/// A link from the JSON that a query built.
pub(super) fn link_of_json(json: Value) -> Result<Link, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        id: Uuid,
        primary_id: String,
        secondary_id: Option<String>,
        moved: Value,
        link_time: DateTime<Utc>,
        undo_time: Option<DateTime<Utc>>,
    }

    let row: Row = serde_json::from_value(json).map_err(|_| StoreError::corrupt("link"))?;
    Ok(Link {
        id: row.id,
        primary: user_id(&row.primary_id)?,
        secondary: row.secondary_id.as_deref().map(user_id).transpose()?,
        moved: moved_refs(&row.moved)?,
        link_time: row.link_time,
        undo_time: row.undo_time,
    })
}

fn moved_json(identity: &IdentityRef) -> Value {
    json!({"provider": identity.provider.as_str(), "subject": identity.subject.as_str()})
}

pub(super) fn moved_refs(moved: &Value) -> Result<Vec<IdentityRef>, StoreError> {
    let part = |value: &Value, name: &str| {
        value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    moved
        .as_array()
        .ok_or_else(|| StoreError::corrupt("list of moved identities"))?
        .iter()
        .map(|value| identity_ref(&part(value, "provider"), &part(value, "subject")))
        .collect()
}

/// Values with string keys only always serialise, and all of ours have such keys.
pub(super) fn json<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}
