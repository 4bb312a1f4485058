//! Pages of looks: which person of the console looked at which user.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{Session, StoreError, bind::bigint, cached::Cached};
use crate::domain::UserId;

/// Which looks to list. The default lists all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookFilter {
    /// Only looks before this time.
    pub until: Option<DateTime<Utc>>,
    /// Only looks at a user under this id.
    pub user: Option<UserId>,
    /// Only looks of the person that its issuer names so.
    pub staff: Option<String>,
}

/// Where a look stands among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookPosition {
    time: DateTime<Utc>,
    id: Uuid,
}

/// A page of a user that a person of the console opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastLook {
    /// The id of the look.
    pub id: Uuid,
    /// When.
    pub time: DateTime<Utc>,
    /// The issuer of the person's ID token.
    pub issuer: String,
    /// The person, as that issuer names it.
    pub subject: String,
    /// The role that the person had.
    pub role: String,
    /// The name of the page.
    pub page: String,
    /// The user; `None` if it was deleted since.
    pub user: Option<String>,
    /// Why; `None` if the person did not say it with this page, or the user was deleted since.
    pub reason: Option<String>,
}

/// A page of looks.
#[derive(Debug)]
pub struct LookPage {
    /// The looks, the oldest first: at most the limit, and possibly none although more follow.
    pub looks: Vec<PastLook>,
    /// The position after which the next page begins; `None` if no more looks follow.
    pub next: Option<LookPosition>,
}

#[derive(QueryableByName)]
struct LookRow {
    #[diesel(sql_type = Bool)]
    matches: bool,
    #[diesel(sql_type = Bool)]
    is_last_read: bool,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    look_time: DateTime<Utc>,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    page: String,
    #[diesel(sql_type = Nullable<Text>)]
    user_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
}

/// Reads the next `$5` looks of a tenant, and returns those of the person `$6`, and the last one that
/// was read. So a page of a person that rarely looks costs no more than another one.
macro_rules! page {
    ($($of_user:literal)?) => {
        concat!(
            "SELECT l.* FROM (SELECT ($6::text IS NULL OR subject = $6) AS matches, \
               row_number() OVER (ORDER BY look_time, id) = $5 AS is_last_read, \
               id, look_time, issuer, subject, role, page, user_id, reason \
             FROM console_looks WHERE tenant_id = $1 AND (look_time, id) > ($2, $3) \
               AND look_time < coalesce($4, 'infinity'::timestamptz)",
            $($of_user,)?
            " ORDER BY look_time, id LIMIT $5) l \
             WHERE l.matches OR l.is_last_read ORDER BY l.look_time, l.id"
        )
    };
}

const OF_TENANT: &str = page!();
const OF_USER: &str = page!(" AND user_id = $7");

impl LookPosition {
    /// The position before all looks of this time and later.
    pub fn before(time: DateTime<Utc>) -> Self {
        Self { time, id: Uuid::nil() }
    }
}

impl Session {
    /// The looks of the tenant that match: the oldest first, those after `after`. A page reads at most
    /// `limit` looks, by an index.
    pub async fn past_looks(
        &mut self,
        filter: &LookFilter,
        after: LookPosition,
        limit: usize,
    ) -> Result<LookPage, StoreError> {
        let LookFilter { until, user, staff } = filter;
        let sql = if user.is_some() { OF_USER } else { OF_TENANT };
        let mut query = sql_query(sql)
            .into_boxed()
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Timestamptz, _>(after.time)
            .bind::<SqlUuid, _>(after.id)
            .bind::<Nullable<Timestamptz>, _>(*until)
            .bind::<BigInt, _>(bigint(limit))
            .bind::<Nullable<Text>, _>(staff.as_deref());
        if let Some(user) = user {
            query = query.bind::<Text, _>(user.as_str());
        }
        let rows: Vec<LookRow> = self.conn.load("past_looks", Cached(query)).await?;
        let last = rows.last().filter(|last| last.is_last_read);
        let next = last.map(|last| LookPosition { time: last.look_time, id: last.id });
        let looks = rows.into_iter().filter(|row| row.matches).map(PastLook::from).collect();
        Ok(LookPage { looks, next })
    }
}

impl From<LookRow> for PastLook {
    fn from(row: LookRow) -> Self {
        let LookRow { id, look_time: time, issuer, subject, role, page, user_id, reason, .. } = row;
        Self { id, time, issuer, subject, role, page, user: user_id, reason }
    }
}
