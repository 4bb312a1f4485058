//! Looks up the user of a token or an id: one statement reads all that decides about a caller or
//! about the two sides of a link.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, Binary, Bool, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use futures_util::future::join;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Link, LockKeys, Session, StoreError, StoredResponse,
    bind::column,
    cached::Cached,
    erasures::{concerns_deleted, not_being_erased},
    links::link_of_json,
    rows::user_id,
    user_state::{UserStateRow, named_identity, named_user, tombstone, user_state_columns},
};
use crate::domain::{IdentityRef, TokenHash, UserId, UserRef, UserState};

/// A lookup of one user.
#[derive(Debug, Clone)]
pub struct Lookup {
    /// The user that is looked up.
    pub by: LookupBy,
    /// The hash of a token that was given as a proof, to find the link that it made.
    pub proof_hash: Option<[u8; 32]>,
    /// The hash of the token that names the user: a spared token stays valid although it is older
    /// than the bound.
    pub token: Option<TokenHash>,
}

/// How a lookup names its user.
#[derive(Debug, Clone)]
pub enum LookupBy {
    /// By id or identity.
    UserRef(UserRef),
    /// The live user of a link: the holder of what the link moved, or, after its undo, the holder
    /// of its primary user.
    Link(Uuid),
}

impl From<UserRef> for Lookup {
    fn from(named: UserRef) -> Self {
        Self { by: LookupBy::UserRef(named), proof_hash: None, token: None }
    }
}

impl From<Uuid> for Lookup {
    fn from(link: Uuid) -> Self {
        Self { by: LookupBy::Link(link), proof_hash: None, token: None }
    }
}

impl Lookup {
    fn named(&self) -> Option<&UserRef> {
        match &self.by {
            LookupBy::UserRef(named) => Some(named),
            LookupBy::Link(_) => None,
        }
    }

    fn identity(&self) -> Option<&IdentityRef> {
        match self.named()? {
            UserRef::Identity(identity) => Some(identity),
            UserRef::UserId(_) => None,
        }
    }

    fn user_id(&self) -> Option<&UserId> {
        match self.named()? {
            UserRef::Identity(_) => None,
            UserRef::UserId(id) => Some(id),
        }
    }

    fn link(&self) -> Option<Uuid> {
        match self.by {
            LookupBy::UserRef(_) => None,
            LookupBy::Link(id) => Some(id),
        }
    }
}

/// The results of the lookups.
#[derive(Debug)]
pub struct LookupResults {
    /// One result for each lookup, in the same order.
    pub results: Vec<LookupResult>,
    /// The response stored under the id of the session's request; `None` if there is none.
    pub stored: Option<StoredResponse>,
    /// The live user that now holds the caller for which that response was stored; `None` where the
    /// caller does not matter.
    pub stored_for: Option<UserId>,
}

/// The result of one lookup.
#[derive(Debug, Clone)]
pub struct LookupResult {
    /// The user; `None` if no user has this id, owns this identity, or belongs to this link.
    pub user_state: Option<UserState>,
    /// The link of the lookup.
    pub link: Option<Link>,
    /// The origin user of the identity, or of the identity that the link attached; `None` for one
    /// that was released since.
    pub origin: Option<UserId>,
    /// The link that moved the identity, with a user or alone.
    pub moved_by: Option<Uuid>,
    /// The link that the proof made.
    pub proof_use: Option<ProofUse>,
    /// When the named user or identity was last deleted or released; `None` if it never was.
    pub delete_time: Option<DateTime<Utc>>,
    /// Whether the deleted user id may be reused for the account that it names.
    pub is_returnable: bool,
}

impl LookupResult {
    /// Whether a new user may have the looked-up user id, `provider|subject` of its own account.
    pub fn is_free_id(&self) -> bool {
        self.user_state.is_none() && (self.delete_time.is_none() || self.is_returnable)
    }
}

/// The use of a proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofUse {
    /// The link.
    pub link: Uuid,
    /// The live user that holds its primary user; `None` if that was deleted.
    pub primary: Option<UserId>,
    /// Whether the link was undone.
    pub undone: bool,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Nullable<Json>)]
    link: Option<Value>,
    #[diesel(sql_type = Nullable<Text>)]
    home_id: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    home_link: Option<Uuid>,
    #[diesel(embed)]
    user_state: UserStateRow,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    proof_link: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    proof_primary_id: Option<String>,
    #[diesel(sql_type = Bool)]
    proof_undone: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    delete_time: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    is_returnable: bool,
    #[diesel(sql_type = Nullable<Text>)]
    stored_for: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    stored_fingerprint: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    stored_answer: Option<Vec<u8>>,
}

/// Reads one row for each lookup. Each subquery has a LIMIT, which keeps the planner from scanning a
/// table when a thousand users are looked up at once.
///
/// The statement has only the parts that a lookup needs, of which the connection prepares each
/// combination: a part takes time, even if it finds nothing.
fn look_up_sql(names_link: bool, has_proof: bool, has_request: bool) -> String {
    [
        COLUMNS,
        if names_link { LINK } else { NO_LINK },
        named_user!("coalesce(q.id, i.owner_id, k.holder_id)"),
        if has_proof { PROOF } else { NO_PROOF },
        tombstone!(),
        if has_request { RESPONSE } else { NO_RESPONSE },
        "ORDER BY q.position",
    ]
    .concat()
}

const COLUMNS: &str = concat!(
    "SELECT k.link, coalesce(i.home_id, k.home_id) AS home_id, coalesce(home.absorbed_by_link, i.attached_by_link) AS home_link, ",
    user_state_columns!("$9", "$10"),
    ", l.id AS proof_link, coalesce(p.absorbed_into, p.id) AS proof_primary_id, l.undo_time IS NOT NULL AS proof_undone, \
      t.delete_time, coalesce(t.returnable, false) AS is_returnable, r.holder_id AS stored_for, \
      r.fingerprint AS stored_fingerprint, r.answer AS stored_answer \
    FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[], $7::bytea[], $8::bytea[]) \
      WITH ORDINALITY AS q(provider, subject, id, link, proof_hash, tombstone, token, position) ",
    named_identity!()
);
/// `k`: the link that a lookup names, and its live user.
const LINK: &str = concat!(
    "LEFT JOIN LATERAL (SELECT json_build_object('id', l.id, 'primary_id', l.primary_id, 'secondary_id', l.secondary_id, \
        'moved', l.moved, 'link_time', l.link_time, 'undo_time', l.undo_time) AS link, a.home_id, \
        coalesce(s.absorbed_into, a.owner_id, p.absorbed_into, p.id) AS holder_id FROM links l \
      LEFT JOIN users s ON s.tenant_id = $1 AND s.id = l.secondary_id AND s.absorbed_by_link = l.id \
      LEFT JOIN identities a ON a.tenant_id = $1 AND a.attached_by_link = l.id \
        AND a.provider = l.moved->0->>'provider' AND a.subject = l.moved->0->>'subject' \
      LEFT JOIN users p ON p.tenant_id = $1 AND p.id = l.primary_id \
      WHERE l.tenant_id = $1 AND l.id = q.link AND ",
    not_being_erased!("l"),
    " LIMIT 1) k ON true "
);
const NO_LINK: &str =
    "CROSS JOIN (SELECT NULL::json AS link, NULL::text AS home_id, NULL::text AS holder_id) k ";
/// `l` and `p`: the link that a proof made, and its primary user.
const PROOF: &str = "LEFT JOIN LATERAL (SELECT * FROM links WHERE tenant_id = $1 AND proof_hash = q.proof_hash LIMIT 1) l ON true \
    LEFT JOIN LATERAL (SELECT * FROM users WHERE tenant_id = $1 AND id = l.primary_id LIMIT 1) p ON true ";
const NO_PROOF: &str = "CROSS JOIN (SELECT NULL::uuid AS id, NULL::timestamptz AS undo_time) l \
    CROSS JOIN (SELECT NULL::text AS id, NULL::text AS absorbed_into) p ";
/// `r`: the response that is stored under the request's id. The LIMIT keeps the planner from reading
/// all responses that have not expired.
const RESPONSE: &str = concat!(
    "LEFT JOIN (SELECT fingerprint, answer, coalesce(c.absorbed_into, a.caller_user_id) AS holder_id \
      FROM (SELECT * FROM request_ids WHERE tenant_id = $1 AND rpc = $11 \
        AND caller_kind = $12 AND issuer = $13 AND subject = $14 AND request_id = $15 LIMIT 1) a \
      LEFT JOIN users c ON c.tenant_id = $1 AND c.id = a.caller_user_id \
      WHERE a.expire_time > now() AND NOT ",
    concerns_deleted!("a"),
    ") r ON q.position = 1 "
);
const NO_RESPONSE: &str = "CROSS JOIN (SELECT NULL::text AS holder_id, NULL::bytea AS fingerprint, NULL::bytea AS answer) r ";

impl Session {
    /// Begins a transaction, takes the locks of these keys, and runs the lookups while holding them,
    /// in one round trip. Returns the time of [`Session::begin_locked`] too.
    ///
    /// # Errors
    /// As of [`Session::begin_locked`].
    pub async fn lock_and_look_up(
        &mut self,
        keys: &LockKeys,
        lookups: &[Lookup],
    ) -> Result<(LookupResults, DateTime<Utc>), StoreError> {
        let locks = self.line_up(keys).await?;
        let (begun, found) = join(self.begin_with(locks), self.look_up(lookups)).await;
        let time = begun?;
        Ok((found?, time))
    }

    /// Runs the lookups, at least one.
    pub async fn look_up(&self, lookups: &[Lookup]) -> Result<LookupResults, StoreError> {
        let request = self.request.as_ref();
        let sql = look_up_sql(
            lookups.iter().any(|q| q.link().is_some()),
            lookups.iter().any(|q| q.proof_hash.is_some()),
            request.is_some(),
        );
        let mut query = sql_query(sql)
            .into_boxed()
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Nullable<Text>>, _>(column(lookups, |q| {
                q.identity().map(|id| id.provider.as_str())
            }))
            .bind::<Array<Nullable<Text>>, _>(column(lookups, |q| {
                q.identity().map(|id| id.subject.as_str())
            }))
            .bind::<Array<Nullable<Text>>, _>(column(lookups, |q| q.user_id().map(UserId::as_str)))
            .bind::<Array<Nullable<SqlUuid>>, _>(column(lookups, Lookup::link))
            .bind::<Array<Nullable<Binary>>, _>(column(lookups, |q| q.proof_hash.map(Vec::from)))
            .bind::<Array<Nullable<Binary>>, _>(column(lookups, |q| {
                q.named().map(|named| self.tombstone_hash(named).to_vec())
            }))
            .bind::<Array<Nullable<Binary>>, _>(column(lookups, |q| q.token.map(Vec::from)))
            .bind::<Array<Text>, _>(&self.trust.sign_in_providers.providers)
            .bind::<Bool, _>(self.trust.sign_in_providers.at_others);
        if let Some(request) = request {
            query = query
                .bind::<Text, _>(request.rpc)
                .bind::<Text, _>(request.caller_kind)
                .bind::<Text, _>(&request.issuer)
                .bind::<Text, _>(&request.subject)
                .bind::<SqlUuid, _>(request.id);
        }
        let mut rows: Vec<Row> = self.conn.load("look_up", Cached(query)).await?;
        let stored = rows
            .first_mut()
            .and_then(|row| row.stored_fingerprint.take().zip(row.stored_answer.take()));
        let stored_for = rows.first_mut().and_then(|row| row.stored_for.take());
        let stored_for = stored_for.as_deref().map(user_id).transpose()?;
        let stored = request
            .zip(stored)
            .map(|(request, (fingerprint, answer))| request.compare(&fingerprint, answer));
        let results = rows.into_iter().map(LookupResult::try_from).collect::<Result<_, _>>()?;
        Ok(LookupResults { results, stored, stored_for })
    }
}

impl TryFrom<Row> for LookupResult {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let proof_use = match row.proof_link {
            Some(link) => {
                let primary = row.proof_primary_id.as_deref().map(user_id).transpose()?;
                Some(ProofUse { link, primary, undone: row.proof_undone })
            }
            None => None,
        };
        Ok(Self {
            user_state: row.user_state.into_state()?,
            link: row.link.map(link_of_json).transpose()?,
            origin: row.home_id.as_deref().map(user_id).transpose()?,
            moved_by: row.home_link,
            proof_use,
            delete_time: row.delete_time,
            is_returnable: row.is_returnable,
        })
    }
}
