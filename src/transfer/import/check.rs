//! Checks a row, and makes the user of it. A row is never repaired: each of its faults is reported.

use std::{collections::BTreeSet, sync::Arc};

use chrono::{DateTime, Datelike as _, SubsecRound as _, Utc};
use serde_json::{Map, Value};

use super::{
    keys::KeyHash,
    providers::{Mapped, ProviderMap},
};
use crate::{
    config::Tenant,
    domain::{
        EmailVerification, Identity, IdentityEmail, IdentityRef, Metadata, Subject, User, UserId,
        Verifier, Violation,
        identity_email::MAX_EMAIL,
        linking::{MAX_IDENTITIES, UnownedIdentity, owned_identity},
        unlinking::new_user,
    },
    store::ImportedUser,
    transfer::row::{Row, RowIdentity},
};

/// The longest name of a connection, in bytes.
const MAX_CONNECTION: usize = 128;
/// The most other names of a user.
const MAX_ALIASES: usize = 1000;

/// A row whose fields are well-formed.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRow {
    /// The user's id; `None` for a random one.
    pub id: Option<UserId>,
    /// Its other names.
    pub aliases: Vec<UserId>,
    primary: Account,
    /// The other accounts.
    others: Vec<Account>,
    /// How many accounts the map leaves out.
    pub left_out: u64,
    create_time: Option<DateTime<Utc>>,
    update_time: Option<DateTime<Utc>>,
    blocked: bool,
    tokens_valid_from: Option<DateTime<Utc>>,
    user_metadata: Metadata,
    app_metadata: Metadata,
    profile_overrides: Metadata,
}

/// An account of a [`CheckedRow`].
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Account {
    /// Its place in the row.
    place: usize,
    identity: UnownedIdentity,
    attach_time: Option<DateTime<Utc>>,
}

/// What the rows of one run are checked by.
#[derive(Clone)]
pub struct Checker {
    /// The tenant of the users.
    pub tenant: Arc<Tenant>,
    /// The providers of the file.
    pub providers: Arc<ProviderMap>,
    /// The time of the import.
    pub now: DateTime<Utc>,
}

/// Collects the faults of a row.
struct Faults<'a> {
    checker: &'a Checker,
    violations: Vec<Violation>,
}

impl Checker {
    /// What no other row may have: the ids and the accounts, as far as they are well-formed.
    pub fn keys(&self, row: &Row) -> BTreeSet<KeyHash> {
        let ids = row.id.iter().chain(&row.aliases).filter_map(|id| UserId::parse(id));
        let accounts = row.identities.iter().filter_map(|identity| {
            let mapped = self.providers.get(&identity.provider, &self.tenant);
            let Mapped::To(provider) = mapped else { return None };
            let subject = Subject::parse(&identity.subject)?;
            Some(KeyHash::of_identity(&IdentityRef { provider, subject }))
        });
        ids.map(|id| KeyHash::of_id(&id)).chain(accounts).collect()
    }

    /// The row, if all of its fields are well-formed.
    ///
    /// # Errors
    /// All faults, with their places in the row.
    pub fn check(&self, row: Row) -> Result<CheckedRow, Vec<Violation>> {
        let mut faults = Faults { checker: self, violations: Vec::new() };
        let id = row.id.as_ref().and_then(|id| faults.user_id("id".to_owned(), id));
        let aliases = faults.aliases(&row);
        let named = row.identities.len();
        faults.refuse_ids_of_others(&row);
        let accounts = faults.accounts(row.identities);
        let left_out = accounts.iter().filter(|account| account.is_none()).map(|_| 1).sum();
        let mut accounts = accounts.into_iter().flatten();
        let primary = accounts.next();
        if primary.is_none() && faults.violations.is_empty() {
            faults.report(
                "identities".to_owned(),
                match named {
                    0 => "is empty: a user has at least one account",
                    _ => "has only accounts that the map of providers leaves out",
                },
            );
        }
        let create_time = faults.past("create_time".to_owned(), row.create_time);
        let update_time = faults.past("update_time".to_owned(), row.update_time);
        let tokens_valid_from = faults.time("tokens_valid_from".to_owned(), row.tokens_valid_from);
        let user_metadata = faults.metadata("user_metadata", row.user_metadata);
        let app_metadata = faults.metadata("app_metadata", row.app_metadata);
        let profile_overrides = faults.metadata("profile_overrides", row.profile_overrides);
        match primary {
            Some(primary) if faults.violations.is_empty() => Ok(CheckedRow {
                id,
                aliases,
                primary,
                others: accounts.collect(),
                left_out,
                create_time,
                update_time,
                blocked: row.blocked,
                tokens_valid_from,
                user_metadata,
                app_metadata,
                profile_overrides,
            }),
            _ => Err(faults.violations),
        }
    }
}

impl Faults<'_> {
    fn report(&mut self, field: String, description: &str) {
        self.violations.push(Violation::new(field, description));
    }

    fn user_id(&mut self, field: String, text: &str) -> Option<UserId> {
        let id = UserId::parse(text);
        if id.is_none() {
            self.report(field, UserId::FORM);
        }
        id
    }

    /// Refuses names of the form `provider|subject` that are not accounts of the user. Issuers name
    /// people like that, so the owner of the account would be taken for this user; and in some
    /// systems people choose the name that is the id here.
    fn refuse_ids_of_others(&mut self, row: &Row) {
        let checker = self.checker;
        let own: BTreeSet<String> = row.identities.iter().flat_map(own_names(checker)).collect();
        let aliases = (0..).zip(&row.aliases).map(|(at, alias)| (format!("aliases/{at}"), alias));
        let ids = row.id.iter().map(|id| ("id".to_owned(), id)).chain(aliases);
        for (field, id) in ids.take(MAX_ALIASES) {
            if IdentityRef::parse_joined(id).is_some() && !own.contains(id) {
                self.report(
                    field,
                    "names an account that is not one of this user's: its owner would be taken for this user",
                );
            }
        }
    }

    fn aliases(&mut self, row: &Row) -> Vec<UserId> {
        if row.aliases.len() > MAX_ALIASES {
            self.report("aliases".to_owned(), &format!("has more than {MAX_ALIASES} names"));
            return Vec::new();
        }
        let mut seen: BTreeSet<&str> = row.id.iter().map(String::as_str).collect();
        let mut aliases = Vec::new();
        for (at, alias) in row.aliases.iter().enumerate() {
            if seen.insert(alias) {
                aliases.extend(self.user_id(format!("aliases/{at}"), alias));
            } else {
                self.report(format!("aliases/{at}"), "is the id of the user, or occurs twice");
            }
        }
        aliases
    }

    /// The accounts; `None` for one at a provider that the map leaves out.
    fn accounts(&mut self, rows: Vec<RowIdentity>) -> Vec<Option<Account>> {
        if rows.len() > MAX_IDENTITIES {
            let text = format!("has {} accounts; at most {MAX_IDENTITIES} are allowed", rows.len());
            self.report("identities".to_owned(), &text);
            return Vec::new();
        }
        let mut seen = BTreeSet::new();
        let mut accounts = Vec::new();
        for (at, row) in rows.into_iter().enumerate() {
            let field = format!("identities/{at}");
            match self.checker.providers.get(&row.provider, &self.checker.tenant) {
                Mapped::LeftOut => accounts.push(None),
                Mapped::Missing => self.report(
                    format!("{field}/provider"),
                    "is no provider of the tenant, and the map does not name one for it",
                ),
                Mapped::To(provider) => {
                    let Some(subject) = Subject::parse(&row.subject) else {
                        self.report(format!("{field}/subject"), Subject::FORM);
                        continue;
                    };
                    let id = IdentityRef { provider, subject };
                    if !seen.insert(id.clone()) {
                        self.report(
                            field.clone(),
                            "is the same account as an earlier one of this user",
                        );
                    }
                    accounts.extend(self.account(at, id, row).map(Some));
                }
            }
        }
        accounts
    }

    fn account(&mut self, place: usize, id: IdentityRef, row: RowIdentity) -> Option<Account> {
        let field = &format!("identities/{place}");
        let is_name =
            |name: &str| name.len() <= MAX_CONNECTION && !name.chars().any(char::is_control);
        if !is_name(&row.connection) {
            let text = format!("must be at most {MAX_CONNECTION} bytes without control characters");
            self.report(format!("{field}/connection"), &text);
        } else if !self.checker.tenant.has_connection(&id.provider, &row.connection) {
            self.report(
                format!("{field}/connection"),
                "is not one of the connections that are configured for this provider",
            );
        }
        let verify_time = self.past(format!("{field}/email_verify_time"), row.email_verify_time);
        let email = self.email(field, &row, verify_time);
        let profile_data = self.metadata(&format!("{field}/profile_data"), row.profile_data);
        let attach_time = self.past(format!("{field}/attach_time"), row.attach_time);
        let (connection, social) = (row.connection, row.social);
        let identity = UnownedIdentity {
            id,
            connection,
            social,
            email,
            other_emails: Vec::new(),
            profile_data,
            signed_in_at: None,
            tokens: None,
        };
        let identity = self.checker.tenant.with_provider_settings(identity);
        Some(Account { place, identity, attach_time })
    }

    /// The email. A text that is no address is kept as it is, and is never verified.
    fn email(
        &mut self,
        field: &str,
        row: &RowIdentity,
        verify_time: Option<DateTime<Utc>>,
    ) -> Option<IdentityEmail> {
        if row.email.is_empty() {
            if row.email_verified {
                self.report(format!("{field}/email_verified"), "needs an email");
            }
            return None;
        }
        let time = verify_time.unwrap_or(self.checker.now);
        let verified =
            row.email_verified.then_some(EmailVerification { time, by: Verifier::Import });
        let email = IdentityEmail::claimed(&row.email, verified);
        if email.is_none() {
            let text = format!("must be at most {MAX_EMAIL} bytes without control characters");
            self.report(format!("{field}/email"), &text);
        }
        email
    }

    fn metadata(&mut self, field: &str, map: Map<String, Value>) -> Metadata {
        Metadata::parse(field, map).unwrap_or_else(|violations| {
            self.violations.extend(violations);
            Metadata::default()
        })
    }

    /// A time that is over, in the microseconds that are stored.
    fn past(&mut self, field: String, time: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        if time.is_some_and(|time| time > self.checker.now) {
            self.report(field.clone(), "is in the future");
        }
        self.time(field, time)
    }

    fn time(&mut self, field: String, time: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        if time.is_some_and(|time| !(1..=9999).contains(&time.year())) {
            self.report(field, "must be in the years 1 to 9999");
        }
        time.map(|time| time.trunc_subsecs(6))
    }
}

/// The names `provider|subject` of an account, by the provider of the file and by that of the tenant.
fn own_names(checker: &Checker) -> impl Fn(&RowIdentity) -> Vec<String> {
    |identity| {
        let RowIdentity { provider, subject, .. } = identity;
        let mut names = vec![format!("{provider}|{subject}")];
        if let Mapped::To(mapped) = checker.providers.get(provider, &checker.tenant) {
            names.push(format!("{mapped}|{subject}"));
        }
        names
    }
}

impl CheckedRow {
    /// The accounts, each with its place in the row.
    pub fn identities(&self) -> impl Iterator<Item = (usize, &IdentityRef)> {
        self.accounts().map(|account| (account.place, &account.identity.id))
    }

    fn accounts(&self) -> impl Iterator<Item = &Account> {
        [&self.primary].into_iter().chain(&self.others)
    }

    /// The emails that the source says are verified, as they are compared, each with whether this
    /// counts by today's configuration.
    pub(super) fn verified_emails(&self, tenant: &Tenant) -> impl Iterator<Item = (&str, bool)> {
        self.accounts().filter_map(|Account { identity, .. }| {
            let email = identity.email.as_ref().filter(|email| email.verified.is_some())?;
            let canonical = email.canonical.as_deref()?;
            let mut judged = email.clone();
            judged.judge(&tenant.provider(&identity.id.provider).policy, &identity.profile_data);
            Some((canonical, judged.is_verified()))
        })
    }

    /// What no other row may have, each with its place in the row, and with what it is.
    pub fn named_keys(&self) -> impl Iterator<Item = (String, &'static str, KeyHash)> {
        let id = self.id.iter().map(|id| ("id".to_owned(), "id", KeyHash::of_id(id)));
        let aliases = (0..)
            .zip(&self.aliases)
            .map(|(at, alias): (usize, _)| (format!("aliases/{at}"), "id", KeyHash::of_id(alias)));
        let accounts = self.accounts().map(|account| {
            let field = format!("identities/{}", account.place);
            (field, "account", KeyHash::of_identity(&account.identity.id))
        });
        id.chain(aliases).chain(accounts)
    }

    /// The user of this row under an id.
    pub fn into_imported(self, id: &UserId, now: DateTime<Utc>) -> ImportedUser {
        let create_time = self.create_time.unwrap_or(now);
        let identity = |ordinal, Account { identity, attach_time, .. }| Identity {
            attach_time: attach_time.unwrap_or(create_time),
            ..owned_identity(identity, id.clone(), ordinal, now)
        };
        let primary = identity(0, self.primary);
        let others = (1..).zip(self.others).map(|(ordinal, account)| identity(ordinal, account));
        let others: Vec<Identity> = others.collect();
        let mut user = User {
            create_time,
            update_time: self.update_time.unwrap_or(create_time),
            user_metadata: self.user_metadata,
            app_metadata: self.app_metadata,
            profile_overrides: self.profile_overrides,
            blocked: self.blocked,
            tokens_valid_from: self.tokens_valid_from,
            ..new_user(id.clone(), &primary, now)
        };
        user.identities.extend(others);
        ImportedUser { user, aliases: self.aliases }
    }
}
