//! Reads the history of links, with all that was recorded of each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Binary, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Session, StoreError,
    bind::column,
    cached::Cached,
    erasures::not_being_erased,
    links::{Link, MOVED},
    rows::user_id,
    stored::{
        actor::Actor,
        effects::Effects,
        from_json,
        proof::{PastProof, StoredProof},
        terms::PastTerms,
    },
};
use crate::domain::UserId;

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
    /// The plan that it was made by; `None` if it was made by none.
    pub plan: Option<Uuid>,
}

/// The position of a link among those of a user or a tenant, whose first link is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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

/// A link with its history, as [`link_columns`] has it.
#[derive(QueryableByName)]
pub(super) struct Row {
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
    #[diesel(sql_type = Nullable<SqlUuid>)]
    plan_id: Option<Uuid>,
}

/// The columns of a [`Row`], of `links l`. A statement that returned `*` would fail on a connection
/// that prepared it before a migration added a column.
macro_rules! link_columns {
    () => {
        "l.id, l.primary_id, l.secondary_id, l.terms, l.moved, l.effects, l.actor, l.proof, l.proof_hash, \
         l.link_time, l.undo_time, l.request_id, l.undo_actor, l.plan_id"
    };
}
pub(super) use link_columns;

/// A link of a user.
#[derive(QueryableByName)]
struct RowOfUser {
    #[diesel(sql_type = Text)]
    user_id: String,
    #[diesel(embed)]
    link: Row,
}

impl Session {
    /// The links of each of these users, which [`Session::past_links`] returns for one: the oldest
    /// first. The pairs are a user and an id under which its links are stored, its own or that of a
    /// user that it has absorbed. Users without links are left out.
    pub async fn links_of(
        &mut self,
        ids: &[(&UserId, &UserId)],
    ) -> Result<HashMap<UserId, Vec<PastLink>>, StoreError> {
        const SQL: &str = concat!(
            "SELECT q.user_id, ",
            link_columns!(),
            " FROM unnest($2::text[], $3::text[]) AS q(user_id, id) CROSS JOIN LATERAL ( \
               (SELECT * FROM links WHERE tenant_id = $1 AND primary_id = q.id AND ",
            not_being_erased!("links"),
            " OFFSET 0) UNION ALL \
               (SELECT * FROM links WHERE tenant_id = $1 AND secondary_id = q.id AND ",
            not_being_erased!("links"),
            " OFFSET 0)) l"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(ids, |(user, _)| user.as_str()))
            .bind::<Array<Text>, _>(column(ids, |(_, id)| id.as_str()));
        let rows: Vec<RowOfUser> = self.conn.load("links_of", Cached(query)).await?;
        let mut links: HashMap<UserId, Vec<PastLink>> = HashMap::new();
        for row in rows {
            links.entry(user_id(&row.user_id)?).or_default().push(row.link.try_into()?);
        }
        for of_user in links.values_mut() {
            of_user.sort_by_key(|past| (past.link.link_time, past.link.id));
            // A link between a user and one that it has absorbed is found under both ids.
            of_user.dedup_by_key(|past| past.link.id);
        }
        Ok(links)
    }
}

impl PastLink {
    /// Its position.
    pub fn position(&self) -> LinkPosition {
        LinkPosition { link_time: self.link.link_time, id: self.link.id }
    }
}

impl Row {
    pub(super) fn position(&self) -> LinkPosition {
        LinkPosition { link_time: self.link_time, id: self.id }
    }
}

impl TryFrom<Row> for PastLink {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let link = Link {
            id: row.id,
            primary: user_id(&row.primary_id)?,
            secondary: row.secondary_id.as_deref().map(user_id).transpose()?,
            moved: from_json(MOVED, row.moved)?,
            link_time: row.link_time,
            undo_time: row.undo_time,
        };
        let proof: StoredProof = from_json("proof of a link", row.proof)?;
        Ok(Self {
            link,
            terms: from_json("terms of a link", row.terms)?,
            effects: from_json("effects of a link", row.effects)?,
            actor: from_json("actor of a link", row.actor)?,
            proof: proof.into_proof(row.proof_hash),
            request_id: row.request_id,
            undo_actor: row
                .undo_actor
                .map(|actor| from_json("actor of an undo", actor))
                .transpose()?,
            plan: row.plan_id,
        })
    }
}
