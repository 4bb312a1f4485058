//! Who gets no token, and when there is none.

use serde_json::{Value, json};
use tonic_types::StatusExt as _;

use super::*;
use crate::support::web_server::Answer;

/// The beginning of a refusal of wrong scopes.
const WRONG: &str = "InvalidArgument REQUEST_INVALID\nscopes: ";

/// P50: a token of a provider is the person's key to another system.
#[tokio::test]
async fn only_a_listed_service_with_the_scope_gets_a_token() {
    let (fake, server) = fake_and_server().await;
    let user = signed_in(&server.service()).await;
    let service = |subject: &str| Token::of("services", subject);
    let all_but = "create:users delete:users export:users import:users jobs:users read:events read:users \
                   sign_in:users update:users";
    for caller in [
        service("other"),
        service("backend").with("scope", all_but),
        Token::of("github", "ann"),
        Token::of("users", &user),
    ] {
        assert_eq!(refusal(token(&server.caller(&caller), &user).await), SCOPE);
    }
    assert_eq!(fake.refreshes(), 0);
    assert_eq!(token(&server.service(), &user).await.unwrap(), FIRST);
}

/// P50: the name of a service is that of one issuer and one subject.
#[tokio::test]
async fn a_provider_without_kept_tokens_has_none_for_any_service() {
    let fake = FakeOidc::start(alice()).await;
    let server = TestServer::start_with(cluster().db_migrated().await, |toml| {
        toml + &oidc("fake", &fake.issuer)
    })
    .await;
    let user = signed_in(&server.service()).await;

    assert_eq!(refusal(token(&server.service(), &user).await), SCOPE);
    assert_eq!(db_kept(&server.database).await, [""; 0]);
    let unknown = pb::GetProviderTokenRequest {
        identity: identity_ref("github", "ann"),
        ..wanted(&user, &[])
    };
    let refused = server.service().get_provider_token(unknown).await;
    assert_eq!(refusal(refused), "NotFound PROVIDER_UNKNOWN");
}

/// P50: by a service's mistake no user gets the token of another one.
#[tokio::test]
async fn only_the_user_that_holds_the_identity_has_its_token() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let user = signed_in(&service).await;
    let other = service.create("github", "ben").await.id;

    assert_eq!(refusal(token(&service, &other).await), "NotFound IDENTITY_NOT_FOUND");
    assert_eq!(refusal(token(&service, "usr_none").await), "NotFound USER_NOT_FOUND");
    service.block(&user, true).await;
    assert_eq!(refusal(token(&service, &user).await), "FailedPrecondition USER_BLOCKED");
    service.block(&user, false).await;
    service.link(link_user(&other, &user)).await.unwrap();
    assert_eq!(refusal(token(&service, &user).await), "FailedPrecondition USER_ABSORBED");
    assert_eq!(token(&service, &other).await.unwrap(), FIRST);
    let elsewhere = server.service_of("other");
    assert_eq!(refusal(token(&elsewhere, &other).await), "NotFound PROVIDER_UNKNOWN");
}

/// P51: a service that verified the account itself brings no tokens, and neither does an import.
#[tokio::test]
async fn an_account_that_a_caller_describes_has_no_tokens() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let done = service.resolve_sign_in(sign_in("fake", "alice")).await.unwrap();
    let user = done.decision.unwrap().user.unwrap().id;

    assert_eq!(refusal(token(&service, &user).await), GONE);
}

#[tokio::test]
async fn bad_input_is_refused_with_all_its_violations() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let get = pb::GetProviderTokenRequest { scopes: vec!["a b".to_owned()], ..Default::default() };
    let status = service.get_provider_token(get).await.unwrap_err();
    let fields = status.get_details_bad_request().unwrap().field_violations;
    let fields: Vec<&str> = fields.iter().map(|of| of.field.as_str()).collect();
    assert_eq!(fields, ["user_id", "identity", "scopes"]);

    let many = vec!["s".to_owned(); 51];
    for scopes in [many, vec![String::new()], vec!["x".repeat(257)], vec!["\u{e9}".to_owned()]] {
        let get = pb::GetProviderTokenRequest { scopes: scopes.clone(), ..wanted("u", &[]) };
        let refused = service.get_provider_token(get).await;
        assert!(refusal(refused).starts_with(WRONG), "{scopes:?}");
        let start = pb::StartSignInRequest { scopes, ..to_sign_in("fake") };
        let refused = service.start_sign_in(start).await;
        assert!(refusal(refused).starts_with(WRONG));
    }
}

/// P52: a login page, or a service that has no business with them, asks for no scope that the
/// operator does not allow.
#[tokio::test]
async fn a_flow_requests_only_scopes_that_the_operator_allows() {
    let (_fake, server) = fake_and_server().await;
    let with = |scope: &str| pb::StartSignInRequest {
        scopes: vec!["openid".to_owned(), scope.to_owned()],
        ..to_sign_in("fake")
    };
    let begun = server.service().start_sign_in(with("calendar")).await.unwrap();
    let query = begun.authorization_url.split_once('?').unwrap().1;
    let asked = form::parse(query).remove("scope").unwrap();
    assert_eq!(asked, "calendar email offline_access openid profile");
    let refused = server.service().start_sign_in(with("admin")).await;
    assert!(refusal(refused).starts_with(WRONG));
}

#[tokio::test]
async fn a_grant_that_has_ended_at_the_provider_is_gone_until_the_next_flow() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    fake.end_grants();

    for _ in 0..2 {
        assert_eq!(refusal(token(&service, &user).await), GONE);
    }
    assert_eq!(fake.refreshes(), 1);
    assert_eq!(db_kept(&server.database).await, [""; 0]);
    fake.tokens_live(600);
    signed_in(&service).await;
    assert_eq!(token(&service, &user).await.unwrap(), FIRST);
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_good_until_it_expires() {
    let fake = FakeOidc::start(alice()).await;
    let database = cluster().db_migrated().await;
    let toml = keeping(&fake.issuer, &first_key(&keys(&database)));
    let toml = toml.replace("offline = true", "offline = false");
    let server = TestServer::start_with(database, |own| own + &toml).await;
    let service = server.service();
    fake.tokens_live(30);
    let user = signed_in(&service).await;
    assert_eq!(token(&service, &user).await.unwrap(), FIRST);

    let past = "UPDATE provider_tokens SET expire_time = now() - interval '1 second'";
    server.database.db_execute(past).await;
    assert_eq!(refusal(token(&service, &user).await), GONE);
    assert_eq!(fake.refreshes(), 0);
    // The next sign-in replaces it.
    signed_in(&service).await;
    assert_eq!(token(&service, &user).await.unwrap(), FIRST);
}

/// What the provider does wrong takes no token away, and is no fault of this server.
#[tokio::test]
async fn a_provider_that_does_not_refresh_now_may_do_so_later() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    let said = |status: &str, body: Value| Answer::new(status, "", &body.to_string());
    for (answer, expected) in [
        (Answer::Reset, "Unavailable PROVIDER_UNAVAILABLE"),
        (Answer::status("503 Service Unavailable"), "Unavailable PROVIDER_UNAVAILABLE"),
        (Answer::status("429 Too Many Requests"), "Unavailable PROVIDER_UNAVAILABLE"),
        (
            said("401 Unauthorized", json!({"error": "invalid_client"})),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
        (
            said("400 Bad Request", json!({"error": "invalid_scope"})),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
        (Answer::ok("open sesame"), "FailedPrecondition PROVIDER_REJECTED"),
        (
            Answer::ok(&json!({"access_token": "a", "token_type": "mac"}).to_string()),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
        (
            Answer::ok(
                &json!({"access_token": "a".repeat(40_000), "token_type": "Bearer"}).to_string(),
            ),
            "FailedPrecondition PROVIDER_REJECTED",
        ),
    ] {
        fake.web.answer("/token", answer.clone());
        assert_eq!(refusal(token(&service, &user).await), expected, "{answer:?}");
    }
    fake.web.answer_as_ever("/token");
    fake.tokens_live(600);
    assert!(token(&service, &user).await.unwrap().starts_with("access-"));
}

/// P53: after a move to another issuer, no token is sent there.
#[tokio::test]
async fn a_token_of_another_issuer_is_sent_to_no_provider() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let user = signed_in(&service).await;
    server
        .database
        .db_execute("UPDATE provider_tokens SET issuer = 'https://was.example.com'")
        .await;

    assert_eq!(refusal(token(&service, &user).await), GONE);
    assert_eq!(fake.refreshes(), 0);
}

/// P50: Auth0's `identities[].access_token`, for a listed service with Auth0's scope only.
#[tokio::test]
async fn over_auth0s_http_only_a_listed_service_reads_a_token_with_its_user() {
    let fake = FakeOidc::start(alice()).await;
    let database = cluster().db_migrated().await;
    let toml = keeping(&fake.issuer, &first_key(&keys(&database)));
    let server = TestServer::start_with(database, |own| {
        let own = own.replace("\"read:users\", ", "\"read:users\", \"read:user_idp_tokens\", ");
        own + auth0::AUTH0 + &toml
    })
    .await;
    let user = signed_in(&server.service()).await;
    let with = |subject: &str, scope: &str| Token::of("services", subject).with("scope", scope);
    let read = async |token: Token| {
        let path = format!("/api/v2/users/{}", user.replace('|', "%7C"));
        let user = server.asker(&token).get(&path).await.ok();
        assert_eq!(user["identities"][0]["user_id"], "alice");
        user["identities"][0].get("access_token").cloned()
    };

    let both = "read:users read:user_idp_tokens";
    assert_eq!(read(with("backend", both)).await, Some(FIRST.into()));
    assert_eq!(read(with("backend", "read:users")).await, None);
    assert_eq!(read(with("other", both)).await, None);
    // A stored token is shown as it is, and never refreshed.
    let past = "UPDATE provider_tokens SET expire_time = now()";
    server.database.db_execute(past).await;
    assert_eq!(read(with("backend", both)).await, None);
    assert_eq!(fake.refreshes(), 0);
}
