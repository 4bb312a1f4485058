//! Looking for users by what is said of them.

use diesel::{
    QueryableByName,
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    serialize::ToSql,
    sql_query,
    sql_types::{Array, BigInt, HasSqlType, Text},
};

use super::{
    Session, StoreError,
    cached::Cached,
    rows::user_columns,
    trust::{Verifiers, email_counts},
};
use crate::domain::{Email, Provider, Subject, User, UserId};

/// A search for the live users that fulfil all conditions. An empty search finds all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSearch {
    /// The user's id.
    pub user_id: Option<UserId>,
    /// The email of the primary identity.
    pub email: Option<Email>,
    /// Whether the primary identity has an email that counts as verified (`true`), or one that does not (`false`).
    pub email_verified: Option<bool>,
    /// The provider of one of the identities.
    pub provider: Option<Provider>,
    /// The subject of one of the identities: of the same one, if a provider is said too.
    pub subject: Option<Subject>,
    /// What must not be true.
    pub excluded: Excluded,
    /// Whether another condition holds for no user, so that the search finds none.
    pub is_of_nobody: bool,
}

/// Conditions that each exclude a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excluded {
    /// The user's id.
    pub user_ids: Vec<UserId>,
    /// The email of the primary identity.
    pub emails: Vec<Email>,
    /// Whether the primary identity has an email that counts as verified (`true`), or one that does not (`false`).
    pub email_verified: Vec<bool>,
    /// The provider of any identity.
    pub providers: Vec<Provider>,
    /// The subject of any identity, at any provider.
    pub subjects: Vec<Subject>,
}

impl UserSearch {
    /// Whether an index finds the users, so that the search does not read all of them.
    pub fn has_key(&self) -> bool {
        self.is_of_nobody
            || self.user_id.is_some()
            || self.email.is_some()
            || (self.provider.is_some() && self.subject.is_some())
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    users: i64,
}

impl Session {
    /// The users that the search finds, in the order of their ids: at most `limit`, of those after `after` without
    /// the first `offset`.
    pub async fn search_users(
        &mut self,
        search: &UserSearch,
        after: &str,
        offset: usize,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        if search.is_of_nobody {
            return Ok(Vec::new());
        }
        // The identities are read only of the users that are not skipped.
        let statement = Statement::new()
            .sql(concat!("SELECT ", user_columns!(), " FROM (SELECT u.*"))
            .users(search, self.tenant.as_str(), after, &self.trust.verifiers)
            .bind::<BigInt, _>(" ORDER BY u.id OFFSET ", number(offset))
            .bind::<BigInt, _>(" LIMIT ", number(limit))
            .sql(") u ORDER BY u.id");
        let rows = self.conn.load(Cached(statement.query)).await?;
        self.judged(rows)
    }

    /// The number of users that the search finds. Counting stops at `at_most`.
    pub async fn count_users(&mut self, search: &UserSearch, at_most: usize) -> Result<usize, StoreError> {
        if search.is_of_nobody {
            return Ok(0);
        }
        let statement = Statement::new()
            .sql("SELECT count(*) AS users FROM (SELECT")
            .users(search, self.tenant.as_str(), "", &self.trust.verifiers)
            .bind::<BigInt, _>(" LIMIT ", number(at_most))
            .sql(") m");
        let row: Option<CountRow> = self.conn.load_one(Cached(statement.query)).await?;
        Ok(row.map_or(0, |row| usize::try_from(row.users).unwrap_or(usize::MAX)))
    }

    /// The live users whose primary identity has this canonical email, at most `limit`. Users whose email counts as
    /// verified come first, however many others there are. Each group is in the order of the ids.
    pub async fn users_by_root_email(&mut self, canonical: &str, limit: usize) -> Result<Vec<User>, StoreError> {
        macro_rules! owners {
            ($whose:literal) => {
                concat!(
                    "(SELECT u.*, ",
                    email_counts!("p", "$4", "$5", "$6"),
                    " AS email_counts FROM identities p \
                       JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.owner_id \
                         AND u.primary_provider = p.provider AND u.primary_subject = p.subject \
                       WHERE p.tenant_id = $1 AND p.email_canonical = $2 AND ",
                    $whose,
                    "(",
                    email_counts!("p", "$4", "$5", "$6"),
                    ") ORDER BY u.id LIMIT $3)"
                )
            };
        }
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!(),
            " FROM (",
            owners!(""),
            " UNION ALL ",
            owners!("NOT "),
            ") u ORDER BY NOT u.email_counts, u.id LIMIT $3"
        );
        let verifiers = &self.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(canonical)
            .bind::<BigInt, _>(number(limit))
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted);
        let rows = self.conn.load(Cached(query)).await?;
        self.judged(rows)
    }
}

/// That `p` is the primary identity of the user `u`.
const IS_PRIMARY: &str = "p.tenant_id = u.tenant_id AND p.owner_id = u.id \
    AND p.provider = u.primary_provider AND p.subject = u.primary_subject";

/// A statement that is put together from fixed fragments. What comes from outside is bound.
struct Statement<'a> {
    query: BoxedSqlQuery<'a, Pg, SqlQuery>,
    binds: usize,
}

impl<'a> Statement<'a> {
    fn new() -> Self {
        Self { query: sql_query("").into_boxed(), binds: 0 }
    }

    fn sql(self, fragment: &'static str) -> Self {
        Self { query: self.query.sql(fragment), ..self }
    }

    /// Adds a fragment with a parameter at its end.
    fn bind<S, V>(self, fragment: &'static str, value: V) -> Self
    where
        Pg: HasSqlType<S>,
        V: ToSql<S, Pg> + Send + 'a,
        S: Send + 'a,
    {
        let binds = self.binds + 1;
        Self { query: self.query.sql(fragment).sql(format!("${binds}")).bind::<S, V>(value), binds }
    }

    /// Adds the tables and conditions of a list of users: those that the search finds after `after`.
    ///
    /// Five properties change the text, so a connection keeps at most 32 statements of each kind: whether the search
    /// has an id, an email, a provider, a subject, and any other condition.
    fn users(mut self, search: &'a UserSearch, tenant: &'a str, after: &'a str, verifiers: &'a Verifiers) -> Self {
        let UserSearch { user_id, email, email_verified, provider, subject, excluded, is_of_nobody: _ } = search;
        self = self.sql(" FROM users u");
        if email.is_some() {
            self = self.sql(" JOIN identities p ON ").sql(IS_PRIMARY);
        }
        self = self
            .bind::<Text, _>(" WHERE u.tenant_id = ", tenant)
            .bind::<Text, _>(" AND u.absorbed_into IS NULL AND u.id > ", after);
        if let Some(id) = user_id {
            self = self.bind::<Text, _>(" AND u.id = ", id.as_str());
        }
        if let Some(email) = email {
            self = self.bind::<Text, _>(" AND p.email_canonical = ", email.canonical());
        }
        if provider.is_some() || subject.is_some() {
            self =
                self.sql(" AND EXISTS (SELECT FROM identities i WHERE i.tenant_id = u.tenant_id AND i.owner_id = u.id");
            if let Some(provider) = provider {
                self = self.bind::<Text, _>(" AND i.provider = ", provider.as_str());
            }
            if let Some(subject) = subject {
                self = self.bind::<Text, _>(" AND i.subject = ", subject.as_str());
            }
            self = self.sql(")");
        }
        if email_verified.is_some() || *excluded != Excluded::default() {
            self = self.root_email(search, verifiers).excluded(excluded);
        }
        self
    }

    /// Adds the other conditions on the email of the primary identity.
    ///
    /// They find no user, but check each user that is found. Without a condition on the email itself, `OFFSET 0`
    /// makes the database check the users one by one. A join would read all users before the first result.
    fn root_email(mut self, search: &'a UserSearch, verifiers: &'a Verifiers) -> Self {
        let UserSearch { email_verified, excluded, .. } = search;
        let states = [("none", None), ("verified", Some(true)), ("unverified", Some(false))];
        let is_wanted = |state: Option<bool>| {
            let is_excluded = state.is_some_and(|state| excluded.email_verified.contains(&state));
            !is_excluded && (email_verified.is_none() || *email_verified == state)
        };
        let states = states.into_iter().filter(|(_, state)| is_wanted(*state)).map(|(name, _)| name);
        if search.email.is_none() {
            self = self.sql(" AND EXISTS (SELECT FROM identities p WHERE ").sql(IS_PRIMARY);
        }
        // As `email_counts` has it, with parameters wherever they come.
        self = self
            .bind::<Array<Text>, _>(
                " AND CASE WHEN p.email IS NULL THEN 'none' WHEN p.email_verified AND (p.provider = ANY(",
                &verifiers.always,
            )
            .bind::<Array<Text>, _>(
                ") OR p.provider || '@' || split_part(p.email_canonical, '@', 2) = ANY(",
                &verifiers.domains,
            )
            .bind::<Array<Text>, _>(") OR p.provider = ANY(", &verifiers.hosted)
            .bind::<Array<Text>, _>(
                ") AND p.profile_data->'hd' = to_jsonb(split_part(p.email_canonical, '@', 2))) THEN 'verified' \
                    ELSE 'unverified' END = ANY(",
                states.collect::<Vec<_>>(),
            )
            .bind::<Array<Text>, _>(") AND (p.email_canonical = ANY(", texts(&excluded.emails, Email::canonical))
            .sql(")) IS NOT TRUE");
        if search.email.is_none() { self.sql(" OFFSET 0)") } else { self }
    }

    /// Adds the conditions on ids and identities that exclude users. They too are checked one by one.
    fn excluded(self, excluded: &'a Excluded) -> Self {
        self.bind::<Array<Text>, _>(" AND u.id <> ALL(", texts(&excluded.user_ids, UserId::as_str))
            .bind::<Array<Text>, _>(
                ") AND NOT EXISTS (SELECT FROM identities x WHERE x.tenant_id = u.tenant_id AND x.owner_id = u.id \
                    AND (x.provider = ANY(",
                texts(&excluded.providers, Provider::as_str),
            )
            .bind::<Array<Text>, _>(") OR x.subject = ANY(", texts(&excluded.subjects, Subject::as_str))
            .sql(")) OFFSET 0)")
    }
}

fn texts<T>(things: &[T], text: fn(&T) -> &str) -> Vec<&str> {
    things.iter().map(text).collect()
}

/// As the database counts; beyond what it can count, there is nothing.
fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
