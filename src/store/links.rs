//! Links: their rows, what their merges changed, and the proofs that they used up.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid},
};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Session, StoreError,
    bind::column,
    cached::Cached,
    erasures::not_being_erased,
    rows::user_id,
    schema::links,
    stored::{
        actor::Actor,
        changes::StoredChanges,
        effects::Effects,
        from_json,
        proof::{Proof, StoredProof},
        terms::PastTerms,
        to_json,
        withheld::StoredWithheld,
    },
    writes::Expected,
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

/// A link that a plan made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLink {
    /// Its id.
    pub id: Uuid,
    /// As of [`Link::secondary`].
    pub secondary: Option<UserId>,
    /// Whether it was undone.
    pub is_undone: bool,
}

#[derive(QueryableByName)]
struct PlanLinkRow {
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    secondary_id: Option<String>,
    #[diesel(sql_type = Bool)]
    is_undone: bool,
}

impl Session {
    /// The links of a plan into each of these users: the oldest first.
    ///
    /// # Errors
    /// [`StoreError`] of the database.
    pub async fn links_of_plan_into(
        &mut self,
        plan: Uuid,
        primaries: &[&UserId],
    ) -> Result<Vec<Vec<PlanLink>>, StoreError> {
        // `OFFSET 0` keeps the planner from reading all links of the plan.
        const SQL: &str = concat!(
            "SELECT q.position, l.id, l.secondary_id, l.undo_time IS NOT NULL AS is_undone \
             FROM unnest($2::text[]) WITH ORDINALITY AS q(id, position) JOIN LATERAL ( \
               SELECT id, secondary_id, undo_time, plan_id, link_time FROM links \
               WHERE tenant_id = $1 AND primary_id = q.id AND ",
            not_being_erased!("links"),
            " ORDER BY link_time DESC, id DESC OFFSET 0) l ON l.plan_id = $3 \
             ORDER BY q.position, l.link_time, l.id"
        );
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(primaries, |id| id.as_str()))
            .bind::<SqlUuid, _>(plan);
        let rows: Vec<PlanLinkRow> = self.conn.load("links_of_plan_into", Cached(query)).await?;
        let mut links = vec![Vec::new(); primaries.len()];
        for row in rows {
            let secondary = row.secondary_id.as_deref().map(user_id).transpose()?;
            let at = usize::try_from(row.position - 1).ok();
            if let Some(of) = at.and_then(|at| links.get_mut(at)) {
                of.push(PlanLink { id: row.id, secondary, is_undone: row.is_undone });
            }
        }
        Ok(links)
    }

    /// Inserts a link, and uses its proof up. The transaction does not commit if another link has
    /// used the proof: resolving again then shows whether this is a retry or a replay.
    pub fn insert_link(&mut self, new: &NewLink<'_>) -> Result<(), StoreError> {
        let NewLink { link, terms, changes, actor, proof, .. } = new;
        let insert = diesel::insert_into(links::table)
            .values((
                links::tenant_id.eq(self.tenant.to_string()),
                links::id.eq(link.id),
                links::primary_id.eq(link.primary.to_string()),
                links::secondary_id.eq(link.secondary.as_ref().map(UserId::to_string)),
                links::primary_version.eq(new.primary_version),
                links::secondary_version.eq(new.secondary_version),
                links::terms.eq(to_json(&PastTerms::from(*terms))?),
                links::moved.eq(to_json(&link.moved)?),
                links::changes.eq(to_json(&StoredChanges::from(*changes))?),
                links::effects.eq(to_json(&Effects::from(*changes))?),
                links::withheld.eq(to_json(&StoredWithheld::default())?),
                links::actor.eq(to_json(actor)?),
                links::proof.eq(to_json(&StoredProof::from(*proof))?),
                links::proof_hash.eq(proof.hash().map(|hash| hash.to_vec())),
                links::link_time.eq(link.link_time),
                links::request_id.eq(self.request.as_ref().map(|request| request.id)),
                links::plan_id.eq(terms.plan),
            ))
            .on_conflict_do_nothing();
        self.write("insert_link", insert, Expected::Unless(1, "another link has used the proof"));
        Ok(())
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
        let row: Option<Row> = self.conn.load_one("link", query).await?;
        row.map(|(id, primary, secondary, moved, link_time, undo_time)| {
            Ok(Link {
                id,
                primary: user_id(&primary)?,
                secondary: secondary.as_deref().map(user_id).transpose()?,
                moved: from_json(MOVED, moved)?,
                link_time,
                undo_time,
            })
        })
        .transpose()
    }
}

/// What an error calls `links.moved`, a list of [`IdentityRef`].
pub(super) const MOVED: &str = "list of moved identities";

/// A link from the JSON that a query built of its columns.
pub(super) fn link_of_json(json: Value) -> Result<Link, StoreError> {
    #[derive(Deserialize)]
    struct Row {
        id: Uuid,
        primary_id: UserId,
        secondary_id: Option<UserId>,
        moved: Vec<IdentityRef>,
        link_time: DateTime<Utc>,
        undo_time: Option<DateTime<Utc>>,
    }

    let row: Row = from_json("link", json)?;
    Ok(Link {
        id: row.id,
        primary: row.primary_id,
        secondary: row.secondary_id,
        moved: row.moved,
        link_time: row.link_time,
        undo_time: row.undo_time,
    })
}
