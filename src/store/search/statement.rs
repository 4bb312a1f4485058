//! Builds the statement of a search from fixed fragments. Each value from outside is a bind
//! parameter.

use diesel::{
    pg::Pg,
    query_builder::{BoxedSqlQuery, SqlQuery},
    serialize::ToSql,
    sql_query,
    sql_types::{Array, BigInt, HasSqlType, Text, Timestamptz},
};

use super::{After, Excluded, Key, Order, OrderBy, Page, UserSearch};
use crate::{
    domain::{Email, IdentityRef, Provider, Subject, UserId},
    store::{bind::bigint, trust::Verifiers},
};

/// That `p` is the primary identity of the user `u`.
const IS_PRIMARY: &str = "p.tenant_id = u.tenant_id AND p.owner_id = u.id \
    AND p.provider = u.primary_provider AND p.subject = u.primary_subject";

/// The start of a subquery for users by the email of their primary identity; a condition follows.
const BY_EMAIL: &str = " UNION ALL SELECT p.owner_id FROM identities p JOIN users o ON o.tenant_id = $1 \
    AND o.id = p.owner_id AND o.primary_provider = p.provider AND o.primary_subject = p.subject \
    WHERE p.tenant_id = $1 AND p.email_canonical ";

/// A statement so far. Its first parameter is the tenant.
pub(super) struct Statement<'a> {
    pub(super) query: BoxedSqlQuery<'a, Pg, SqlQuery>,
    binds: usize,
}

impl UserSearch {
    /// Whether a connection keeps the statement prepared. There are at most 16 such statements of
    /// each kind, since four facts change the text: whether the search has a key, a provider, a
    /// subject, and any other condition. All other statements are prepared anew for their values.
    pub(super) fn is_usual(&self) -> bool {
        let Self { keys, resolves, connection, .. } = self;
        let is_plain = |key: &Key| key.email_prefixes.is_empty();
        keys.len() <= 1 && keys.iter().all(is_plain) && !resolves && connection.is_none()
    }
}

impl<'a> Statement<'a> {
    pub(super) fn new() -> Self {
        Self { query: sql_query("").into_boxed(), binds: 0 }
    }

    pub(super) fn sql(self, fragment: &'static str) -> Self {
        Self { query: self.query.sql(fragment), ..self }
    }

    /// Adds a fragment with a parameter at its end.
    pub(super) fn bind<S, V>(self, fragment: &'static str, value: V) -> Self
    where
        Pg: HasSqlType<S>,
        V: ToSql<S, Pg> + Send + 'a,
        S: Send + 'a,
    {
        let binds = self.binds + 1;
        Self { query: self.query.sql(fragment).sql(format!("${binds}")).bind::<S, V>(value), binds }
    }

    /// Adds the conditions of the search. An index has the ids of live users as `live_id`. That it
    /// is not empty, which no id is, is a range of that index; `IS NOT NULL` can become a filter of
    /// all users.
    pub(super) fn users(
        mut self,
        search: &'a UserSearch,
        tenant: &'a str,
        verifiers: &'a Verifiers,
    ) -> Self {
        let UserSearch { keys, resolves, email_verified, excluded, matches_no_user: _, .. } =
            search;
        self = self
            .bind::<Text, _>(" FROM users u WHERE u.tenant_id = ", tenant)
            .sql(" AND u.live_id > ''");
        for key in keys {
            self = self.key(key, *resolves);
        }
        self = self.identity(search);
        if email_verified.is_some() || *excluded != Excluded::default() {
            self = self.root_email(search, verifiers).excluded(excluded);
        }
        self
    }

    /// Adds the condition that a key leads to the user. The database finds the key's users once,
    /// before it checks any.
    fn key(mut self, key: &'a Key, resolves: bool) -> Self {
        let accounts: Vec<IdentityRef> = key.user_ids.iter().filter_map(as_account).collect();
        let providers: Vec<String> =
            accounts.iter().map(|account| account.provider.to_string()).collect();
        let subjects: Vec<String> =
            accounts.into_iter().map(|account| account.subject.as_str().to_owned()).collect();
        let (any_case, exact) =
            (texts(&key.emails, Email::canonical), texts(&key.exact_emails, Email::given));
        let canonical = [any_case.clone(), texts(&key.exact_emails, Email::canonical)].concat();
        self = self
            .bind::<Array<Text>, _>(
                if resolves {
                    " AND u.live_id = ANY (ARRAY (SELECT coalesce(a.absorbed_into, a.id) FROM users a WHERE a.tenant_id = $1 \
                        AND a.id = ANY("
                } else {
                    " AND u.live_id = ANY (ARRAY (SELECT a.id FROM users a WHERE a.tenant_id = $1 AND a.id = ANY("
                },
                not_accounts(&key.user_ids),
            )
            .bind::<Array<Text>, _>(") UNION ALL SELECT i.owner_id FROM unnest(", providers)
            .bind::<Array<Text>, _>("::text[], ", subjects)
            .sql(
                "::text[]) n(provider, subject) JOIN identities i ON i.tenant_id = $1 AND i.provider = n.provider \
                    AND i.subject = n.subject WHERE ",
            )
            .sql(if resolves {
                // Not if one user has the id, and another one the account.
                "NOT EXISTS (SELECT FROM users a WHERE a.tenant_id = $1 AND a.id = i.provider || '|' || i.subject \
                    AND coalesce(a.absorbed_into, a.id) <> i.owner_id)"
            } else {
                "i.owner_id = i.provider || '|' || i.subject"
            })
            .sql(BY_EMAIL)
            .bind::<Array<Text>, _>("= ANY(", canonical)
            .bind::<Array<Text>, _>(") AND (p.email_canonical = ANY(", any_case)
            .bind::<Array<Text>, _>(") OR p.email = ANY(", exact)
            .sql("))");
        for prefix in &key.email_prefixes {
            self = self
                .sql(BY_EMAIL)
                .bind::<Text, _>(">= ", prefix.first())
                .bind::<Text, _>(" AND p.email_canonical < ", prefix.end());
        }
        self.sql("))")
    }

    /// Adds the conditions on one identity.
    fn identity(
        mut self,
        UserSearch { provider, subject, connection, .. }: &'a UserSearch,
    ) -> Self {
        if provider.is_none() && subject.is_none() && connection.is_none() {
            return self;
        }
        self = self.sql(" AND EXISTS (SELECT FROM identities i WHERE i.tenant_id = u.tenant_id AND i.owner_id = u.id");
        if let Some(provider) = provider {
            self = self.bind::<Text, _>(" AND i.provider = ", provider.as_str());
        }
        if let Some(subject) = subject {
            self = self.bind::<Text, _>(" AND i.subject = ", subject.as_str());
        }
        if let Some(connection) = connection {
            self = self.bind::<Text, _>(" AND i.connection = ", connection.as_str());
        }
        self.sql(")")
    }

    /// Adds the conditions on the email of the primary identity that no index has.
    ///
    /// `OFFSET 0` makes the database check them for one user after the other. Otherwise it could
    /// join all users before it has the first ones.
    fn root_email(self, search: &'a UserSearch, verifiers: &'a Verifiers) -> Self {
        let UserSearch { email_verified, excluded, .. } = search;
        let states = [("none", None), ("verified", Some(true)), ("unverified", Some(false))];
        let is_wanted = |state: Option<bool>| {
            let is_excluded = state.is_some_and(|state| excluded.email_verified.contains(&state));
            !is_excluded && (email_verified.is_none() || *email_verified == state)
        };
        let states =
            states.into_iter().filter(|(_, state)| is_wanted(*state)).map(|(name, _)| name);
        // The same condition as in `email_counts`, with the parameters at other positions.
        self.sql(" AND EXISTS (SELECT FROM identities p WHERE ")
            .sql(IS_PRIMARY)
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
                ") AND p.profile_data->'hd' = to_jsonb(split_part(p.email_canonical, '@', 2))) \
                    AND (p.email_verifier->>'kind' <> 'import' OR p.provider = ANY(",
                &verifiers.imported,
            )
            .bind::<Array<Text>, _>(
                ")) THEN 'verified' ELSE 'unverified' END = ANY(",
                states.collect::<Vec<_>>(),
            )
            .bind::<Array<Text>, _>(") AND (p.email_canonical = ANY(", texts(&excluded.emails, Email::canonical))
            .bind::<Array<Text>, _>(") OR p.email = ANY(", texts(&excluded.exact_emails, Email::given))
            .sql(")) IS NOT TRUE OFFSET 0)")
    }

    /// Adds the ids and identities that exclude a user. The database checks these for one user
    /// after the other, too.
    fn excluded(self, excluded: &'a Excluded) -> Self {
        self.bind::<Array<Text>, _>(" AND u.id <> ALL(", texts(&excluded.user_ids, UserId::as_str))
            .bind::<Array<Text>, _>(
                ") AND NOT EXISTS (SELECT FROM users a WHERE a.tenant_id = u.tenant_id AND a.absorbed_into = u.id \
                    AND a.id = ANY(",
                not_accounts(&excluded.user_ids),
            )
            .bind::<Array<Text>, _>(
                ") OFFSET 0) AND NOT EXISTS (SELECT FROM identities x WHERE x.tenant_id = u.tenant_id \
                    AND x.owner_id = u.id AND (x.provider || '|' || x.subject = ANY(",
                texts(&excluded.user_ids, UserId::as_str),
            )
            .bind::<Array<Text>, _>(") OR x.provider = ANY(", texts(&excluded.providers, Provider::as_str))
            .bind::<Array<Text>, _>(") OR x.subject = ANY(", texts(&excluded.subjects, Subject::as_str))
            .bind::<Array<Text>, _>(") OR x.connection = ANY(", texts(&excluded.connections, String::as_str))
            .sql(")) OFFSET 0)")
    }

    /// Adds the position and the order of a page.
    pub(super) fn page(mut self, page: &'a Page) -> Self {
        let Page { order, after, offset, limit } = page;
        self = match (order.by, order.is_descending, after) {
            // No id is before the empty one, so that it serves as the start and saves a further
            // statement text.
            (OrderBy::Id, false, after) => self.bind::<Text, _>(
                " AND u.live_id > ",
                after.as_ref().map_or("", |after| after.id.as_str()),
            ),
            (_, _, None) => self,
            (OrderBy::Id, true, Some(After { id, .. })) => {
                self.bind::<Text, _>(" AND u.live_id < ", id)
            }
            (OrderBy::CreateTime, is_descending, Some(After { create_time, id })) => self
                .bind::<Timestamptz, _>(
                    if is_descending {
                        " AND (u.create_time, u.live_id) < ("
                    } else {
                        " AND (u.create_time, u.live_id) > ("
                    },
                    create_time,
                )
                .bind::<Text, _>(", ", id)
                .sql(")"),
        };
        self.in_order(*order)
            .bind::<BigInt, _>(" OFFSET ", bigint(*offset))
            .bind::<BigInt, _>(" LIMIT ", bigint(*limit))
    }

    /// Adds an order.
    pub(super) fn in_order(self, order: Order) -> Self {
        self.sql(match (order.by, order.is_descending) {
            (OrderBy::Id, false) => " ORDER BY u.live_id",
            (OrderBy::Id, true) => " ORDER BY u.live_id DESC",
            (OrderBy::CreateTime, false) => " ORDER BY u.create_time, u.live_id",
            (OrderBy::CreateTime, true) => " ORDER BY u.create_time DESC, u.live_id DESC",
        })
    }
}

/// The account that an id of the form `provider|subject` means.
fn as_account(id: &UserId) -> Option<IdentityRef> {
    IdentityRef::parse_joined(id.as_str())
}

/// The ids that mean no account.
fn not_accounts(ids: &[UserId]) -> Vec<&str> {
    ids.iter().filter(|id| as_account(id).is_none()).map(UserId::as_str).collect()
}

fn texts<T>(things: &[T], text: fn(&T) -> &str) -> Vec<&str> {
    things.iter().map(text).collect()
}
