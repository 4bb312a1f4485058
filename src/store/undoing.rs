//! Reads and writes of undone links.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Session, StoreError,
    cached::Cached,
    erasures::not_being_erased,
    rows::user_id,
    schema::links,
    stored::{
        actor::Actor, changes::StoredChanges, from_json, terms::PastTerms, to_json,
        withheld::StoredWithheld,
    },
    writes::Expected,
};
use crate::domain::{UserId, unlinking::Withheld, user_with_absorbed::StandingLink};

#[derive(QueryableByName)]
struct StandingLinkRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    primary_id: String,
    #[diesel(sql_type = BigInt)]
    primary_version: i64,
    #[diesel(sql_type = Jsonb)]
    terms: Value,
    #[diesel(sql_type = Jsonb)]
    changes: Value,
}

impl Session {
    /// The standing links into this live user and into the users that it holds.
    pub async fn standing_links_into(&self, id: &UserId) -> Result<Vec<StandingLink>, StoreError> {
        // `OFFSET 0` keeps the planner from reading the links of all users.
        const SQL: &str = "SELECT l.id, l.primary_id, l.primary_version, l.terms, l.changes FROM users u \
            CROSS JOIN LATERAL (SELECT * FROM links WHERE tenant_id = $1 AND primary_id = u.id \
              AND undo_time IS NULL OFFSET 0) l \
            WHERE u.tenant_id = $1 AND (u.id = $2 OR u.absorbed_into = $2)";
        let query =
            sql_query(SQL).bind::<Text, _>(self.tenant.as_str()).bind::<Text, _>(id.as_str());
        let rows: Vec<StandingLinkRow> =
            self.conn.load("standing_links_into", Cached(query)).await?;
        let standing = rows.into_iter().map(|row| {
            let StandingLinkRow { id, primary_id, primary_version, terms, changes } = row;
            let terms: PastTerms = from_json("terms of a link", terms)?;
            let changes: StoredChanges = from_json("changes of a link", changes)?;
            let (user_metadata, app_metadata) = changes.into_traces(&terms);
            let primary = user_id(&primary_id)?;
            Ok(StandingLink { id, primary, primary_version, user_metadata, app_metadata })
        });
        standing.collect()
    }

    /// Writes the changes of these links' merges back: they differ since an earlier link was
    /// undone. The transaction does not commit if a deletion has ended one of the links.
    pub fn save_link_changes(&mut self, links: &[StandingLink]) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE links l SET changes = n.changes \
            FROM (SELECT * FROM unnest($2::uuid[], $3::jsonb[]) LIMIT cardinality($2)) AS n(id, changes) \
            WHERE l.tenant_id = $1 AND l.id = n.id AND l.undo_time IS NULL";
        let changes = links.iter().map(|link| to_json(&StoredChanges::from(link)));
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<SqlUuid>, _>(links.iter().map(|link| link.id).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(changes.collect::<Result<Vec<_>, _>>()?);
        let expected = Expected::Unless(links.len(), "a deletion has ended a link");
        self.write("save_link_changes", Cached(query), expected);
        Ok(())
    }

    /// Records that a link was undone, and keeps what its secondary did not get back. `left_for` is
    /// the user that an attached identity became.
    pub fn undo_link(
        &mut self,
        id: Uuid,
        actor: &Actor,
        withheld: &Withheld,
        left_for: Option<&UserId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        // The merge's changes are no longer needed: only standing links are taken back.
        const SQL: &str = "UPDATE links SET undo_time = $3, undo_actor = $4, withheld = $5, changes = '{}', \
              secondary_id = coalesce(secondary_id, $6), discard_time = CASE WHEN $7 AND $5 <> '{}' THEN $3 END \
            WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(id)
            .bind::<Timestamptz, _>(now)
            .bind::<Jsonb, _>(to_json(actor)?)
            .bind::<Jsonb, _>(to_json(&StoredWithheld::from(withheld))?)
            .bind::<Nullable<Text>, _>(left_for.map(UserId::to_string))
            .bind::<Bool, _>(withheld.is_discarded);
        self.write("undo_link", Cached(query), Expected::Locked(1));
        Ok(())
    }

    /// The metadata that an undone link did not give back.
    pub async fn withheld(&mut self, id: Uuid) -> Result<Withheld, StoreError> {
        let query = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::id.eq(id)))
            .filter(not_being_erased!(self.tenant, id))
            .select((links::withheld, links::discard_time.is_not_null()));
        let row: Option<(Value, bool)> = self.conn.load_one("withheld", query).await?;
        let Some((withheld, is_discarded)) = row else { return Ok(Withheld::default()) };
        let withheld: StoredWithheld = from_json("withheld metadata", withheld)?;
        Ok(withheld.into_withheld(is_discarded))
    }
}
