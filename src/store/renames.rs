//! Renames accounts in batches, while a move of their provider keeps all servers from the tenant.
//!
//! No advisory locks are needed: only commands without pins write the tenant's rows meanwhile, and the
//! rows that a batch changes are locked. What names an account by its subject gets the new one in the
//! same transaction: the identity, the primary identity of its owner and of the users that the owner
//! holds, links that moved it or that it proved, and tombstones. Stored responses that name it go.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Binary, Bool, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    Actor, LockKeys, Session, StoreError, bind::column, cached::Cached, rows::user_id,
    writes::Expected,
};
use crate::domain::{
    Event, IdentityRef, Provider, RenamedIdentity, Subject, UserChange, UserId, UserRef,
};

/// An account of a provider, and its name at the new issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    /// Its subject so far.
    pub old: Subject,
    /// Its subject from now on, which may be the same.
    pub new: Subject,
}

/// What is stored under the two names of a [`Rename`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub struct RenameState {
    /// Whether the old name is an account's.
    #[diesel(sql_type = Bool)]
    pub is_account: bool,
    /// Whether the account of the old name was deleted or released.
    #[diesel(sql_type = Bool)]
    pub was_deleted: bool,
    /// Whether the new name is another account's.
    #[diesel(sql_type = Bool)]
    pub is_taken: bool,
    /// Whether an account of the new name was deleted or released.
    #[diesel(sql_type = Bool)]
    pub is_tombstone: bool,
    /// The hash of the old name, for [`super::Accounts`].
    #[diesel(sql_type = BigInt)]
    pub digest: i64,
}

/// A part of a move.
pub struct RenameBatch<'a> {
    /// The move.
    pub id: Uuid,
    /// The provider.
    pub provider: &'a Provider,
    /// The issuers before and after the move.
    pub issuers: [&'a str; 2],
    /// The rows of the file.
    pub renames: &'a [Rename],
    /// How many rows of the file are settled with this part.
    pub settled: i64,
}

/// The owner of an account that is renamed.
#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    owner_id: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// The users that own accounts of a batch.
type Owners = BTreeMap<UserId, (i64, Vec<RenamedIdentity>)>;

/// The rows of a batch by what becomes of them.
#[derive(Default)]
struct Sorted<'a> {
    renamed: Vec<&'a Rename>,
    kept: i64,
    deleted: Vec<&'a Rename>,
    unknown: i64,
    /// Those whose old name has a tombstone, also if it is an account again.
    tombstones: Vec<&'a Rename>,
}

impl Session {
    /// What is stored under the names of these rows, in their order.
    pub async fn rename_states(
        &mut self,
        provider: &Provider,
        renames: &[Rename],
    ) -> Result<Vec<RenameState>, StoreError> {
        const SQL: &str = "SELECT EXISTS (SELECT FROM identities WHERE tenant_id = $1 AND provider = $2 AND subject = q.old) AS is_account, \
              EXISTS (SELECT FROM tombstones WHERE tenant_id = $1 AND id_hash = q.old_hash) AS was_deleted, \
              q.old <> q.new AND EXISTS (SELECT FROM identities WHERE tenant_id = $1 AND provider = $2 AND subject = q.new) AS is_taken, \
              q.old <> q.new AND EXISTS (SELECT FROM tombstones WHERE tenant_id = $1 AND id_hash = q.new_hash) AS is_tombstone, \
              hashtextextended(q.old COLLATE \"C\", 0) AS digest \
            FROM unnest($3::text[], $4::text[], $5::bytea[], $6::bytea[]) WITH ORDINALITY AS q(old, new, old_hash, new_hash, position) \
            ORDER BY q.position";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(provider.as_str())
            .bind::<Array<Text>, _>(column(renames, |rename| rename.old.as_str()))
            .bind::<Array<Text>, _>(column(renames, |rename| rename.new.as_str()))
            .bind::<Array<Binary>, _>(column(renames, |rename| self.hash(provider, &rename.old)))
            .bind::<Array<Binary>, _>(column(renames, |rename| self.hash(provider, &rename.new)));
        self.conn.load("rename_states", Cached(query)).await
    }

    /// Settles a part of a move in a transaction of its own, with the position of the move.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if a new name is taken, or another process settled the rows; then
    /// nothing was changed.
    pub async fn rename_accounts(&mut self, batch: &RenameBatch<'_>) -> Result<(), StoreError> {
        let now = self.begin_locked(&LockKeys::default()).await?;
        let states = self.rename_states(batch.provider, batch.renames).await?;
        let sorted = sort(batch.renames, &states)?;
        let owners = self.owners_for_update(batch.provider, &sorted.renamed).await?;
        if owners.values().map(|(_, renamed)| renamed.len()).sum::<usize>() != sorted.renamed.len()
        {
            return Err(StoreError::Conflict("an account was deleted meanwhile".to_owned()));
        }
        self.rename_identities(batch, &sorted.renamed);
        self.rename_primaries(batch, &sorted.renamed, &owners, now);
        self.rename_in_links(batch, &sorted.renamed);
        self.remove_responses(batch, &sorted.renamed);
        self.copy_tombstones(batch, &sorted.tombstones);
        self.save_progress(batch, &sorted);
        for (id, (version, renamed)) in owners {
            let user = UserChange { id, before: version, after: version + 1 };
            self.record(Actor::operator(), Event::IdentitiesRenamed { user, renamed }, now);
        }
        self.insert_events()?;
        self.commit().await
    }

    /// Locks the users that own these accounts, and the accounts, in the order of the users' ids.
    async fn owners_for_update(
        &self,
        provider: &Provider,
        renames: &[&Rename],
    ) -> Result<Owners, StoreError> {
        const SQL: &str = "SELECT i.subject, i.owner_id, u.version FROM identities i \
            JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.owner_id \
            WHERE i.tenant_id = $1 AND i.provider = $2 AND i.subject = ANY($3) ORDER BY u.id, i.subject FOR UPDATE";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(provider.as_str())
            .bind::<Array<Text>, _>(column(renames, |rename| rename.old.as_str()));
        let rows: Vec<OwnerRow> = self.conn.load("lock_renamed", Cached(query)).await?;
        let new: BTreeMap<&str, &Rename> =
            renames.iter().map(|rename| (rename.old.as_str(), *rename)).collect();
        let mut owners = Owners::new();
        for row in rows {
            let rename = new.get(row.subject.as_str());
            let rename = rename.ok_or_else(|| StoreError::corrupt("subject"))?;
            let named = |subject: &Subject| IdentityRef {
                provider: provider.clone(),
                subject: subject.clone(),
            };
            let renamed =
                RenamedIdentity { identity: named(&rename.new), former: named(&rename.old) };
            let owner = owners.entry(user_id(&row.owner_id)?);
            owner.or_insert_with(|| (row.version, Vec::new())).1.push(renamed);
        }
        Ok(owners)
    }

    fn rename_identities(&mut self, batch: &RenameBatch<'_>, renamed: &[&Rename]) {
        const SQL: &str = "UPDATE identities i SET subject = n.new \
            FROM (SELECT * FROM unnest($3::text[], $4::text[]) LIMIT cardinality($3)) AS n(old, new) \
            WHERE i.tenant_id = $1 AND i.provider = $2 AND i.subject = n.old";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(batch.provider.to_string())
            .bind::<Array<Text>, _>(olds(renamed))
            .bind::<Array<Text>, _>(news(renamed));
        self.write("rename_identities", Cached(query), Expected::Locked(renamed.len()));
    }

    /// Counts the change of the owners, and renames their primary identities and those of the users
    /// that they hold.
    fn rename_primaries(
        &mut self,
        batch: &RenameBatch<'_>,
        renamed: &[&Rename],
        owners: &Owners,
        now: DateTime<Utc>,
    ) {
        const COUNT: &str = "UPDATE users u SET version = u.version + 1, update_time = $3 \
            FROM (SELECT * FROM unnest($2::text[]) LIMIT cardinality($2)) AS n(id) WHERE u.tenant_id = $1 AND u.id = n.id";
        const RENAME: &str = "UPDATE users u SET primary_subject = n.new \
            FROM unnest($4::text[], $5::text[]) AS n(old, new) \
            WHERE u.tenant_id = $1 AND u.id = ANY (ARRAY (SELECT id FROM users WHERE tenant_id = $1 AND id = ANY($2) \
                UNION ALL SELECT id FROM users WHERE tenant_id = $1 AND absorbed_into = ANY($2))) \
              AND u.primary_provider = $3 AND u.primary_subject = n.old";
        let ids: Vec<String> = owners.keys().map(ToString::to_string).collect();
        let count = sql_query(COUNT)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(ids.clone())
            .bind::<Timestamptz, _>(now);
        let rename = sql_query(RENAME)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(ids)
            .bind::<Text, _>(batch.provider.to_string())
            .bind::<Array<Text>, _>(olds(renamed))
            .bind::<Array<Text>, _>(news(renamed));
        self.write("count_rename", Cached(count), Expected::Locked(owners.len()));
        self.write("rename_primaries", Cached(rename), Expected::Any);
    }

    /// An unlink and an undo find the account by the link that moved it; the erasing of a user finds
    /// the links that its account proved.
    fn rename_in_links(&mut self, batch: &RenameBatch<'_>, renamed: &[&Rename]) {
        const MOVED: &str = "UPDATE links l SET moved = (SELECT jsonb_agg( \
                CASE WHEN n.new IS NULL THEN m ELSE m || jsonb_build_object('subject', n.new) END ORDER BY at) \
              FROM jsonb_array_elements(l.moved) WITH ORDINALITY AS t(m, at) \
              LEFT JOIN unnest($3::text[], $4::text[]) AS n(old, new) ON m->>'provider' = $2 AND m->>'subject' = n.old) \
            WHERE l.tenant_id = $1 AND l.id = ANY (ARRAY (SELECT m.id FROM unnest($3) AS old CROSS JOIN LATERAL ( \
              SELECT id FROM links WHERE tenant_id = $1 AND moved @> jsonb_build_array(jsonb_build_object( \
                'provider', $2::text, 'subject', old))) m))";
        const PROVEN: &str = "UPDATE links l SET proof = l.proof || jsonb_build_object('issuer', $4::text, 'subject', n.new) \
            FROM (SELECT old, new FROM unnest($5::text[], $6::text[]) AS s(old, new) \
              UNION ALL SELECT $2::text || '|' || old, $2::text || '|' || new FROM unnest($5, $6) AS j(old, new)) n \
            WHERE l.tenant_id = $1 AND l.proof->>'subject' = n.old AND l.proof->>'subject' IS NOT NULL AND l.proof->>'issuer' = $3";
        let [from, to] = batch.issuers.map(str::to_owned);
        let moved = sql_query(MOVED)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(batch.provider.to_string())
            .bind::<Array<Text>, _>(olds(renamed))
            .bind::<Array<Text>, _>(news(renamed));
        let proven = sql_query(PROVEN)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Text, _>(batch.provider.to_string())
            .bind::<Text, _>(from)
            .bind::<Text, _>(to)
            .bind::<Array<Text>, _>(olds(renamed))
            .bind::<Array<Text>, _>(news(renamed));
        self.write("rename_in_links", Cached(moved), Expected::Any);
        self.write("rename_in_links", Cached(proven), Expected::Any);
    }

    /// Removes stored responses that name these accounts: a retry would get the old name.
    fn remove_responses(&mut self, batch: &RenameBatch<'_>, renamed: &[&Rename]) {
        const SQL: &str = "DELETE FROM request_ids WHERE tenant_id = $1 AND concerned && $2";
        let names = renamed.iter().map(|rename| format!("{}|{}", batch.provider, rename.old));
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Text>, _>(names.collect::<Vec<_>>());
        self.write("remove_responses", Cached(query), Expected::Any);
    }

    /// What a deletion or a release recorded of an account holds for its new name too.
    fn copy_tombstones(&mut self, batch: &RenameBatch<'_>, renames: &[&Rename]) {
        const SQL: &str = "INSERT INTO tombstones (tenant_id, id_hash, delete_time, returnable, deleted, released_by) \
            SELECT t.tenant_id, n.new, t.delete_time, t.returnable, t.deleted, t.released_by \
            FROM unnest($2::bytea[], $3::bytea[]) AS n(old, new) JOIN tombstones t ON t.tenant_id = $1 AND t.id_hash = n.old \
            ON CONFLICT DO NOTHING";
        if renames.is_empty() {
            return;
        }
        let [old, new] = [
            column(renames, |rename| self.hash(batch.provider, &rename.old)),
            column(renames, |rename| self.hash(batch.provider, &rename.new)),
        ];
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<Array<Binary>, _>(old)
            .bind::<Array<Binary>, _>(new);
        self.write("copy_tombstones", Cached(query), Expected::Any);
    }

    fn save_progress(&mut self, batch: &RenameBatch<'_>, sorted: &Sorted<'_>) {
        const SQL: &str = "UPDATE provider_moves SET rows = $3, renamed = renamed + $4, kept = kept + $5, \
              deleted = deleted + $6, unknown = unknown + $7 \
            WHERE tenant_id = $1 AND id = $2 AND end_time IS NULL AND rows < $3";
        let count = |rows: &[&Rename]| i64::try_from(rows.len()).unwrap_or(i64::MAX);
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.to_string())
            .bind::<SqlUuid, _>(batch.id)
            .bind::<BigInt, _>(batch.settled)
            .bind::<BigInt, _>(count(&sorted.renamed))
            .bind::<BigInt, _>(sorted.kept)
            .bind::<BigInt, _>(count(&sorted.deleted))
            .bind::<BigInt, _>(sorted.unknown);
        let expected = Expected::Unless(1, "another process continues this move");
        self.write("save_progress", Cached(query), expected);
    }

    fn hash(&self, provider: &Provider, subject: &Subject) -> Vec<u8> {
        let id = IdentityRef { provider: provider.clone(), subject: subject.clone() };
        self.tombstone_hash(&UserRef::Identity(id)).to_vec()
    }
}

fn sort<'a>(renames: &'a [Rename], states: &[RenameState]) -> Result<Sorted<'a>, StoreError> {
    let mut sorted = Sorted::default();
    for (rename, state) in renames.iter().zip(states) {
        if state.is_taken || state.is_tombstone {
            return Err(StoreError::Conflict("a new subject is taken".to_owned()));
        }
        let changes = rename.old != rename.new;
        match state {
            RenameState { is_account: true, .. } if changes => sorted.renamed.push(rename),
            RenameState { is_account: true, .. } => sorted.kept += 1,
            RenameState { was_deleted: true, .. } => sorted.deleted.push(rename),
            _ => sorted.unknown += 1,
        }
        if state.was_deleted && changes {
            sorted.tombstones.push(rename);
        }
    }
    Ok(sorted)
}

fn olds(renames: &[&Rename]) -> Vec<String> {
    column(renames, |rename| rename.old.to_string())
}

fn news(renames: &[&Rename]) -> Vec<String> {
    column(renames, |rename| rename.new.to_string())
}
