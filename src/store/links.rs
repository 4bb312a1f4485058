//! Links: their history, what their merges changed, and the proofs that they used up.

use chrono::{DateTime, Utc};
use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, OptionalExtension as _, QueryDsl as _};
use diesel_async::RunQueryDsl as _;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Session, StoreError,
    rows::{identity_ref, json as stored, metadata, user_id},
    schema::links,
};
use crate::domain::{IdentityRef, Metadata, UserId, linking::MetadataChanges, merge::Change, unlinking::Withheld};

/// A link, as far as a caller may see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Link {
    /// Its id.
    pub id: Uuid,
    /// The user that absorbed, or to which the identity was attached.
    pub primary: UserId,
    /// The absorbed user, if the link absorbed one.
    pub secondary: Option<UserId>,
    /// The identities that moved.
    pub moved: Vec<IdentityRef>,
    /// When it was made.
    pub link_time: DateTime<Utc>,
    /// When it was undone.
    pub undo_time: Option<DateTime<Utc>>,
}

/// Who did something, as history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// `user` or `service`.
    pub kind: &'static str,
    /// The issuer of the bearer token.
    pub issuer: String,
    /// Its subject.
    pub subject: String,
}

/// On what a link was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proof {
    /// A token of the secondary user.
    Token {
        /// Who issued it.
        issuer: String,
        /// Whom it names.
        subject: String,
        /// SHA-256 that names the token.
        hash: [u8; 32],
    },
    /// A service's word.
    Service,
}

/// What is written of a link when it is made.
pub struct NewLink<'a> {
    /// What a caller may see of it.
    pub link: &'a Link,
    /// What the merge changed.
    pub changes: &'a MetadataChanges,
    /// Who made it.
    pub actor: &'a Actor,
    /// On what proof.
    pub proof: &'a Proof,
}

/// What came of inserting a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkInserted {
    /// It is there now.
    Inserted,
    /// Its proof has made another link.
    ProofUsed,
}

impl Session {
    /// Inserts a link, and uses its proof up.
    pub async fn insert_link(&mut self, new: &NewLink<'_>) -> Result<LinkInserted, StoreError> {
        let NewLink { link, changes, actor, proof } = new;
        let (proof, hash) = match proof {
            Proof::Token { issuer, subject, hash } => {
                (json!({"kind": "token", "issuer": issuer, "subject": subject}), Some(hash.as_slice()))
            }
            Proof::Service => (json!({"kind": "service"}), None),
        };
        let rows = diesel::insert_into(links::table)
            .values((
                links::tenant_id.eq(self.tenant.as_str()),
                links::id.eq(link.id),
                links::primary_id.eq(link.primary.as_str()),
                links::secondary_id.eq(link.secondary.as_ref().map(UserId::as_str)),
                links::moved.eq(link.moved.iter().map(moved_json).collect::<Value>()),
                links::changes.eq(json!({
                    "user_metadata": changes_json(&changes.user),
                    "app_metadata": changes_json(&changes.app),
                })),
                links::withheld.eq(json!({})),
                links::actor.eq(actor_json(actor)),
                links::proof.eq(proof),
                links::proof_hash.eq(hash),
                links::link_time.eq(link.link_time),
            ))
            .on_conflict_do_nothing()
            .execute(&mut self.conn)
            .await?;
        Ok(if rows == 1 { LinkInserted::Inserted } else { LinkInserted::ProofUsed })
    }

    /// Notes that a link was undone, and keeps what its secondary did not get back.
    pub async fn undo_link(
        &mut self,
        id: Uuid,
        actor: &Actor,
        withheld: &Withheld,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut kept = Map::new();
        for (name, value) in [("user_metadata", &withheld.user_metadata), ("app_metadata", &withheld.app_metadata)] {
            kept.extend(value.as_ref().map(|value| (name.to_owned(), stored(value))));
        }
        diesel::update(links::table)
            .filter(links::tenant_id.eq(self.tenant.as_str()))
            .filter(links::id.eq(id))
            .set((
                links::undo_time.eq(now),
                links::undo_actor.eq(actor_json(actor)),
                links::withheld.eq(Value::Object(kept)),
            ))
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }

    /// The link, standing or undone.
    pub async fn link(&mut self, id: Uuid) -> Result<Option<Link>, StoreError> {
        type Row = (Uuid, String, Option<String>, Value, DateTime<Utc>, Option<DateTime<Utc>>);
        let row: Option<Row> = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::id.eq(id)))
            .select((
                links::id,
                links::primary_id,
                links::secondary_id,
                links::moved,
                links::link_time,
                links::undo_time,
            ))
            .first(&mut self.conn)
            .await
            .optional()?;
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

    /// What an undone link did not give back.
    pub async fn withheld(&mut self, id: Uuid) -> Result<Withheld, StoreError> {
        let row: Option<Value> = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::id.eq(id)))
            .select(links::withheld)
            .first(&mut self.conn)
            .await
            .optional()?;
        let part = |name: &str| -> Result<Option<Metadata>, StoreError> {
            row.as_ref().and_then(|row| row.get(name)).cloned().map(metadata).transpose()
        };
        Ok(Withheld { user_metadata: part("user_metadata")?, app_metadata: part("app_metadata")? })
    }

    /// Deletes every link that names one of these users.
    pub async fn delete_links_of(&mut self, users: &[UserId]) -> Result<(), StoreError> {
        let users: Vec<&str> = users.iter().map(UserId::as_str).collect();
        diesel::delete(links::table)
            .filter(links::tenant_id.eq(self.tenant.as_str()))
            .filter(links::primary_id.eq_any(&users).or(links::secondary_id.eq_any(&users)))
            .execute(&mut self.conn)
            .await?;
        Ok(())
    }
}

fn moved_json(identity: &IdentityRef) -> Value {
    json!({"provider": identity.provider.as_str(), "subject": identity.subject.as_str()})
}

fn moved_refs(moved: &Value) -> Result<Vec<IdentityRef>, StoreError> {
    let part = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    moved
        .as_array()
        .ok_or_else(|| StoreError::corrupt("list of moved identities"))?
        .iter()
        .map(|value| identity_ref(&part(value, "provider"), &part(value, "subject")))
        .collect()
}

/// What an undo needs: only places whose value changed, and never more than their two values.
fn changes_json(changes: &[Change]) -> Value {
    let changed = changes.iter().filter(|change| change.before != change.after);
    changed
        .map(|change| {
            let mut json = Map::from_iter([("path".to_owned(), json!(change.path))]);
            json.extend(change.before.clone().map(|before| ("before".to_owned(), before)));
            json.extend(change.after.clone().map(|after| ("after".to_owned(), after)));
            Value::Object(json)
        })
        .collect()
}

fn actor_json(actor: &Actor) -> Value {
    json!({"kind": actor.kind, "issuer": actor.issuer, "subject": actor.subject})
}
