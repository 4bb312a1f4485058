//! Searches for users.

mod statement;

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Text},
};

use self::statement::Statement;
use super::{
    Session, StoreError,
    bind::bigint,
    cached::Cached,
    trust::email_counts,
    user_rows::{identities_of_user, user_columns},
};
use crate::domain::{Email, Provider, Subject, User, UserId};

/// A search for the live users that fulfil all conditions. An empty search finds all live users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSearch {
    /// Keys that have an index. A user must be found by each of them.
    pub keys: Vec<Key>,
    /// Whether the id of an absorbed user finds its holder.
    pub resolves: bool,
    /// Demands a primary identity with an email that counts as verified (true) or does not (false).
    pub email_verified: Option<bool>,
    /// The provider of one of the identities.
    pub provider: Option<Provider>,
    /// The subject of one of the identities: the one that fulfils `provider` and `connection` too.
    pub subject: Option<Subject>,
    /// The connection of one of the identities: the one that fulfils `provider` and `subject` too.
    pub connection: Option<String>,
    /// Conditions that exclude a user.
    pub excluded: Excluded,
    /// Whether another condition holds for no user, so that the search finds none.
    pub matches_no_user: bool,
}

/// Values that have an index. Any one of them finds a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Key {
    /// The user's id. An id of the form `provider|subject` also means that account: it finds the
    /// user only while the user holds the account.
    pub user_ids: Vec<UserId>,
    /// The email of the primary identity.
    pub emails: Vec<Email>,
    /// The email of the primary identity, in this very spelling.
    pub exact_emails: Vec<Email>,
    /// A prefix of the email of the primary identity.
    pub email_prefixes: Vec<EmailPrefix>,
}

/// The beginning of an email in its canonical form: at least [`EmailPrefix::MIN`] characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmailPrefix(String);

/// Values that exclude a user: any one of them is enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excluded {
    /// The user's id, the id of a user that was linked into it, or `provider|subject` of one of its
    /// accounts.
    pub user_ids: Vec<UserId>,
    /// The email of the primary identity.
    pub emails: Vec<Email>,
    /// The email of the primary identity, in this very spelling.
    pub exact_emails: Vec<Email>,
    /// Excludes users whose primary identity has an email that counts as verified (true) or does
    /// not (false).
    pub email_verified: Vec<bool>,
    /// The provider of any identity.
    pub providers: Vec<Provider>,
    /// The subject of any identity, at any provider.
    pub subjects: Vec<Subject>,
    /// The connection of any identity.
    pub connections: Vec<String>,
}

/// The order of a list of users. An index has each order, so that the database reads only the first
/// rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Order {
    /// The key of the order.
    pub by: OrderBy,
    /// Whether the order is descending.
    pub is_descending: bool,
}

/// The key of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OrderBy {
    /// The users' ids.
    #[default]
    Id,
    /// The users' creation times; users of one time are in the order of their ids.
    CreateTime,
}

/// The part of the result that a caller wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// The order of the users.
    pub order: Order,
    /// The position after which the part begins; `None` for the start.
    pub after: Option<After>,
    /// The number of users to skip from there.
    pub offset: usize,
    /// The largest number of users.
    pub limit: usize,
}

/// A user's position in each order. Neither part ever changes, so the rest of a list skips no user
/// that it had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// The user's creation time.
    pub create_time: DateTime<Utc>,
    /// The user's id.
    pub id: String,
}

impl UserSearch {
    /// Whether keys lead to the users of the result and to few others, so that the database checks
    /// few users.
    pub fn has_key(&self) -> bool {
        let Self { keys, provider, subject, matches_no_user, .. } = self;
        let is_one = !keys.is_empty() || (provider.is_some() && subject.is_some());
        *matches_no_user || (is_one && keys.iter().all(|key| key.email_prefixes.is_empty()))
    }
}

impl EmailPrefix {
    /// The least length in characters: a shorter text would be the prefix of a large part of all
    /// emails.
    pub const MIN: usize = 3;

    /// Reads a prefix in any case. `None` if it is too short, or has a character outside ASCII: the
    /// canonical form of such an email may begin differently.
    pub fn parse(text: &str) -> Option<Self> {
        let is_one = text.len() >= Self::MIN && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_one.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Whether each text with the other prefix has this one too.
    pub fn includes(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// The first text with this prefix.
    fn first(&self) -> &str {
        &self.0
    }

    /// The first text after all texts with this prefix. The database compares canonical emails byte
    /// by byte, and no byte of the prefix is the last one of ASCII.
    fn end(&self) -> String {
        let mut end = self.0.clone();
        if let Some(last) = end.pop() {
            end.push(char::from((last as u8).saturating_add(1)));
        }
        end
    }
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    users: i64,
}

impl Session {
    /// One page of the users that the search finds.
    pub async fn search_users(
        &mut self,
        search: &UserSearch,
        page: &Page,
    ) -> Result<Vec<User>, StoreError> {
        if search.matches_no_user {
            return Ok(Vec::new());
        }
        // Only the users of the page are numbered, and only their identities are read.
        let statement = Statement::new()
            .sql(concat!(
                "SELECT ",
                user_columns!("u.position"),
                " FROM (SELECT u.*, row_number() OVER ("
            ))
            .in_order(page.order)
            .sql(") AS position FROM (SELECT u.*")
            .users(search, self.tenant.as_str(), &self.trust.verifiers)
            .page(page)
            .sql(concat!(") u) u", identities_of_user!()));
        match search.is_usual() && page.order == Order::default() {
            true => self.load_users(Cached(statement.query)).await,
            false => self.load_users(statement.query).await,
        }
    }

    /// The number of users that the search finds. Counting stops at `at_most`.
    pub async fn count_users(
        &mut self,
        search: &UserSearch,
        at_most: usize,
    ) -> Result<usize, StoreError> {
        if search.matches_no_user {
            return Ok(0);
        }
        let statement = Statement::new()
            .sql("SELECT count(*) AS users FROM (SELECT")
            .users(search, self.tenant.as_str(), &self.trust.verifiers)
            .bind::<BigInt, _>(" LIMIT ", bigint(at_most))
            .sql(") m");
        let row: Option<CountRow> = match search.is_usual() {
            true => self.conn.load_one("count_users", Cached(statement.query)).await?,
            false => self.conn.load_one("count_users", statement.query).await?,
        };
        Ok(row.map_or(0, |row| usize::try_from(row.users).unwrap_or(usize::MAX)))
    }

    /// The live users whose primary identity has this canonical email, at most `limit`. Users whose
    /// email counts as verified come first, however many others there are. Each group is in the
    /// order of the ids.
    pub async fn users_by_root_email(
        &mut self,
        canonical: &str,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        macro_rules! owners {
            ($whose:literal) => {
                concat!(
                    "(SELECT u.*, ",
                    email_counts!("p", "$4", "$5", "$6", "$7"),
                    " AS email_counts FROM identities p \
                       JOIN users u ON u.tenant_id = p.tenant_id AND u.id = p.owner_id \
                         AND u.primary_provider = p.provider AND u.primary_subject = p.subject \
                       WHERE p.tenant_id = $1 AND p.email_canonical = $2 AND ",
                    $whose,
                    "(",
                    email_counts!("p", "$4", "$5", "$6", "$7"),
                    ") ORDER BY u.id LIMIT $3)"
                )
            };
        }
        const SQL: &str = concat!(
            "SELECT ",
            user_columns!("(NOT u.email_counts)::integer::bigint"),
            " FROM (SELECT u.* FROM (",
            owners!(""),
            " UNION ALL ",
            owners!("NOT "),
            ") u ORDER BY NOT u.email_counts, u.id LIMIT $3) u",
            identities_of_user!()
        );
        let verifiers = &self.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(canonical)
            .bind::<BigInt, _>(bigint(limit))
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted)
            .bind::<Array<Text>, _>(&verifiers.imported);
        self.load_users(Cached(query)).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_lies_between_the_bounds_of_a_prefix_begins_with_it(
            text in "[a-c~]{3,4}",
            email in prop_oneof!["[a-c~]{0,4}\\PC{0,3}", "[a-c~]{3,6}"],
        ) {
            let prefix = EmailPrefix::parse(&text).unwrap();
            let is_between = prefix.first() <= email.as_str() && email < prefix.end();
            prop_assert_eq!(is_between, email.starts_with(&text));
        }
    }

    #[test]
    fn a_prefix_is_of_ascii_and_not_too_short() {
        for good in ["ann", "Ann@Example", "a.b+c@d-e"] {
            assert_eq!(EmailPrefix::parse(good), Some(EmailPrefix(good.to_lowercase())));
        }
        for bad in ["", "an", "ané", "anné", "a n", "ann\0", "\u{212a}nn"] {
            assert_eq!(EmailPrefix::parse(bad), None, "{bad}");
        }
    }
}
