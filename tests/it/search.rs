//! Searches for users by several conditions, as the store runs them.

use identity_link::{
    domain::{Email, IdentityEmail, Provider, Subject, TenantId, User, UserId},
    store::{Address, Excluded, Session, Store, UserSearch},
};

use crate::support::{cluster::Database, *};

/// A session of the store for this tenant. These tests call the store directly.
pub(super) async fn db_session(database: &Database, tenant: &str) -> Session {
    let tenant = TenantId::parse(tenant).unwrap();
    let address = Address::parse(&database.url).unwrap();
    let store = Store::open(&address, 1, policies()).await.unwrap();
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
    // This user has four identities. Its email is that of the first one only, and neither subject is one at the other
    // provider.
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
    let verified = root.map(IdentityEmail::is_verified);
    let has = |provider: Option<&Provider>, subject: Option<&Subject>| {
        user.identities.iter().any(|identity| {
            provider.is_none_or(|provider| *provider == identity.id.provider)
                && subject.is_none_or(|subject| *subject == identity.id.subject)
        })
    };
    let not = &search.excluded;
    search.user_id.as_ref().is_none_or(|id| *id == user.id)
        && search.email.as_ref().is_none_or(|email| canonical == Some(email.canonical()))
        && search.email_verified.is_none_or(|demanded| verified == Some(demanded))
        && has(search.provider.as_ref(), search.subject.as_ref())
        && !not.user_ids.contains(&user.id)
        && !not.emails.iter().any(|email| canonical == Some(email.canonical()))
        && !verified.is_some_and(|verified| not.email_verified.contains(&verified))
        && !not.providers.iter().any(|provider| has(Some(provider), None))
        && !not.subjects.iter().any(|subject| has(None, Some(subject)))
}

/// Every combination of the terms, with some values of each.
pub(super) fn searches() -> Vec<UserSearch> {
    let exclusions = [
        Excluded::default(),
        Excluded { user_ids: vec![user_id("apple|1"), user_id("okta|1")], ..Default::default() },
        Excluded { emails: vec![email("ann@example.com"), email("x@example.com")], ..Default::default() },
        Excluded { email_verified: vec![true], ..Default::default() },
        Excluded { email_verified: vec![false, true], ..Default::default() },
        Excluded { providers: vec![provider("apple")], ..Default::default() },
        Excluded { providers: vec![provider("okta")], subjects: vec![subject("3")], ..Default::default() },
    ];
    let mut searches = vec![];
    for user_id in [None, Some(user_id("okta|1"))] {
        for email in [None, Some(email("ann@example.com")), Some(email("eve@example.com"))] {
            for email_verified in [None, Some(true), Some(false)] {
                for provider in [None, Some(provider("github")), Some(provider("apple"))] {
                    for subject in [None, Some(subject("1")), Some(subject("4"))] {
                        for excluded in &exclusions {
                            searches.push(UserSearch {
                                user_id: user_id.clone(),
                                email: email.clone(),
                                email_verified,
                                provider: provider.clone(),
                                subject: subject.clone(),
                                excluded: excluded.clone(),
                                is_of_nobody: false,
                            });
                        }
                    }
                }
            }
        }
    }
    searches
}

#[tokio::test]
async fn every_combination_of_terms_finds_and_counts_the_users_that_match() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let mut session = db_session(&server.database, "joined").await;
    let everybody = session.search_users(&UserSearch::default(), "", 0, 100).await.unwrap();
    assert_eq!(ids(&everybody), ["apple|1", "apple|2", "github|1", "github|2", "github|3", "okta|1", "sms|1"]);

    let mut found_somebody = 0;
    for search in searches() {
        let meant: Vec<_> = everybody.iter().filter(|user| is_meant(&search, user)).cloned().collect();

        assert_eq!(session.search_users(&search, "", 0, 100).await.unwrap(), meant, "{search:?}");
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
        let search = UserSearch { provider: Some(provider(p)), subject: Some(subject(s)), ..Default::default() };
        session.search_users(&search, "", 0, 100).await.unwrap()
    };

    // The user has an identity at GitHub, and another one whose subject is 5.
    assert_eq!(ids(&found("github", "5").await), [""; 0]);
    assert_eq!(ids(&found("github", "4").await), ["okta|1"]);
}

#[tokio::test]
async fn pages_begin_at_an_offset_and_after_the_last_id() {
    let server = TestServer::start().await;
    db_people(&server).await;
    // With index scans an index would give an order that the query does not demand.
    server.database.db_execute(&format!("ALTER DATABASE {} SET enable_indexscan = off", server.database.name)).await;
    let mut session = db_session(&server.database, "joined").await;
    let github = UserSearch { provider: Some(provider("github")), ..Default::default() };
    let mut page = async |after: &str, offset: usize, limit: usize| {
        let users = session.search_users(&github, after, offset, limit).await.unwrap();
        ids(&users).join(" ")
    };

    assert_eq!(page("", 0, 2).await, "github|1 github|2");
    assert_eq!(page("", 2, 2).await, "github|3 okta|1");
    assert_eq!(page("github|1", 0, 2).await, "github|2 github|3");
    assert_eq!(page("github|1", 2, 2).await, "okta|1");
    assert_eq!(page("okta|1", 0, 2).await, "");
    assert_eq!(page("", usize::MAX, usize::MAX).await, "");
    for (at_most, counted) in [(0, 0), (3, 3), (4, 4), (5, 4), (usize::MAX, 4)] {
        assert_eq!(session.count_users(&github, at_most).await.unwrap(), counted);
    }
}

#[tokio::test]
async fn a_search_that_no_user_can_match_finds_no_user() {
    let server = TestServer::start().await;
    db_people(&server).await;
    let mut session = db_session(&server.database, "joined").await;
    let search = UserSearch { is_of_nobody: true, ..Default::default() };

    assert_eq!(session.search_users(&search, "", 0, 100).await.unwrap(), []);
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

    assert_eq!(found("ann@example.com", 100).await, "apple|1 auth0|1 ad|1 ad|2 ad|3 ad|4 apple|2 sms|1");
    assert_eq!(found("ann@example.com", 3).await, "apple|1 auth0|1 ad|1");
    assert_eq!(found("ann@example.com", 1).await, "apple|1");
    // The search ignores the email of a secondary identity, and any spelling but the canonical one.
    assert_eq!(found("eve@example.com", 100).await, "okta|1");
    assert_eq!(found("Ann@example.com", 100).await, "");
}
