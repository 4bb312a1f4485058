//! The history of links: everything that was noted of one, for whoever asks later.

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

/// A link and everything that was noted of it.
#[derive(Debug, Clone)]
pub struct PastLink {
    /// The link.
    pub link: Link,
    /// What was asked for.
    pub terms: PastTerms,
    /// What its merge did, as it was told then.
    pub effects: Effects,
    /// Who made it.
    pub actor: Actor,
    /// On what proof.
    pub proof: PastProof,
    /// The request id under which it was made.
    pub request_id: Option<Uuid>,
    /// Who undid it.
    pub undo_actor: Option<Actor>,
}

/// Where a link stands in a user's history: the newest is first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinkPosition {
    /// When it was made.
    pub link_time: DateTime<Utc>,
    /// Its id, which decides between links of one time.
    pub id: Uuid,
}

impl LinkPosition {
    /// Before the newest link that there can be.
    pub const START: Self = Self { link_time: DateTime::<Utc>::MAX_UTC, id: Uuid::max() };
}

/// What was asked for when a link was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PastTerms {
    /// How `user_metadata` was to be merged.
    #[serde(with = "StoredStrategy")]
    pub user_metadata: Strategy,
    /// How `app_metadata` was to be merged.
    #[serde(with = "StoredStrategy")]
    pub app_metadata: Strategy,
    /// Whether the two had to share an email that is verified on both sides.
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

/// On what a link was made, as far as it is still known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PastProof {
    /// A token of the secondary user; all empty once that is deleted.
    Token {
        /// Who issued it.
        issuer: String,
        /// Whom it named.
        subject: String,
        /// SHA-256 that names the token.
        hash: Vec<u8>,
    },
    /// A ticket of a sign-in.
    Ticket,
    /// A sign-in at the account, for this very link.
    SignIn,
    /// An email that was verified on both sides.
    VerifiedEmail,
    /// The word of the service that made the link.
    Service,
}

/// What a merge did: places without values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Effects {
    /// In `user_metadata`.
    pub user_metadata: Vec<PlacedEffect>,
    /// In `app_metadata`.
    pub app_metadata: Vec<PlacedEffect>,
}

/// What a merge did at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedEffect {
    /// The place, as an RFC 6901 pointer.
    pub path: String,
    /// What was done there.
    #[serde(with = "StoredEffect")]
    pub effect: Effect,
}

impl From<&MetadataChanges> for Effects {
    fn from(changes: &MetadataChanges) -> Self {
        let placed = |change: &Change| PlacedEffect { path: change.path.clone(), effect: change.effect };
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
    /// The links that name this user, or anybody whom it has absorbed, as primary or secondary, undone
    /// ones too, the newest first: at most `limit`, those behind `after`. Each side of each is read along
    /// its own index, and no further than the page. One of which something is being erased is told again
    /// when that is done.
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
