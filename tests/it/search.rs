//! Searches for users by several conditions, as the store runs them.

use identity_link::{
    domain::{Email, Identity, IdentityEmail, Provider, Subject, TenantId, User, UserId},
    store::{
        Address, After, EmailPrefix, Excluded, Key, Order, OrderBy, Page, Session, Store,
        UserSearch,
    },
    telemetry::metrics::Metrics,
};

use crate::support::{cluster::Database, *};

/// A session of the store for this tenant. These tests call the store directly.
pub(super) async fn db_session(database: &Database, tenant: &str) -> Session {
    let tenant = TenantId::parse(tenant).unwrap();
    let address = Address::parse(&database.url).unwrap();
    let store = Store::open(&address, 1, policies(), &Metrics::default()).await.unwrap();
    store.session(&tenant).await.unwrap()
}

pub(super) fn user_id(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(super) fn email(email: &str) -> Email {
    Email::parse(email).unwrap()
}

pub(super) fn provider(provider: &str) -> Provider {
    Provider::parse(provider).unwrap()
}

pub(super) fn subject(subject: &str) -> Subject {
    Subject::parse(subject).unwrap()
}

fn ids(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.id.as_str()).collect()
}

/// Users of a tenant whose ids are `provider|subject`.
async fn db_people(server: &TestServer) {
    let service = server.service_of("joined");
    // Not in the order of their ids.
    service.create("github", "3").await;
    service.create_with("github", "2", unverified("cyd@example.com")).await;
    service.create_with("github", "1", verified("ben@example.com")).await;
    service.create_with("apple", "2", unverified("ann@example.com")).await;
    service.create_with("apple", "1", verified("Ann@example.com")).await;
    // A70: the provider says that it has verified the email, and is not trusted with that.
    service.create_with("sms", "1", verified("ann@example.com")).await;
    // This user has four identities. Its email is that of the first one only, and neither subject
    // is one at the other provider.
    service.create_with("okta", "1", unverified("eve@example.com")).await;
    service.create_with("okta", "2", verified("ann@example.com")).await;
    service.create_with("github", "4", verified("ann@example.com")).await;
    service.create_with("apple", "5", verified("ann@example.com")).await;
    for secondary in ["okta|2", "github|4", "apple|5"] {
        service.link(link_user("okta|1", secondary)).await.unwrap();
    }
    // A user of another tenant, whose id is the id of another user in this tenant.
    let elsewhere = "INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject) \
          VALUES ('other', 'github|3', now(), now(), 'apple', '1'); \
        INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, email, \
          email_canonical, attach_time) \
          VALUES ('other', 'apple', '1', 'github|3', 'github|3', 0, 'apple', false, 'ann@example.com', \
          'ann@example.com', now())";
    server.database.db_execute(elsewhere).await;
    // An email without a canonical form, as the server has to take it from a provider.
    let no_email = "UPDATE identities SET email = 'cyd', email_canonical = NULL WHERE email = 'cyd@example.com'";
    server.database.db_execute(no_email).await;
}

/// Whether a search matches one user, without a database.
fn is_meant(search: &UserSearch, user: &User) -> bool {
    let root = user.identity(&user.primary).and_then(|identity| identity.email.as_ref());
    let canonical = root.and_then(|email| email.canonical.as_deref());
    let given = root.map(|email| email.given.as_str());
    let verified = root.map(IdentityEmail::is_verified);
    let has = |is_it: &dyn Fn(&Identity) -> bool| user.identities.iter().any(is_it);
    let leads = |key: &Key| {
        let begins = |prefix: &EmailPrefix| {
            *prefix == EmailPrefix::parse(&canonical.unwrap_or("none")[..3]).unwrap()
        };
        key.user_ids.contains(&user.id)
            || key.emails.iter().any(|email| canonical == Some(email.canonical()))
            || key.exact_emails.iter().any(|email| given == Some(email.given()))
            || key.email_prefixes.iter().any(begins)
    };
    let not = &search.excluded;
    search.keys.iter().all(leads)
        && search.email_verified.is_none_or(|demanded| verified == Some(demanded))
        && has(&|identity| {
            search.provider.as_ref().is_none_or(|provider| *provider == identity.id.provider)
                && search.subject.as_ref().is_none_or(|subject| *subject == identity.id.subject)
                && search
                    .connection
                    .as_ref()
                    .is_none_or(|connection| *connection == identity.connection)
        })
        && !not.user_ids.contains(&user.id)
        && !not.emails.iter().any(|email| canonical == Some(email.canonical()))
        && !not.exact_emails.iter().any(|email| given == Some(email.given()))
        && !verified.is_some_and(|verified| not.email_verified.contains(&verified))
        && !has(&|identity| {
            not.user_ids.iter().any(|id| *id.as_str() == identity.id.to_string())
                || not.providers.contains(&identity.id.provider)
                || not.subjects.contains(&identity.id.subject)
                || not.connections.contains(&identity.connection)
        })
}

pub(super) fn by_id(id: &str) -> Key {
    Key { user_ids: vec![user_id(id)], ..Default::default() }
}

pub(super) fn by_email(address: &str) -> Key {
    Key { emails: vec![email(address)], ..Default::default() }
}

pub(super) fn by_prefix(prefix: &str) -> Key {
    Key { email_prefixes: vec![EmailPrefix::parse(prefix).unwrap()], ..Default::default() }
}

/// Every combination of the terms, with some values of each.
pub(super) fn searches() -> Vec<UserSearch> {
    let exclusions = [
        Excluded::default(),
        Excluded { user_ids: vec![user_id("apple|1"), user_id("okta|1")], ..Default::default() },
        // One that she was linked from.
        Excluded { user_ids: vec![user_id("github|4")], ..Default::default() },
        Excluded {
            emails: vec![email("ann@example.com"), email("x@example.com")],
            ..Default::default()
        },
        Excluded { exact_emails: vec![email("ann@example.com")], ..Default::default() },
        Excluded { email_verified: vec![true], ..Default::default() },
        Excluded { email_verified: vec![false, true], ..Default::default() },
        Excluded { providers: vec![provider("apple")], ..Default::default() },
        Excluded {
            providers: vec![provider("okta")],
            subjects: vec![subject("3")],
            ..Default::default()
        },
        Excluded { connections: vec!["sms".to_owned()], ..Default::default() },
    ];
    let either = Key {
        user_ids: vec![user_id("github|3"), user_id("sms|1")],
        exact_emails: vec![email("Ann@example.com")],
        email_prefixes: by_prefix("Eve").email_prefixes,
        ..by_email("ben@example.com")
    };
    let keys = [
        vec![],
        vec![by_id("okta|1")],
        vec![by_email("ann@example.com")],
        vec![by_email("eve@example.com"), by_id("okta|1")],
        vec![by_prefix("ann")],
        vec![either],
    ];
    let apple = || Some("apple".to_owned());
    let mut identities =
        vec![(None, None, apple()), (None, Some("5"), apple()), (Some("github"), None, apple())];
    for provider in [None, Some("github"), Some("apple")] {
        identities.extend([None, Some("1"), Some("4")].map(|subject| (provider, subject, None)));
    }
    let mut searches = vec![];
    for keys in keys {
        for email_verified in [None, Some(true), Some(false)] {
            for (its_provider, its_subject, connection) in &identities {
                for excluded in &exclusions {
                    searches.push(UserSearch {
                        keys: keys.clone(),
                        email_verified,
                        provider: its_provider.map(provider),
                        subject: its_subject.map(subject),
                        connection: connection.clone(),
                        excluded: excluded.clone(),
                        ..Default::default()
                    });
                }
            }
        }
    }
    searches
}

/// The first `limit` users of the result.
pub(super) fn first(limit: usize) -> Page {
    Page { limit, ..Default::default() }
}

#[tokio::test]
async fn every_combination_of_terms_finds_and_counts_the_users_that_match() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let mut session = db_session(&server.database, "joined").await;
    let everybody = session.search_users(&UserSearch::default(), &first(100)).await.unwrap();
    assert_eq!(
        ids(&everybody),
        ["apple|1", "apple|2", "github|1", "github|2", "github|3", "okta|1", "sms|1"]
    );

    let mut found_somebody = 0;
    for search in searches() {
        let meant: Vec<_> =
            everybody.iter().filter(|user| is_meant(&search, user)).cloned().collect();

        assert_eq!(session.search_users(&search, &first(100)).await.unwrap(), meant, "{search:?}");
        assert_eq!(session.count_users(&search, 100).await.unwrap(), meant.len(), "{search:?}");
        found_somebody += usize::from(!meant.is_empty());
    }
    assert!(found_somebody > 100, "{found_somebody}");
}

#[tokio::test]
async fn a_provider_and_a_subject_are_those_of_one_identity() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let mut session = db_session(&server.database, "joined").await;
    let mut found = async |p: &str, s: &str| {
        let search = UserSearch {
            provider: Some(provider(p)),
            subject: Some(subject(s)),
            ..Default::default()
        };
        session.search_users(&search, &first(100)).await.unwrap()
    };

    // The user has an identity at GitHub, and another one whose subject is 5.
    assert_eq!(ids(&found("github", "5").await), [""; 0]);
    assert_eq!(ids(&found("github", "4").await), ["okta|1"]);
}

/// Every part of the list in every order, whatever index gives it.
#[tokio::test]
async fn pages_are_told_in_every_order_by_an_offset_and_by_the_last_user() {
    let server = TestServer::start().await;
    db_people(&server).await;
    // Two users with one creation time, not created one after the other. Otherwise an index would
    // give their order even without that order in the statement.
    let database = &server.database;
    let same = "UPDATE users SET create_time = (SELECT create_time FROM users WHERE id = 'github|2' AND tenant_id = \
        'joined') WHERE id = 'okta|1'";
    database
        .db_execute(&format!("{same}; ALTER DATABASE {} SET enable_indexscan = off", database.name))
        .await;
    let mut session = db_session(database, "joined").await;
    let github = UserSearch { provider: Some(provider("github")), ..Default::default() };
    let orders = [
        (OrderBy::Id, "github|1 github|2 github|3 okta|1"),
        (OrderBy::CreateTime, "github|3 github|2 okta|1 github|1"),
    ];

    for (by, ascending) in orders {
        for is_descending in [false, true] {
            let order = Order { by, is_descending };
            let page = |offset, limit| Page { order, after: None, offset, limit };
            let all = session.search_users(&github, &page(0, 10)).await.unwrap();
            let mut expected: Vec<_> = ascending.split(' ').collect();
            if is_descending {
                expected.reverse();
            }
            assert_eq!(ids(&all), expected, "{order:?}");
            for offset in 0..=5 {
                for limit in 0..=5 {
                    let found = session.search_users(&github, &page(offset, limit)).await.unwrap();
                    assert_eq!(
                        found,
                        all.iter().skip(offset).take(limit).cloned().collect::<Vec<_>>()
                    );
                    for (at, last) in all.iter().enumerate() {
                        let after =
                            Some(After { create_time: last.create_time, id: last.id.to_string() });
                        let behind = Page { after, ..page(offset, limit) };
                        let found = session.search_users(&github, &behind).await.unwrap();
                        let expected: Vec<_> =
                            all.iter().skip(at + 1 + offset).take(limit).cloned().collect();
                        assert_eq!(found, expected, "{order:?} behind {at}");
                    }
                }
            }
            let beyond =
                session.search_users(&github, &page(usize::MAX, usize::MAX)).await.unwrap();
            assert_eq!(beyond, []);
        }
    }
    for (at_most, counted) in [(0, 0), (3, 3), (4, 4), (5, 4), (usize::MAX, 4)] {
        assert_eq!(session.count_users(&github, at_most).await.unwrap(), counted);
    }
}

#[tokio::test]
async fn a_search_that_no_user_can_match_finds_no_user() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let mut session = db_session(&server.database, "joined").await;
    let search = UserSearch { matches_no_user: true, ..Default::default() };

    assert_eq!(session.search_users(&search, &first(100)).await.unwrap(), []);
    assert_eq!(session.count_users(&search, 100).await.unwrap(), 0);
}

#[tokio::test]
async fn users_with_a_verified_email_come_before_those_that_only_claim_it() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let service = server.service_of("joined");
    for n in 1..=4 {
        service.create_with("ad", &n.to_string(), unverified("ann@example.com")).await;
    }
    service.create_with("auth0", "1", verified("ANN@example.com")).await;
    let mut session = db_session(&server.database, "joined").await;
    let mut found = async |canonical: &str, limit: usize| {
        let users = session.users_by_root_email(canonical, limit).await.unwrap();
        ids(&users).join(" ")
    };

    assert_eq!(
        found("ann@example.com", 100).await,
        "apple|1 auth0|1 ad|1 ad|2 ad|3 ad|4 apple|2 sms|1"
    );
    assert_eq!(found("ann@example.com", 3).await, "apple|1 auth0|1 ad|1");
    assert_eq!(found("ann@example.com", 1).await, "apple|1");
    // The search ignores the email of a secondary identity, and any spelling but the canonical one.
    assert_eq!(found("eve@example.com", 100).await, "okta|1");
    assert_eq!(found("Ann@example.com", 100).await, "");
}

/// A search that reads many users waits for a slot.
#[test]
fn a_search_by_what_is_of_many_has_no_key() {
    let by = |keys: Vec<Key>| UserSearch { keys, ..Default::default() };
    let github = || UserSearch { provider: Some(provider("github")), ..Default::default() };
    let either = Key { email_prefixes: by_prefix("ann").email_prefixes, ..by_id("github|1") };
    for (search, has_key) in [
        (by(vec![]), false),
        (by(vec![by_id("github|1")]), true),
        (by(vec![by_email("ann@example.com")]), true),
        (by(vec![by_prefix("ann")]), false),
        (by(vec![either]), false),
        (by(vec![by_id("github|1"), by_prefix("ann")]), false),
        (github(), false),
        (UserSearch { connection: Some("github".to_owned()), ..by(vec![]) }, false),
        (UserSearch { subject: Some(subject("1")), ..github() }, true),
        (
            UserSearch { subject: Some(subject("1")), keys: vec![by_prefix("ann")], ..github() },
            false,
        ),
        (UserSearch { matches_no_user: true, ..by(vec![by_prefix("ann")]) }, true),
    ] {
        assert_eq!(search.has_key(), has_key, "{search:?}");
    }
}
