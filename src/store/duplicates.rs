//! The reads of a search for duplicates: which emails and phone numbers several users may share.
//!
//! Each walk reads all identities of a tenant by an index, a page at a time.

use diesel::{
    QueryableByName, sql_query,
    sql_types::{Array, BigInt, Bool, Nullable, Text},
};

use super::{
    Session, StoreError,
    bind::{bigint, column},
    cached::Cached,
    rows::user_id,
    trust::email_counts,
};
use crate::domain::UserId;

/// A place in the order of the emails, then of the users that have them. The default is before all.
#[derive(Debug, Clone, Default)]
pub struct EmailPlace {
    /// The canonical email.
    pub email: String,
    /// The user that has it.
    pub owner: String,
}

/// The emails of a page.
#[derive(Debug)]
pub struct EmailPage {
    /// Those that occur more than once, and the first and the last one of the page, each with a
    /// user that has it, in their order.
    pub emails: Vec<EmailPlace>,
    /// How many identities were read; 0 after the last page.
    pub read: u64,
}

/// A user that has an email.
#[derive(Debug)]
pub struct EmailOwner {
    /// The canonical email.
    pub email: String,
    /// The user.
    pub owner: UserId,
    /// Whether the email counts as verified on the user.
    pub counts: bool,
}

/// A place in the order of the users, then of their accounts. The default is before all.
#[derive(Debug, Clone, Default)]
pub struct AccountPlace {
    owner: String,
    provider: String,
    subject: String,
}

/// The accounts of a page.
#[derive(Debug)]
pub struct ClaimPage {
    /// What is claimed of those that have a claim.
    pub claims: Vec<Claims>,
    /// Where the next page begins; `None` after the last page.
    pub next: Option<AccountPlace>,
    /// How many identities were read.
    pub read: u64,
}

/// What providers claim to be verified of an account, whether or not it counts.
#[derive(Debug)]
pub struct Claims {
    /// The user that owns the account.
    pub owner: UserId,
    /// The phone number, in any form.
    pub phone: Option<String>,
    /// The canonical email, if it is one at Google.
    pub gmail: Option<String>,
}

#[derive(QueryableByName)]
struct PlaceRow {
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    owner_id: String,
    #[diesel(sql_type = BigInt)]
    read: i64,
}

#[derive(QueryableByName)]
struct OwnerRow {
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    owner_id: String,
    #[diesel(sql_type = Bool)]
    counts: bool,
}

#[derive(QueryableByName)]
struct ClaimRow {
    #[diesel(sql_type = Text)]
    owner_id: String,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    gmail: Option<String>,
    #[diesel(sql_type = BigInt)]
    read: i64,
}

impl Session {
    /// The next `limit` emails of identities after a place, in the order of the index on them.
    pub async fn emails_after(
        &mut self,
        after: &EmailPlace,
        limit: usize,
    ) -> Result<EmailPage, StoreError> {
        const SQL: &str = "SELECT p.email, p.owner_id, p.read FROM ( \
              SELECT i.email_canonical AS email, i.owner_id, lag(i.email_canonical) OVER w AS before, \
                lead(i.email_canonical) OVER w AS next, count(*) OVER () AS read \
              FROM (SELECT email_canonical, owner_id FROM identities \
                WHERE tenant_id = $1 AND email_canonical IS NOT NULL AND (email_canonical, owner_id) > ($2, $3) \
                ORDER BY email_canonical, owner_id LIMIT $4) i \
              WINDOW w AS (ORDER BY i.email_canonical, i.owner_id)) p \
            WHERE p.before IS NULL OR p.next IS NULL OR p.before = p.email OR p.next = p.email \
            ORDER BY p.email, p.owner_id";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(&after.email)
            .bind::<Text, _>(&after.owner)
            .bind::<BigInt, _>(bigint(limit));
        let rows: Vec<PlaceRow> = self.conn.load("emails_after", Cached(query)).await?;
        let read = count(rows.first().map(|row| row.read));
        let place = |row: PlaceRow| EmailPlace { email: row.email, owner: row.owner_id };
        Ok(EmailPage { emails: rows.into_iter().map(place).collect(), read })
    }

    /// The users that have each of these canonical emails, at most `limit` of each, in the order of
    /// their ids; without `include_unverified`, those on which it counts as verified.
    pub async fn owners_of_emails(
        &mut self,
        emails: &[String],
        include_unverified: bool,
        limit: usize,
    ) -> Result<Vec<EmailOwner>, StoreError> {
        const SQL: &str = concat!(
            "SELECT q.email, o.owner_id, o.counts FROM unnest($2::text[]) AS q(email) \
             CROSS JOIN LATERAL (SELECT n.owner_id, bool_or(n.counts) AS counts FROM ( \
               SELECT i.owner_id, ",
            email_counts!("i", "$5", "$6", "$7", "$8"),
            " AS counts FROM identities i WHERE i.tenant_id = $1 AND i.email_canonical = q.email) n \
               WHERE $3 OR n.counts GROUP BY n.owner_id ORDER BY n.owner_id LIMIT $4) o \
             ORDER BY q.email, o.owner_id"
        );
        let verifiers = &self.trust.verifiers;
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Array<Text>, _>(column(emails, String::as_str))
            .bind::<Bool, _>(include_unverified)
            .bind::<BigInt, _>(bigint(limit))
            .bind::<Array<Text>, _>(&verifiers.always)
            .bind::<Array<Text>, _>(&verifiers.domains)
            .bind::<Array<Text>, _>(&verifiers.hosted)
            .bind::<Array<Text>, _>(&verifiers.imported);
        let rows: Vec<OwnerRow> = self.conn.load("owners_of_emails", Cached(query)).await?;
        let owner = |row: OwnerRow| {
            Ok(EmailOwner { owner: user_id(&row.owner_id)?, email: row.email, counts: row.counts })
        };
        rows.into_iter().map(owner).collect()
    }

    /// What is claimed of the next `limit` accounts after a place, in the order of their owners.
    pub async fn claims_after(
        &mut self,
        after: &AccountPlace,
        limit: usize,
    ) -> Result<ClaimPage, StoreError> {
        const SQL: &str = "SELECT p.owner_id, p.provider, p.subject, p.phone, p.gmail, p.read FROM ( \
              SELECT i.owner_id, i.provider, i.subject, \
                CASE WHEN i.profile_data->'phone_number_verified' = 'true'::jsonb \
                  THEN i.profile_data->>'phone_number' END AS phone, \
                CASE WHEN i.email_verified AND split_part(i.email_canonical, '@', 2) = ANY($5) \
                  THEN i.email_canonical END AS gmail, \
                row_number() OVER w AS place, count(*) OVER () AS read \
              FROM (SELECT owner_id, provider, subject, profile_data, email_verified, email_canonical FROM identities \
                WHERE tenant_id = $1 AND (owner_id, provider, subject) > ($2, $3, $4) \
                ORDER BY owner_id, provider, subject LIMIT $6) i \
              WINDOW w AS (ORDER BY i.owner_id, i.provider, i.subject)) p \
            WHERE p.phone IS NOT NULL OR p.gmail IS NOT NULL OR p.place = p.read \
            ORDER BY p.owner_id, p.provider, p.subject";
        let query = sql_query(SQL)
            .bind::<Text, _>(self.tenant.as_str())
            .bind::<Text, _>(&after.owner)
            .bind::<Text, _>(&after.provider)
            .bind::<Text, _>(&after.subject)
            .bind::<Array<Text>, _>(["gmail.com", "googlemail.com"].as_slice())
            .bind::<BigInt, _>(bigint(limit));
        let rows: Vec<ClaimRow> = self.conn.load("claims_after", Cached(query)).await?;
        let read = count(rows.first().map(|row| row.read));
        let next = rows.last().map(|row| AccountPlace {
            owner: row.owner_id.clone(),
            provider: row.provider.clone(),
            subject: row.subject.clone(),
        });
        let claims = rows.into_iter().filter(|row| row.phone.is_some() || row.gmail.is_some());
        let claims = claims.map(|row| {
            Ok(Claims { owner: user_id(&row.owner_id)?, phone: row.phone, gmail: row.gmail })
        });
        Ok(ClaimPage { claims: claims.collect::<Result<_, StoreError>>()?, next, read })
    }
}

fn count(number: Option<i64>) -> u64 {
    number.and_then(|number| u64::try_from(number).ok()).unwrap_or_default()
}
