//! `linking = "off"`: emails of such a provider can be verified, and suggest no user.

use super::*;

/// The same configuration, with `okta` set to suggest.
fn open(toml: &str) -> String {
    let closed = "okta = { email_trust = \"when_verified\", linking = \"off\" }";
    assert!(toml.contains(closed));
    toml.replace(closed, "okta = { email_trust = \"when_verified\" }")
}

/// A71: candidates are the users that a sign-in would suggest. Of a user's providers, the one most
/// closed to linking decides.
#[tokio::test]
async fn a_provider_that_is_closed_to_linking_makes_no_candidates() {
    let server = TestServer::start().await;
    let service = server.service();
    let github = service.create_with("github", "h1", verified(EMAIL)).await.id;
    let okta = service.create_with("okta", "o1", verified(EMAIL)).await.id;
    let mixed = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;
    service.create_with("okta", "o2", verified(EMAIL)).await;
    service.link(link_identity(&mixed, "okta", "o2")).await.unwrap();

    for user in [&github, &okta, &mixed] {
        assert_eq!(candidates(&service, user).await, [""; 0]);
    }
    // The users that a sign-in would suggest: only the one of `github`.
    assert_eq!(would_sign_in(&service, "apple", "a1").await, "CANDIDATES SEVERAL_USERS");
    // The emails themselves are verified, and a link may require a shared one.
    let found = service.found_by_email(EMAIL, false).await;
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|(_, verified)| *verified));
    service.link(sharing(&github, &okta)).await.unwrap();

    let opened = TestServer::start_with(server.database.clone(), |toml| open(&toml)).await;
    assert_eq!(candidates(&opened.service(), &github).await.len(), 2);
    assert_eq!(candidates(&opened.service(), &okta).await.len(), 2);
    assert_eq!(
        candidates(&service, &github).await,
        [""; 0],
        "with the old configuration there should be none again"
    );
}

/// A71: accounts of such a provider do not keep other users off the list.
#[tokio::test]
async fn accounts_that_are_closed_to_linking_crowd_out_no_candidates() {
    let server = TestServer::start().await;
    let service = server.service();
    server
        .database
        .db_execute(&format!(
            "INSERT INTO users (tenant_id, id, create_time, update_time, primary_provider, primary_subject) \
               SELECT 'default', 'a' || n, now(), now(), 'okta', n::text FROM generate_series(1, 150) n; \
             INSERT INTO identities (tenant_id, provider, subject, owner_id, home_id, ordinal, connection, social, \
                 attach_time, email, email_canonical, email_verified, email_verify_time, email_verifier) \
               SELECT 'default', 'okta', n::text, 'a' || n, 'a' || n, 0, 'okta', false, now(), '{EMAIL}', '{EMAIL}', \
                 true, now(), '{{\"kind\": \"issuer\", \"issuer\": \"x\"}}' FROM generate_series(1, 150) n"
        ))
        .await;
    let github = service.create_with("github", "h1", verified(EMAIL)).await.id;
    let google = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;

    assert_eq!(candidates(&service, &github).await, [google.as_str()]);
    assert_eq!(candidates(&service, &google).await, [github.as_str()]);
}
