//! Reads and writes of undone links.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, sql_query,
    sql_types::{Array, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Actor, Session, StoreError,
    cached::Cached,
    erasures::not_being_erased,
    links::json,
    rows::{json as stored, metadata, user_id},
    schema::links,
};
use crate::domain::{
    Metadata, UserId,
    linking::MetadataChanges,
    merge::{Arrays, Change},
    metadata::{pointer, tokens},
    unlinking::Withheld,
    unmerge::Trace,
    user_with_absorbed::{MergeTraces, StandingLink},
};

/// The stored form of what a merge changed: only paths whose value changed, each with at most its
/// two values.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct StoredChanges {
    user_metadata: Vec<StoredChange>,
    app_metadata: Vec<StoredChange>,
}

#[derive(Serialize, Deserialize)]
struct StoredChange {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    before: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    after: Option<Value>,
}

/// A `null` that is present is a value.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// The part of a link's terms that an undo needs.
#[derive(Deserialize)]
struct StoredTerms {
    user_metadata: StoredStrategy,
    app_metadata: StoredStrategy,
}

#[derive(Deserialize)]
struct StoredStrategy {
    arrays: Option<String>,
}

impl Session {
    /// The standing links into these users.
    pub async fn standing_links_into(
        &mut self,
        users: &[&UserId],
    ) -> Result<Vec<StandingLink>, StoreError> {
        type Row = (Uuid, String, i64, Value, Value);
        let ids: Vec<&str> = users.iter().map(|id| id.as_str()).collect();
        let query = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::primary_id.eq_any(ids)))
            .filter(links::undo_time.is_null())
            .select((
                links::id,
                links::primary_id,
                links::primary_version,
                links::terms,
                links::changes,
            ));
        let rows: Vec<Row> = self.conn.load(query).await?;
        let standing = rows.into_iter().map(|(id, primary, primary_version, terms, changes)| {
            let corrupt = |_| StoreError::corrupt("link");
            let terms: StoredTerms = serde_json::from_value(terms).map_err(corrupt)?;
            let changes: StoredChanges = serde_json::from_value(changes).map_err(corrupt)?;
            Ok(StandingLink {
                id,
                primary: user_id(&primary)?,
                primary_version,
                user_metadata: merge(&terms.user_metadata, changes.user_metadata),
                app_metadata: merge(&terms.app_metadata, changes.app_metadata),
            })
        });
        standing.collect()
    }

    /// Writes the changes of these links' merges back: they differ since an earlier link was
    /// undone.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if one of the links has ended, and others of the database.
    pub async fn save_link_changes(&mut self, links: &[StandingLink]) -> Result<(), StoreError> {
        const SQL: &str = "UPDATE links l SET changes = n.changes FROM unnest($2::uuid[], $3::jsonb[]) AS n(id, changes) \
            WHERE l.tenant_id = $1 AND l.id = n.id AND l.undo_time IS NULL";
        let changes = links.iter().map(|link| {
            json(&StoredChanges {
                user_metadata: stored_changes(&link.user_metadata),
                app_metadata: stored_changes(&link.app_metadata),
            })
        });
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<SqlUuid>, _>(links.iter().map(|link| link.id).collect::<Vec<_>>())
            .bind::<Array<Jsonb>, _>(changes.collect::<Vec<_>>());
        match self.conn.execute(Cached(query)).await? {
            rows if rows == links.len() => Ok(()),
            // A link that a deletion has ended is not written.
            rows => Err(StoreError::Conflict(format!(
                "the changes of {} links met {rows} rows",
                links.len()
            ))),
        }
    }

    /// Records that a link was undone, and keeps what its secondary did not get back. `left_for` is
    /// the user that an attached identity became.
    pub async fn undo_link(
        &mut self,
        id: Uuid,
        actor: &Actor,
        withheld: &Withheld,
        left_for: Option<&UserId>,
        now: DateTime<Utc>,
    ) -> Result<(), StoreError> {
        let mut kept = Map::new();
        for (name, value) in
            [("user_metadata", &withheld.user_metadata), ("app_metadata", &withheld.app_metadata)]
        {
            kept.extend(value.as_ref().map(|value| (name.to_owned(), stored(value))));
        }
        // The merge's changes are no longer needed: only standing links are taken back.
        const SQL: &str = "UPDATE links SET undo_time = $3, undo_actor = $4, withheld = $5, changes = '{}', \
              secondary_id = coalesce(secondary_id, $6), discard_time = CASE WHEN $7 AND $5 <> '{}' THEN $3 END \
            WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<SqlUuid, _>(id)
            .bind::<Timestamptz, _>(now)
            .bind::<Jsonb, _>(json(actor))
            .bind::<Jsonb, _>(Value::Object(kept))
            .bind::<Nullable<Text>, _>(left_for.map(UserId::as_str))
            .bind::<Bool, _>(withheld.is_discarded);
        match self.conn.execute(Cached(query)).await? {
            1 => Ok(()),
            rows => Err(StoreError::Fault(format!("an undone link met {rows} rows"))),
        }
    }

    /// The metadata that an undone link did not give back.
    pub async fn withheld(&mut self, id: Uuid) -> Result<Withheld, StoreError> {
        let query = links::table
            .filter(links::tenant_id.eq(self.tenant.as_str()).and(links::id.eq(id)))
            .filter(not_being_erased!(self.tenant, id))
            .select((links::withheld, links::discard_time.is_not_null()));
        let row: Option<(Value, bool)> = self.conn.load_one(query).await?;
        let Some((withheld, is_discarded)) = row else { return Ok(Withheld::default()) };
        let part = |name: &str| withheld.get(name).cloned().map(metadata).transpose();
        Ok(Withheld {
            user_metadata: part("user_metadata")?,
            app_metadata: part("app_metadata")?,
            is_discarded,
        })
    }
}

/// The stored form of what a merge changed.
pub(super) fn changes_json(changes: &MetadataChanges) -> Value {
    let stored = |changes: &[Change]| {
        let changed = changes.iter().filter(|change| change.before != change.after);
        let stored = changed.map(|change| StoredChange {
            path: change.path.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        });
        stored.collect()
    };
    json(&StoredChanges {
        user_metadata: stored(&changes.user),
        app_metadata: stored(&changes.app),
    })
}

fn merge(strategy: &StoredStrategy, changes: Vec<StoredChange>) -> MergeTraces {
    let arrays = match strategy.arrays.as_deref() {
        Some("union") => Arrays::Union,
        Some("replace") => Arrays::Replace,
        _ => Arrays::Concatenate,
    };
    // Brings values into the one form that they have in metadata, so that they compare.
    let value = |value: Value| {
        let wrapped = Metadata::from_stored(Map::from_iter([(String::new(), value)]));
        wrapped.as_map().values().next().cloned().unwrap_or_default()
    };
    let traces = changes.into_iter().map(|StoredChange { path, before, after }| Trace {
        path: tokens(&path),
        before: before.map(value),
        after: after.map(value),
    });
    MergeTraces { arrays, traces: traces.collect() }
}

fn stored_changes(merge: &MergeTraces) -> Vec<StoredChange> {
    let stored = |trace: &Trace| StoredChange {
        path: pointer(&trace.path),
        before: trace.before.clone(),
        after: trace.after.clone(),
    };
    merge.traces.iter().map(stored).collect()
}
