//! Erases what deletions leave, a few rows at a time.
//!
//! A deletion commits with a row that names what it leaves: links between other users, stored
//! responses, lines of jobs, ancestors of unlinked users, releasers of accounts, looks in the console.
//! From the commit on, no response contains any of that. Each step of the erasing is a transaction of
//! its own, so that a deletion does not delay other calls. Any process can continue an interrupted
//! erasing.

use chrono::{DateTime, Utc};
use data_encoding::HEXLOWER;
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use futures_util::future::join;
use uuid::Uuid;

use super::{Session, StoreError, cached::Cached, writes::Expected};
use crate::domain::{IdentityRef, UserId, UserRef};

/// The most rows that one step changes.
const AT_ONCE: i64 = 500;

/// How a step locks rows: first those that are not locked; if there are none, one row, for which it
/// waits. A step thus holds no such row while it waits for another, so no deadlock arises.
const LOCK_MODES: [(&str, i64); 2] = [("SKIP LOCKED", AT_ONCE), ("", 1)];

/// A condition: no part of this link is still to be erased. With a literal, in SQL, for the link
/// with this alias; otherwise in diesel, for the link with this id.
macro_rules! not_being_erased {
    ($link:literal) => {
        concat!(
            "NOT EXISTS (SELECT FROM erasures e WHERE e.tenant_id = ",
            $link,
            ".tenant_id AND ",
            $link,
            ".id = ANY(e.link_ids))"
        )
    };
    ($tenant:expr, $id:expr) => {{
        use super::schema::erasures;
        let of_tenant = erasures::table.filter(erasures::tenant_id.eq($tenant.as_str()));
        let naming = diesel::PgArrayExpressionMethods::contains(erasures::link_ids, vec![$id]);
        diesel::dsl::not(diesel::dsl::exists(of_tenant.filter(naming)))
    }};
}
pub(super) use not_being_erased;

/// A condition: this stored response contains a deleted user, or one of its identities, that is not
/// erased yet.
macro_rules! concerns_deleted {
    ($answer:literal) => {
        concat!(
            "EXISTS (SELECT FROM erasures e WHERE e.tenant_id = ",
            $answer,
            ".tenant_id AND (e.user_ids || e.identities) && ",
            $answer,
            ".concerned)"
        )
    };
}
pub(super) use concerns_deleted;

/// Users that are being deleted.
pub struct DeletedUsers<'a> {
    /// Identifies the erasure.
    pub erasure: Uuid,
    /// The deleted users.
    pub users: &'a [UserId],
    /// Their identities.
    pub identities: &'a [IdentityRef],
    /// When they were deleted.
    pub time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Erasure {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    user_ids: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    identities: Vec<String>,
    #[diesel(sql_type = Array<SqlUuid>)]
    link_ids: Vec<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    delete_time: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct LinkId {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

impl Session {
    /// Records what is to be erased of deleted users. While the caller holds the locks of their
    /// keys, no other writer records that they took part in a change.
    pub fn insert_erasure(&mut self, deleted: &DeletedUsers<'_>) {
        const SQL: &str = "INSERT INTO erasures (tenant_id, id, user_ids, identities, delete_time, link_ids) \
            SELECT $1, $2, $3, $4, $5, ARRAY ( \
              SELECT id FROM links WHERE tenant_id = $1 AND primary_id = ANY($3) \
              UNION SELECT id FROM links WHERE tenant_id = $1 AND secondary_id = ANY($3) \
              UNION SELECT m.id FROM unnest($4::text[]) AS i CROSS JOIN LATERAL ( \
                SELECT id FROM links WHERE tenant_id = $1 AND moved @> jsonb_build_array(jsonb_build_object( \
                  'provider', split_part(i, '|', 1), 'subject', substr(i, strpos(i, '|') + 1)))) m \
              UNION SELECT id FROM links WHERE tenant_id = $1 AND undo_actor->>'kind' = 'user' \
                AND undo_actor->>'subject' = ANY($3) \
              UNION SELECT id FROM links WHERE tenant_id = $1 AND proof->>'subject' = ANY($6))";
        let users: Vec<String> = deleted.users.iter().map(UserId::to_string).collect();
        let identities: Vec<String> = deleted.identities.iter().map(ToString::to_string).collect();
        // All subjects that a token of these users may have.
        let subjects = deleted.identities.iter().map(|identity| identity.subject.to_string());
        let subjects: Vec<String> =
            subjects.chain(identities.clone()).chain(users.clone()).collect();
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(deleted.erasure)
            .bind::<Array<Text>, _>(users)
            .bind::<Array<Text>, _>(identities)
            .bind::<Timestamptz, _>(deleted.time)
            .bind::<Array<Text>, _>(subjects);
        self.write("insert_erasure", Cached(query), Expected::Any);
    }

    /// Erases a part of what a deletion left, in a transaction of its own: of `erasure`, or,
    /// without it, of the oldest one that is not locked. Returns the number of rows; 0 if nothing
    /// is left.
    pub async fn erase_some(&mut self, erasure: Option<Uuid>) -> Result<usize, StoreError> {
        let (begun, erasure) = join(self.conn.begin(), self.locked_erasure(erasure)).await;
        begun?;
        let Some(erasure) = erasure? else {
            self.abandon().await?;
            return Ok(0);
        };
        let erased = self.erase_step(&erasure).await?;
        self.commit().await?;
        Ok(erased)
    }

    async fn locked_erasure(&self, id: Option<Uuid>) -> Result<Option<Erasure>, StoreError> {
        const SQL: &str = "SELECT id, user_ids, identities, link_ids[1:$3] AS link_ids, delete_time FROM erasures \
            WHERE tenant_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY delete_time LIMIT 1 FOR UPDATE";
        let skip = if id.is_none() { " SKIP LOCKED" } else { "" };
        let query = sql_query(format!("{SQL}{skip}"))
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Nullable<SqlUuid>, _>(id)
            .bind::<BigInt, _>(AT_ONCE);
        self.conn.load_one("locked_erasure", Cached(query)).await
    }

    async fn erase_step(&mut self, erasure: &Erasure) -> Result<usize, StoreError> {
        if !erasure.link_ids.is_empty() {
            return self.erase_links(erasure).await;
        }
        let names: Vec<&String> = erasure.user_ids.iter().chain(&erasure.identities).collect();
        // Without ORDER BY, the LIMIT would make a scan of all the tenant's rows look cheap.
        let answers = "DELETE FROM request_ids WHERE ctid = ANY (ARRAY (SELECT ctid FROM request_ids \
            WHERE tenant_id = $1 AND concerned && $2 ORDER BY request_id LIMIT $3 FOR UPDATE";
        // Only the deleted ids go; earlier ancestors stay. A released account is not linked to a
        // user unlinked from its releaser, whichever user between them is deleted.
        let ancestors = "UPDATE users SET ancestors = nullif(ARRAY (SELECT o FROM unnest(ancestors) WITH ORDINALITY AS w (o, at) \
            WHERE o <> ALL($2) ORDER BY at), '{}') WHERE tenant_id = $1 AND id = ANY (ARRAY ( \
            SELECT id FROM users WHERE tenant_id = $1 AND ancestors && $2 ORDER BY update_time LIMIT $3 FOR NO KEY UPDATE";
        // The releaser is erased, so that the account counts as one whose user was deleted. The
        // order is not that of the key, which would read all the tenant's rows.
        let releases = "UPDATE tombstones SET released_by = nullif(ARRAY (SELECT r FROM unnest(released_by) AS r \
            WHERE r <> ALL($2)), '{}'), deleted = true WHERE tenant_id = $1 \
            AND id_hash = ANY (ARRAY (SELECT id_hash FROM tombstones \
            WHERE tenant_id = $1 AND released_by && $2 ORDER BY delete_time LIMIT $3 FOR NO KEY UPDATE";
        let lines = "DELETE FROM job_lines WHERE ctid = ANY (ARRAY (SELECT ctid FROM job_lines \
            WHERE tenant_id = $1 AND concerned && $2 ORDER BY number LIMIT $3 FOR UPDATE";
        // A person wrote it, and may have written of a person.
        let reasons = "UPDATE events SET actor = actor - 'reason' WHERE ctid = ANY (ARRAY (SELECT ctid FROM events \
            WHERE tenant_id = $1 AND (user_id = ANY($2) OR other_user_id = ANY($2)) AND actor ? 'reason' \
            ORDER BY event_time LIMIT $3 FOR NO KEY UPDATE";
        let users: Vec<&String> = erasure.user_ids.iter().collect();
        // That a person of the staff looked at some user stays. In this order, which the index of all
        // looks by their time does not have, they are found by their users.
        let looks = "UPDATE console_looks SET user_id = NULL, reason = NULL WHERE ctid = ANY (ARRAY (SELECT ctid \
            FROM console_looks WHERE tenant_id = $1 AND user_id = ANY($2) ORDER BY user_id, id LIMIT $3 FOR NO KEY UPDATE";
        for (sql, names) in [
            (answers, names.clone()),
            (lines, names),
            (ancestors, users.clone()),
            (reasons, users.clone()),
            (looks, users.clone()),
            (releases, users),
        ] {
            for (way, limit) in LOCK_MODES {
                let query = sql_query(format!("{sql} {way}))"))
                    .bind::<Text, _>(self.tenant.as_str())
                    .bind::<Array<Text>, _>(&names)
                    .bind::<BigInt, _>(limit);
                let erased = self.conn.execute("erase_step", Cached(query)).await?;
                if erased > 0 {
                    return Ok(erased);
                }
            }
        }
        self.erase_tickets(erasure);
        self.erase_attempts(erasure);
        let query = sql_query("DELETE FROM erasures WHERE tenant_id = $1 AND id = $2")
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(erasure.id);
        self.write("erase_step", Cached(query), Expected::Locked(1));
        Ok(1)
    }

    /// Erases tickets of sign-ins that may be these users'. A ticket lives ten minutes at most.
    fn erase_tickets(&mut self, erasure: &Erasure) {
        const FOR_THEM: &str = "DELETE FROM sign_in_tickets WHERE tenant_id = $1 \
            AND (candidate_ids && $2 OR owner_id = ANY($2))";
        const OF_THEIRS: &str = "DELETE FROM sign_in_tickets t USING unnest($2::text[]) AS i WHERE t.tenant_id = $1 \
            AND t.provider = split_part(i, '|', 1) AND t.subject = substr(i, strpos(i, '|') + 1)";
        for (sql, names) in [(FOR_THEM, &erasure.user_ids), (OF_THEIRS, &erasure.identities)] {
            let query = sql_query(sql)
                .bind::<Text, _>(self.tenant.to_string())
                .bind::<Array<Text>, _>(names.clone());
            self.write("erase_tickets", Cached(query), Expected::Any);
        }
    }

    /// Erases the flows that these users began, and what flows have proven of their accounts.
    fn erase_attempts(&mut self, erasure: &Erasure) {
        const BY_THEM: &str = "DELETE FROM sign_in_attempts WHERE tenant_id = $1 \
            AND (user_id = ANY($2) OR owner_id = ANY($2))";
        const OF_THEIRS: &str = "DELETE FROM sign_in_attempts a USING unnest($2::text[]) AS i WHERE a.tenant_id = $1 \
            AND a.provider = split_part(i, '|', 1) AND a.subject = substr(i, strpos(i, '|') + 1)";
        for (sql, names) in [(BY_THEM, &erasure.user_ids), (OF_THEIRS, &erasure.identities)] {
            let query = sql_query(sql)
                .bind::<Text, _>(self.tenant.to_string())
                .bind::<Array<Text>, _>(names.clone());
            self.write("erase_attempts", Cached(query), Expected::Any);
        }
    }

    /// Erases the next links. Links that no longer exist count as erased.
    async fn erase_links(&mut self, erasure: &Erasure) -> Result<usize, StoreError> {
        let mut locked = Vec::new();
        for (way, limit) in LOCK_MODES {
            let sql =
                "SELECT id FROM links WHERE tenant_id = $1 AND id = ANY($2) LIMIT $3 FOR UPDATE";
            let query = sql_query(format!("{sql} {way}"))
                .bind::<Text, _>(self.tenant.as_str())
                .bind::<Array<SqlUuid>, _>(&erasure.link_ids)
                .bind::<BigInt, _>(limit);
            locked = self
                .conn
                .load::<LinkId, _>("lock_links", Cached(query))
                .await?
                .into_iter()
                .map(|link| link.id)
                .collect();
            if !locked.is_empty() {
                break;
            }
        }
        let done = if locked.is_empty() { &erasure.link_ids } else { &locked };
        let count = done.len();
        self.release_links(erasure, &locked)?;
        const DONE: &str = "UPDATE erasures SET link_ids = ARRAY (SELECT l FROM unnest(link_ids) AS l WHERE l <> ALL($3)) \
            WHERE tenant_id = $1 AND id = $2";
        let query = sql_query(DONE)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(erasure.id)
            .bind::<Array<SqlUuid>, _>(done.clone());
        self.write("erase_links", Cached(query), Expected::Locked(1));
        Ok(count)
    }

    /// Removes deleted users from these links. A link without a remaining user is deleted. Of other
    /// links, what belongs to the remaining user stays. A link whose secondary is deleted has
    /// ended.
    fn release_links(&mut self, erasure: &Erasure, links: &[Uuid]) -> Result<(), StoreError> {
        const WITHOUT_USERS: &str = "DELETE FROM links WHERE tenant_id = $1 AND id = ANY($2) \
              AND (primary_id = ANY($3) OR primary_id LIKE 'deleted:%') \
              AND (secondary_id IS NULL OR secondary_id = ANY($3) OR secondary_id LIKE 'deleted:%')";
        // The changes that the merge made belong to the primary. The moved identities, the withheld
        // metadata and the proof belong to the secondary.
        const OF_PRIMARIES: &str = "UPDATE links l SET primary_id = d.hash, changes = '{}', effects = '{}', \
              actor = CASE WHEN actor->>'kind' = 'user' THEN '{\"kind\": \"user\"}' ELSE actor - 'reason' END, \
              undo_actor = CASE WHEN undo_actor->>'kind' = 'user' THEN '{\"kind\": \"user\"}' ELSE undo_actor - 'reason' END \
            FROM unnest($3::text[], $4::text[]) AS d(id, hash) \
            WHERE l.tenant_id = $1 AND l.id = ANY($2) AND l.primary_id = d.id";
        const OF_SECONDARIES: &str = "UPDATE links l SET secondary_id = d.hash, moved = '[]', changes = '{}', \
              effects = '{}', withheld = '{}', discard_time = NULL, \
              proof = jsonb_strip_nulls(jsonb_build_object('kind', proof->'kind', 'rule', proof->'rule')), proof_hash = NULL, \
              actor = actor - 'reason', \
              undo_time = coalesce(undo_time, $5), undo_actor = coalesce(undo_actor - 'reason', '{\"kind\": \"deletion\"}') \
            FROM unnest($3::text[], $4::text[]) AS d(id, hash) \
            WHERE l.tenant_id = $1 AND l.id = ANY($2) AND l.secondary_id = d.id";
        // Links of other users that mention a deleted one: an identity that moved on with its
        // holder, or the user that undid the link. The subject of a token is an identity if its
        // issuer is a provider's, or was before a move, and a user otherwise.
        const OF_OTHERS: &str = "UPDATE links l SET \
              moved = coalesce((SELECT jsonb_agg(m ORDER BY at) FROM jsonb_array_elements(l.moved) WITH ORDINALITY AS t(m, at) \
                WHERE (m->>'provider' || '|' || (m->>'subject')) <> ALL($4)), '[]'), \
              undo_actor = CASE WHEN l.undo_actor->>'kind' = 'user' AND l.undo_actor->>'subject' = ANY($3) \
                THEN '{\"kind\": \"user\"}' ELSE l.undo_actor - 'reason' END, \
              actor = l.actor - 'reason', \
              proof = CASE WHEN p.is_theirs THEN jsonb_build_object('kind', l.proof->'kind') ELSE l.proof END, \
              proof_hash = CASE WHEN p.is_theirs THEN NULL ELSE l.proof_hash END \
            FROM links o CROSS JOIN LATERAL (SELECT ARRAY (SELECT provider FROM provider_issuers \
                WHERE tenant_id = $1 AND issuer = o.proof->>'issuer' \
              UNION SELECT provider FROM provider_moves WHERE tenant_id = $1 AND from_issuer = o.proof->>'issuer') AS providers) i \
            CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN cardinality(i.providers) > 0 \
              THEN EXISTS (SELECT FROM unnest($4::text[]) AS d WHERE split_part(d, '|', 1) = ANY(i.providers) \
                  AND o.proof->>'subject' IN (d, substr(d, strpos(d, '|') + 1))) \
              ELSE o.proof->>'subject' = ANY($3) END, false) AS is_theirs) p \
            WHERE o.tenant_id = $1 AND o.id = ANY($2) AND l.tenant_id = o.tenant_id AND l.id = o.id";
        let ids = &erasure.user_ids;
        let hashes: Vec<String> =
            ids.iter().map(|id| self.deleted_name(id)).collect::<Result<_, _>>()?;
        let on_links = |sql| {
            let query = sql_query(sql).bind::<Text, _>(self.tenant.to_string());
            query.bind::<Array<SqlUuid>, _>(links.to_vec()).bind::<Array<Text>, _>(ids.clone())
        };
        let without_users = on_links(WITHOUT_USERS);
        let of_primaries = on_links(OF_PRIMARIES).bind::<Array<Text>, _>(hashes.clone());
        let of_secondaries = on_links(OF_SECONDARIES).bind::<Array<Text>, _>(hashes);
        let of_secondaries = of_secondaries.bind::<Timestamptz, _>(erasure.delete_time);
        let of_others = on_links(OF_OTHERS).bind::<Array<Text>, _>(erasure.identities.clone());
        self.write("release_links", Cached(without_users), Expected::Any);
        self.write("release_links", Cached(of_primaries), Expected::Any);
        self.write("release_links", Cached(of_secondaries), Expected::Any);
        self.write("release_links", Cached(of_others), Expected::Any);
        Ok(())
    }

    /// The name of a deleted user in a link. No user id has this form: no provider name contains a
    /// colon.
    fn deleted_name(&self, id: &str) -> Result<String, StoreError> {
        let named = UserRef::UserId(super::rows::user_id(id)?);
        Ok(format!("deleted:{}", HEXLOWER.encode(&self.tombstone_hash(&named))))
    }
}
