//! The same stories at several real providers, which their tests start and configure: sign-ins, a
//! new key, false answers, and their tokens as a caller's and in `link_with`. What `oidc-provider`
//! alone has is in `real.rs`.

use data_encoding::BASE64URL_NOPAD;

use super::*;
use crate::support::real_providers::{Kind, RealProvider};

/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The redirect URI of the application whose tokens are sent to identity-link.
const APPLICATION: &str = "http://127.0.0.1:9/callback/application";

/// The stories, at one provider. An attribute makes them a recipe for a person.
macro_rules! stories {
    ($name:ident, $kind:expr $(, #[$recipe:meta])?) => {
        mod $name {
            use super::Kind;

            #[tokio::test]
            $(#[$recipe])?
            async fn an_account_is_the_same_user_before_and_after_a_new_key() {
                super::same_user_after_a_new_key($kind).await;
            }

            #[tokio::test]
            $(#[$recipe])?
            async fn a_false_answer_signs_no_user_in() {
                super::false_answers($kind).await;
            }

            #[tokio::test]
            $(#[$recipe])?
            async fn its_tokens_call_and_link() {
                super::tokens_call_and_link($kind).await;
            }
        }
    };
}

stories!(oidc_provider, Kind::OidcProvider);
stories!(django_oauth_toolkit, Kind::DjangoOauthToolkit);
stories!(django_allauth, Kind::DjangoAllauth);
stories!(canaille, Kind::Canaille);
stories!(oauth2_mock_server, Kind::Oauth2MockServer);
stories!(better_auth, Kind::BetterAuth);
// `just real-providers` runs these.
stories!(keycloak, Kind::Keycloak, #[ignore = "downloads 160 MB, and needs Maven and Java"]);
stories!(lemonldap_ng, Kind::LemonldapNg, #[ignore = "installs packages of Debian"]);
stories!(glewlwyd, Kind::Glewlwyd, #[ignore = "installs packages of Debian"]);

/// What the configuration of a client at this provider needs beside its issuer.
fn further(kind: Kind) -> &'static str {
    match kind {
        // Its metadata list no method with a secret, and it takes any.
        Kind::Oauth2MockServer => "token_endpoint_auth_method = \"client_secret_basic\"\n",
        _ => "",
    }
}

/// Whether it says that it verified an email. canaille has no such claim.
fn vouches_for_emails(kind: Kind) -> bool {
    kind != Kind::Canaille
}

/// A provider where Alice's email is verified and Bob's is not, and a server with a client there.
/// The provider's tokens for the same client are callers' tokens and proofs.
async fn provider_and_server(kind: Kind) -> (RealProvider, TestServer) {
    let client = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [redirect_uri("real"), APPLICATION],
    });
    let accounts = ["alice", "bob"].map(|name| {
        let claims = json!({"name": name, "email": format!("{name}@example.com"), "email_verified": name == "alice"});
        (name, claims)
    });
    let provider = RealProvider::start(kind, &client, &Value::from_iter(accounts));
    let issuer = &provider.issuer;
    let tokens = format!(
        "[issuers.real]\nissuer = \"{issuer}\"\nkind = \"user\"\nsubject = \"subject\"\nprovider = \"real\"\n\
         tenant = \"default\"\ndiscovery = true\nalgorithms = [\"RS256\"]\naudiences = [\"{CLIENT_ID}\"]\ntypes = [\"JWT\", \"\"]\n\
         implied_scopes = [\"read:current_user\", \"update:current_user_identities\"]\n\
         [issuers.real.link_with]\naudiences = [\"{CLIENT_ID}\"]\ntypes = [\"JWT\", \"\"]\n"
    );
    let server = server_with(&(oidc("real", issuer) + further(kind) + &tokens)).await;
    (provider, server)
}

async fn sign_in_as(server: &TestServer, browser: &mut Browser, account: &str) -> pb::User {
    let begun = server.service().start_sign_in(to_sign_in("real")).await.unwrap();
    let back = browser.sign_in(&begun.authorization_url, account).await;
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    decision(completed).user.unwrap()
}

/// Keys are read again when a token names a new one.
async fn same_user_after_a_new_key(kind: Kind) {
    let (provider, server) = provider_and_server(kind).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "alice").await;
    assert_eq!(identities(&alice), ["real|alice"]);
    let identity = &alice.identities[0];
    let email = (identity.email.as_str(), identity.email_verified);
    assert_eq!(email, ("alice@example.com", vouches_for_emails(kind)));

    Browser::new(CALLBACK).open(&provider.switch("rotate")).await;

    for browser in [&mut browser, &mut Browser::new(CALLBACK)] {
        assert_eq!(sign_in_as(&server, browser, "alice").await.id, alice.id);
    }
    let bob = sign_in_as(&server, &mut Browser::new(CALLBACK), "bob").await;
    assert!(bob.id != alice.id && !bob.identities[0].email_verified);
}

/// A20, A21: another state, another flow's code and another client's secret sign no user in.
async fn false_answers(kind: Kind) {
    const REJECTED: &str = "FailedPrecondition PROVIDER_REJECTED";
    let (provider, server) = provider_and_server(kind).await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("real")).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let good = brought_back(&begun, &back);
    let other_state = pb::CompleteSignInRequest { state: "another".to_owned(), ..good.clone() };
    let refused = refusal(service.complete_sign_in(other_state).await);
    assert_eq!(refused, "FailedPrecondition SIGN_IN_INVALID");

    let own = service.start_sign_in(to_sign_in("real")).await.unwrap();
    let mut theirs = Browser::new(CALLBACK).sign_in(&own.authorization_url, "bob").await;
    theirs.insert("code".to_owned(), good.code.clone());
    let outcome = service.complete_sign_in(brought_back(&own, &theirs)).await;
    refused_to_everybody(&server, outcome, REJECTED).await;

    let wrong = oidc("real", &provider.issuer).replace(CLIENT_SECRET, "another-secret");
    let server = server_with(&(wrong + further(kind))).await;
    let begun = server.service().start_sign_in(to_sign_in("real")).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    if kind == Kind::Oauth2MockServer {
        // It compares no secret.
        assert_eq!(identities(&decision(outcome).user.unwrap()), ["real|alice"]);
        return;
    }
    refused_to_everybody(&server, outcome, REJECTED).await;
}

/// With `prompt=none` a provider at which the person is not signed in says so, and asks nothing. The
/// caller then starts a flow without it.
#[tokio::test]
async fn a_person_who_is_not_signed_in_there_comes_back_from_a_silent_flow() {
    for kind in [Kind::OidcProvider, Kind::DjangoAllauth, Kind::Canaille, Kind::BetterAuth] {
        silent_flow(kind, "login_required").await;
    }
    // This one fails instead, and the person stays on its error page.
    let (_provider, server) = provider_and_server(Kind::DjangoOauthToolkit).await;
    let silent = pb::StartSignInRequest { prompt: "none".to_owned(), ..to_sign_in("real") };
    let begun = server.service().start_sign_in(silent).await.unwrap();
    let page = Browser::new(CALLBACK).open(&begun.authorization_url).await.page();
    assert_eq!(page.status, http::StatusCode::INTERNAL_SERVER_ERROR);
}

async fn silent_flow(kind: Kind, error: &str) {
    let (_provider, server) = provider_and_server(kind).await;
    let silent = pb::StartSignInRequest { prompt: "none".to_owned(), ..to_sign_in("real") };
    let begun = server.service().start_sign_in(silent).await.unwrap();
    let back = Browser::new(CALLBACK).open(&begun.authorization_url).await.back();
    assert_eq!(back["error"], error, "{kind:?}");
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}

/// Its ID tokens say when the person signed in.
#[tokio::test]
#[ignore = "downloads 160 MB, and needs Maven and Java"]
async fn keycloak_obeys_prompt() {
    silent_flow(Kind::Keycloak, "login_required").await;
    let (_provider, server) = provider_and_server(Kind::Keycloak).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "alice").await;
    let begun = server.service().start_sign_in(at_most_a_minute_ago()).await.unwrap();
    let back = browser.open(&begun.authorization_url).await.back();
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    assert_eq!(decision(completed).user.unwrap().id, alice.id);

    let request = pb::StartSignInRequest { prompt: "login".to_owned(), ..at_most_a_minute_ago() };
    alice_is_asked_again(&server, &mut browser, request, (&alice.id, "password")).await;
}

/// With `prompt=none` it asks all the same. Its ID tokens say when the person signed in.
#[tokio::test]
#[ignore = "installs packages of Debian"]
async fn lemonldap_ng_ignores_prompt_none() {
    let (_provider, server) = provider_and_server(Kind::LemonldapNg).await;
    let silent = pb::StartSignInRequest { prompt: "none".to_owned(), ..to_sign_in("real") };
    let begun = server.service().start_sign_in(silent).await.unwrap();
    let page = Browser::new(CALLBACK).open(&begun.authorization_url).await.page();
    assert!(page.html.contains("name=\"password\""), "{}", page.html);

    let begun = server.service().start_sign_in(at_most_a_minute_ago()).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    assert_eq!(identities(&decision(completed).user.unwrap()), ["real|alice"]);
}

/// Its `auth_time` is 0: each sign-in with `max_age` is refused.
#[tokio::test]
#[ignore = "installs packages of Debian"]
async fn glewlwyd_obeys_prompt_and_does_not_say_when() {
    silent_flow(Kind::Glewlwyd, "interaction_required").await;
    max_age_is_refused(Kind::Glewlwyd).await;
}

/// An ID token of this account, as an application with the same client gets it.
pub(super) async fn id_token(provider: &RealProvider, account: &str) -> String {
    let mut browser = Browser::new(APPLICATION);
    let issuer = provider.issuer.trim_end_matches('/');
    let metadata = format!("{issuer}/.well-known/openid-configuration");
    let metadata: Value = serde_json::from_str(&browser.open(&metadata).await.page().html).unwrap();
    let query = form::write([
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", APPLICATION),
        ("scope", "openid email"),
        ("state", "s"),
        ("nonce", "n"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ]);
    let url = format!("{}?{query}", metadata["authorization_endpoint"].as_str().unwrap());
    let back = browser.sign_in(&url, account).await;
    // oidc-provider registered the client for client_secret_basic.
    let endpoint = metadata["token_endpoint"].as_str().unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("redirect_uri", APPLICATION),
        ("code", back["code"].as_str()),
        ("code_verifier", VERIFIER),
    ];
    // An application of its own asks for the token, without the browser's cookies.
    let mut application = Browser::new(APPLICATION);
    let answer = application.post_as(endpoint, (CLIENT_ID, CLIENT_SECRET), &fields).await.html;
    let answer: Value = serde_json::from_str(&answer).unwrap();
    answer["id_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

/// J02: the signature of a token with other claims is not the provider's.
fn forged(token: &str) -> String {
    let mut parts = token.split('.').map(str::to_owned).collect::<Vec<_>>();
    let claims = BASE64URL_NOPAD.decode(parts[1].as_bytes()).unwrap();
    let mut claims: Value = serde_json::from_slice(&claims).unwrap();
    claims["sub"] = json!("bob");
    parts[1] = BASE64URL_NOPAD.encode(claims.to_string().as_bytes());
    parts.join(".")
}

async fn tokens_call_and_link(kind: Kind) {
    let (provider, server) = provider_and_server(kind).await;
    let alice = sign_in_as(&server, &mut Browser::new(CALLBACK), "alice").await;
    let bob = sign_in_as(&server, &mut Browser::new(CALLBACK), "bob").await;
    let (hers, his) = (id_token(&provider, "alice").await, id_token(&provider, "bob").await);
    let caller = |token: &str| Caller::new(server.channel(), Some(token.to_owned()));

    assert_eq!(caller(&hers).user("").await.id, alice.id);
    assert_eq!(caller(&his).user("").await.id, bob.id);
    let false_token = forged(&hers);
    assert_eq!(
        refusal(caller(&false_token).link(link_with(&his)).await),
        "Unauthenticated TOKEN_INVALID"
    );
    assert_eq!(
        server.db_refused(caller(&hers).link(link_with(&false_token))).await,
        "FailedPrecondition LINK_TOKEN_INVALID"
    );

    if kind == Kind::Glewlwyd {
        // Its tokens say that the person signed in in 1970: none proves who is there now.
        assert_eq!(
            refusal(caller(&hers).link(link_with(&his)).await),
            "FailedPrecondition LINK_TOKEN_INVALID"
        );
        return;
    }
    let linked = caller(&hers).link(link_with(&his)).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["real|alice", "real|bob"]);
    assert_eq!(server.service().user(&bob.id).await.id, alice.id);
}

/// Alice has a session at the provider in this browser. She is asked to sign in again, by a form
/// with this field, and is the same user.
async fn alice_is_asked_again(
    server: &TestServer,
    browser: &mut Browser,
    request: pb::StartSignInRequest,
    (id, field): (&str, &str),
) {
    let begun = server.service().start_sign_in(request).await.unwrap();
    let page = browser.open(&begun.authorization_url).await.page();
    assert!(page.html.contains(&format!("name=\"{field}\"")), "{}", page.html);
    let back = browser.sign_in(&begun.authorization_url, "alice").await;
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    assert_eq!(decision(completed).user.unwrap().id, id);
}

/// A sign-in that is too old: this provider ignores `max_age`, and its ID token says so by
/// `auth_time`.
#[tokio::test]
async fn a_sign_in_that_is_older_than_max_age_is_refused_where_the_provider_ignores_it() {
    let (provider, server) = provider_and_server(Kind::DjangoOauthToolkit).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "alice").await;
    Browser::new(CALLBACK).open(&provider.switch("age")).await;
    let request = pb::StartSignInRequest {
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("real")
    };

    let begun = server.service().start_sign_in(request.clone()).await.unwrap();
    let back = browser.open(&begun.authorization_url).await.back();
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    assert_eq!(refusal(outcome), "FailedPrecondition PROVIDER_REJECTED");

    // The same provider, with prompt, has the person sign in again.
    let again = pb::StartSignInRequest { prompt: "login".to_owned(), ..request };
    alice_is_asked_again(&server, &mut browser, again, (&alice.id, "login")).await;
}

/// These providers ignore `max_age` too, and their ID tokens have no `auth_time`.
#[tokio::test]
async fn max_age_is_refused_where_the_id_token_does_not_say_when_the_person_signed_in() {
    for kind in [Kind::DjangoAllauth, Kind::Oauth2MockServer] {
        max_age_is_refused(kind).await;
    }
}

async fn max_age_is_refused(kind: Kind) {
    let (_provider, server) = provider_and_server(kind).await;
    let begun = server.service().start_sign_in(at_most_a_minute_ago()).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}

/// A request for a sign-in of the last minute.
fn at_most_a_minute_ago() -> pb::StartSignInRequest {
    pb::StartSignInRequest {
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("real")
    }
}

/// Better Auth obeys `max_age`: it asks again after a day, and its `auth_time` is of the new sign-in.
#[tokio::test]
async fn better_auth_asks_again_after_max_age() {
    let (provider, server) = provider_and_server(Kind::BetterAuth).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "alice").await;
    let silent = server.service().start_sign_in(at_most_a_minute_ago()).await.unwrap();
    browser.open(&silent.authorization_url).await.back();
    Browser::new(CALLBACK).open(&provider.switch("age")).await;

    alice_is_asked_again(&server, &mut browser, at_most_a_minute_ago(), (&alice.id, "login")).await;
}

/// canaille obeys `prompt`, and its `auth_time` has a fraction of a second.
#[tokio::test]
async fn canaille_asks_again_with_prompt_and_says_when() {
    let (_provider, server) = provider_and_server(Kind::Canaille).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "alice").await;
    let request = pb::StartSignInRequest { prompt: "login".to_owned(), ..at_most_a_minute_ago() };

    alice_is_asked_again(&server, &mut browser, request, (&alice.id, "password")).await;
}

/// The metadata of oauth2-mock-server list no way in which a client with a secret authenticates, so
/// its operator has to name one.
#[tokio::test]
async fn a_provider_for_public_clients_starts_no_flow_until_a_method_is_named() {
    let (provider, _) = provider_and_server(Kind::Oauth2MockServer).await;
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let outcome = server.service().start_sign_in(to_sign_in("real")).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}
