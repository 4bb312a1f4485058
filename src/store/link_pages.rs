//! Pages of links that match a filter: of a user, of a plan, or of the whole tenant.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    Session, StoreError,
    bind::bigint,
    cached::Cached,
    erasures::not_being_erased,
    history::{LinkPosition, PastLink, Row, link_columns},
    stored::actor::ActorKind,
};
use crate::domain::{ProofKind, UserId, sign_in::SignInRule};

/// How many links of a tenant or of a plan a page with a filter reads at most.
const READ_OF_TENANT: usize = 1000;
/// How many links of each side of a user, and of each user that it holds, a page with a filter
/// reads at most.
const READ_OF_USER: usize = 200;

/// Which links to list. The default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkFilter {
    /// Only links that were made at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Only links that were made before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only links that rest on a proof of this kind.
    pub proof: Option<ProofKind>,
    /// Only links that sign-ins made by this rule.
    pub rule: Option<SignInRule>,
    /// Only links that this party made.
    pub actor: ActorFilter,
    /// Only links of this plan.
    pub plan: Option<Uuid>,
    /// Only links that are not undone.
    pub standing: bool,
    /// Only this link; not of one user.
    pub link: Option<Uuid>,
}

/// The party that made a link. A field that is `None` is not compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActorFilter {
    /// The kind of the caller.
    pub kind: Option<ActorKind>,
    /// The issuer of its token.
    pub issuer: Option<String>,
    /// The user's id, or the service's subject at its issuer.
    pub subject: Option<String>,
}

/// A page of links.
#[derive(Debug)]
pub struct LinkPage {
    /// The links, the newest first: at most the limit, and possibly none although more follow.
    pub links: Vec<PastLink>,
    /// The position after which the next page begins; `None` if no more links follow.
    pub next: Option<LinkPosition>,
}

impl LinkFilter {
    /// Whether each link matches.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The position after which the links begin that are old enough.
    fn begin(&self, after: LinkPosition) -> LinkPosition {
        let until = self.until.map(|time| LinkPosition { link_time: time, id: Uuid::nil() });
        until.map_or(after, |until| after.min(until))
    }
}

/// Whether a row of `links l` matches a filter, and no part of it is still to be erased. That is
/// looked up last, for the few rows that match. A row without a rule is of a server that had one
/// which linked.
macro_rules! is_match {
    () => {
        concat!(
            "coalesce(($7::text IS NULL OR l.proof->>'kind' = $7) \
               AND ($8::text IS NULL OR $8 = coalesce(l.proof->>'rule', \
                 CASE l.proof->>'kind' WHEN 'verified_email' THEN 'email_verified_on_both_sides' END)) \
               AND ($9::text IS NULL OR l.actor->>'kind' = $9) \
               AND ($10::text IS NULL OR l.actor->>'issuer' = $10) \
               AND ($11::text IS NULL OR l.actor->>'subject' = $11) \
               AND (NOT $12::boolean OR l.undo_time IS NULL) \
               AND ($13::uuid IS NULL OR l.plan_id = $13) AND ",
            not_being_erased!("l"),
            ", false)"
        )
    };
}

/// Reads `$5` links `l` of this source, in the order of the pages, and returns the first `$6` of
/// those that match, and the last one that was read.
macro_rules! page {
    ($($source:expr),+) => {
        concat!(
            "SELECT l.matches, l.n = $5 AS is_last_read, ",
            link_columns!(),
            " FROM (SELECT ",
            link_columns!(),
            ", ",
            is_match!(),
            " AS matches, row_number() OVER (ORDER BY l.link_time DESC, l.id DESC) AS n FROM ",
            $($source),+,
            " ORDER BY l.link_time DESC, l.id DESC LIMIT $5) l \
             WHERE l.matches OR l.n = $5 ORDER BY l.link_time DESC, l.id DESC LIMIT $6"
        )
    };
}

/// The links of one side of a user `u`.
macro_rules! side {
    ($column:literal) => {
        concat!(
            "(SELECT link_time, id FROM links WHERE tenant_id = $1 AND ",
            $column,
            " = u.id AND (link_time, id) < ($2, $3) AND link_time >= $4 \
             ORDER BY link_time DESC, id DESC LIMIT $5)"
        )
    };
}

const OF_TENANT: &str = page!(
    "links l WHERE l.tenant_id = $1 AND (l.link_time, l.id) < ($2, $3) AND l.link_time >= $4"
);
const OF_PLAN: &str = page!(
    "links l WHERE l.tenant_id = $1 AND l.plan_id = $13 AND (l.link_time, l.id) < ($2, $3) AND l.link_time >= $4"
);
const OF_ID: &str = page!(
    "links l WHERE l.tenant_id = $1 AND l.id = $14 AND (l.link_time, l.id) < ($2, $3) AND l.link_time >= $4"
);
const OF_USER: &str = page!(
    "(SELECT DISTINCT s.link_time, s.id FROM ( \
        SELECT $14 AS id UNION ALL SELECT id FROM users WHERE tenant_id = $1 AND absorbed_into = $14) u \
      CROSS JOIN LATERAL (",
    side!("primary_id"),
    " UNION ALL ",
    side!("secondary_id"),
    ") s ORDER BY s.link_time DESC, s.id DESC LIMIT $5) of_user \
     JOIN links l ON l.tenant_id = $1 AND l.id = of_user.id"
);

#[derive(QueryableByName)]
struct ReadRow {
    #[diesel(sql_type = Bool)]
    matches: bool,
    #[diesel(sql_type = Bool)]
    is_last_read: bool,
    #[diesel(embed)]
    link: Row,
}

impl Session {
    /// The links of the tenant that match: the newest first, at most `limit`, those after `after`.
    /// A page reads at most a thousand links, by an index. So it may be short, or empty, although
    /// more links follow. A link is left out while a part of it is being erased.
    pub async fn links_of_tenant(
        &mut self,
        filter: &LinkFilter,
        after: LinkPosition,
        limit: usize,
    ) -> Result<LinkPage, StoreError> {
        let read = READ_OF_TENANT.max(limit + 1);
        let query = |sql| page_query(sql, self.tenant.as_str(), filter, after, read, limit);
        let (what, query) = match (filter.link, filter.plan) {
            (Some(id), _) => ("link_of_id", query(OF_ID).bind::<SqlUuid, _>(id)),
            (None, Some(_)) => ("links_of_plan", query(OF_PLAN)),
            (None, None) => ("links_of_tenant", query(OF_TENANT)),
        };
        LinkPage::from_rows(self.conn.load(what, Cached(query)).await?, limit)
    }

    /// The same of the links that name this user, or a user that it has absorbed, as primary or
    /// secondary. Each side is read along its own index, and no further than the page, or with a
    /// filter than 200 links.
    pub async fn past_links(
        &mut self,
        user: &UserId,
        filter: &LinkFilter,
        after: LinkPosition,
        limit: usize,
    ) -> Result<LinkPage, StoreError> {
        let read = if filter.is_empty() { limit + 1 } else { READ_OF_USER.max(limit + 1) };
        let query = page_query(OF_USER, self.tenant.as_str(), filter, after, read, limit)
            .bind::<Text, _>(user.as_str());
        LinkPage::from_rows(self.conn.load("past_links", Cached(query)).await?, limit)
    }
}

/// The statement of a page, with the parameters that all of them have.
fn page_query<'a>(
    sql: &'static str,
    tenant: &'a str,
    filter: &'a LinkFilter,
    after: LinkPosition,
    read: usize,
    limit: usize,
) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
    let LinkFilter { since, until: _, proof, rule, actor, plan, standing, link: _ } = filter;
    let begin = filter.begin(after);
    sql_query(sql)
        .into_boxed()
        .bind::<Text, _>(tenant)
        .bind::<Timestamptz, _>(begin.link_time)
        .bind::<SqlUuid, _>(begin.id)
        .bind::<Timestamptz, _>(since.unwrap_or(DateTime::UNIX_EPOCH))
        .bind::<BigInt, _>(bigint(read))
        .bind::<BigInt, _>(bigint(limit + 1))
        .bind::<Nullable<Text>, _>(proof.map(ProofKind::as_str))
        .bind::<Nullable<Text>, _>(rule.map(SignInRule::as_str))
        .bind::<Nullable<Text>, _>(actor.kind.map(ActorKind::as_str))
        .bind::<Nullable<Text>, _>(actor.issuer.as_deref())
        .bind::<Nullable<Text>, _>(actor.subject.as_deref())
        .bind::<Bool, _>(*standing)
        .bind::<Nullable<SqlUuid>, _>(*plan)
}

impl LinkPage {
    fn from_rows(mut rows: Vec<ReadRow>, limit: usize) -> Result<Self, StoreError> {
        let is_full = rows.len() > limit;
        rows.truncate(limit);
        let last = rows.last().filter(|last| is_full || last.is_last_read);
        let next = last.map(|last| last.link.position());
        let links = rows.into_iter().filter(|row| row.matches).map(|row| row.link.try_into());
        Ok(Self { links: links.collect::<Result<_, _>>()?, next })
    }
}
