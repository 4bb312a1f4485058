//! Reads the history of links, with all that was recorded of each.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Binary, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Actor, Link, Session, StoreError,
    cached::Cached,
    erasures::not_being_erased,
    links::{StoredProof, moved_refs},
    rows::user_id,
};
use crate::domain::{
    UserId,
    linking::{LinkTerms, MetadataChanges},
    merge::{Arrays, Change, Conflict, Effect, Strategy},
};

/// A link with all that was recorded of it.
#[derive(Debug, Clone)]
pub struct PastLink {
    /// The link.
    pub link: Link,
    /// The terms of the link.
    pub terms: PastTerms,
    /// The effects of its merge, as the response reported them.
    pub effects: Effects,
    /// The caller that made it.
    pub actor: Actor,
    /// The proof on which it rests.
    pub proof: PastProof,
    /// The request id of the call that made it; `None` if it had none.
    pub request_id: Option<Uuid>,
    /// The caller that undid it; `None` while it stands.
    pub undo_actor: Option<Actor>,
}

/// The position of a link in a user's history, whose first link is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkPosition {
    /// When the link was made.
    pub link_time: DateTime<Utc>,
    /// The link's id, which orders links of the same time.
    pub id: Uuid,
}

impl LinkPosition {
    /// The position before the newest possible link.
    pub const START: Self = Self { link_time: DateTime::<Utc>::MAX_UTC, id: Uuid::max() };
}

/// The terms with which a link was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PastTerms {
    /// How `user_metadata` was merged.
    #[serde(with = "StoredStrategy")]
    pub user_metadata: Strategy,
    /// How `app_metadata` was merged.
    #[serde(with = "StoredStrategy")]
    pub app_metadata: Strategy,
    /// Whether the two users had to share an email that is verified on both.
    pub require_shared_verified_email: bool,
}

impl From<&LinkTerms> for PastTerms {
    fn from(terms: &LinkTerms) -> Self {
        Self {
            user_metadata: terms.user_metadata,
            app_metadata: terms.app_metadata,
            require_shared_verified_email: terms.require_shared_verified_email,
        }
    }
}

/// The proof on which a link rests, as far as it is still stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PastProof {
    /// A token of the secondary user; all fields are empty after that user is deleted.
    Token {
        /// The issuer of the token.
        issuer: String,
        /// The user or identity that the token named.
        subject: String,
        /// SHA-256 that names the token.
        hash: Vec<u8>,
    },
    /// A ticket of a sign-in.
    Ticket,
    /// A sign-in at the account, for this link only.
    SignIn,
    /// An email that was verified on both users.
    VerifiedEmail,
    /// The claim of the service that made the link.
    Service,
}

/// The effects of a merge: paths without values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Effects {
    /// In `user_metadata`.
    pub user_metadata: Vec<PathEffect>,
    /// In `app_metadata`.
    pub app_metadata: Vec<PathEffect>,
}

/// The effect of a merge at one path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathEffect {
    /// The path, as an RFC 6901 pointer.
    pub path: String,
    /// What happened there.
    #[serde(with = "StoredEffect")]
    pub effect: Effect,
}

impl From<&MetadataChanges> for Effects {
    fn from(changes: &MetadataChanges) -> Self {
        let placed =
            |change: &Change| PathEffect { path: change.path.clone(), effect: change.effect };
        Self {
            user_metadata: changes.user.iter().map(placed).collect(),
            app_metadata: changes.app.iter().map(placed).collect(),
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Effect", rename_all = "snake_case")]
enum StoredEffect {
    Added,
    PrimaryKept,
    SecondaryTaken,
    Combined,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Strategy", tag = "strategy", rename_all = "snake_case")]
enum StoredStrategy {
    KeepPrimary,
    Merge {
        #[serde(with = "StoredConflict")]
        conflict: Conflict,
        #[serde(with = "StoredArrays")]
        arrays: Arrays,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Conflict", rename_all = "snake_case")]
enum StoredConflict {
    PrimaryWins,
    SecondaryWins,
    Fail,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Arrays", rename_all = "snake_case")]
enum StoredArrays {
    Concatenate,
    Union,
    Replace,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    primary_id: String,
    #[diesel(sql_type = Nullable<Text>)]
    secondary_id: Option<String>,
    #[diesel(sql_type = Jsonb)]
    terms: Value,
    #[diesel(sql_type = Jsonb)]
    moved: Value,
    #[diesel(sql_type = Jsonb)]
    effects: Value,
    #[diesel(sql_type = Jsonb)]
    actor: Value,
    #[diesel(sql_type = Jsonb)]
    proof: Value,
    #[diesel(sql_type = Nullable<Binary>)]
    proof_hash: Option<Vec<u8>>,
    #[diesel(sql_type = Timestamptz)]
    link_time: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    undo_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    request_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    undo_actor: Option<Value>,
}

impl Session {
    /// The links that name this user, or a user that it has absorbed, as primary or secondary,
    /// undone ones too: the newest first, at most `limit`, those after `after`. Each side is read
    /// along its own index, and no further than the page. A link is left out while a part of it is
    /// being erased.
    pub async fn past_links(
        &mut self,
        user: &UserId,
        after: LinkPosition,
        limit: usize,
    ) -> Result<Vec<PastLink>, StoreError> {
        const SQL: &str = concat!(
            "SELECT l.* FROM ( \
              SELECT DISTINCT s.link_time, s.id FROM ( \
                SELECT $2 AS id UNION ALL SELECT id FROM users WHERE tenant_id = $1 AND absorbed_into = $2) u \
              CROSS JOIN LATERAL ( \
                (SELECT link_time, id FROM links WHERE tenant_id = $1 AND primary_id = u.id AND (link_time, id) < ($3, $4) AND ",
            not_being_erased!("links"),
            " ORDER BY link_time DESC, id DESC LIMIT $5) \
                UNION ALL \
                (SELECT link_time, id FROM links WHERE tenant_id = $1 AND secondary_id = u.id AND (link_time, id) < ($3, $4) AND ",
            not_being_erased!("links"),
            " ORDER BY link_time DESC, id DESC LIMIT $5)) s \
              ORDER BY s.link_time DESC, s.id DESC LIMIT $5) page \
            JOIN links l ON l.tenant_id = $1 AND l.id = page.id ORDER BY l.link_time DESC, l.id DESC"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(user.as_str())
            .bind::<Timestamptz, _>(after.link_time)
            .bind::<SqlUuid, _>(after.id)
            .bind::<BigInt, _>(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<Row> = self.conn.load(Cached(query)).await?;
        rows.into_iter().map(PastLink::try_from).collect()
    }
}

impl TryFrom<Row> for PastLink {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let link = Link {
            id: row.id,
            primary: user_id(&row.primary_id)?,
            secondary: row.secondary_id.as_deref().map(user_id).transpose()?,
            moved: moved_refs(&row.moved)?,
            link_time: row.link_time,
            undo_time: row.undo_time,
        };
        let proof = match stored(row.proof)? {
            StoredProof::Token { issuer, subject } => {
                PastProof::Token { issuer, subject, hash: row.proof_hash.unwrap_or_default() }
            }
            StoredProof::Ticket => PastProof::Ticket,
            StoredProof::SignIn => PastProof::SignIn,
            StoredProof::VerifiedEmail => PastProof::VerifiedEmail,
            StoredProof::Service => PastProof::Service,
        };
        Ok(Self {
            link,
            terms: stored(row.terms)?,
            effects: stored(row.effects)?,
            actor: stored(row.actor)?,
            proof,
            request_id: row.request_id,
            undo_actor: row.undo_actor.map(stored).transpose()?,
        })
    }
}

fn stored<T: DeserializeOwned>(value: Value) -> Result<T, StoreError> {
    serde_json::from_value(value).map_err(|_| StoreError::corrupt("link"))
}
