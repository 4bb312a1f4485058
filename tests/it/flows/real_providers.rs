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

/// The stories, at one provider.
macro_rules! stories {
    ($name:ident, $kind:expr) => {
        mod $name {
            use super::Kind;

            #[tokio::test]
            async fn an_account_is_the_same_user_before_and_after_a_new_key() {
                super::same_user_after_a_new_key($kind).await;
            }

            #[tokio::test]
            async fn a_false_answer_signs_no_user_in() {
                super::false_answers($kind).await;
            }

            #[tokio::test]
            async fn its_tokens_call_and_link() {
                super::tokens_call_and_link($kind).await;
            }
        }
    };
}

stories!(oidc_provider, Kind::OidcProvider);
stories!(django_oauth_toolkit, Kind::DjangoOauthToolkit);
stories!(django_allauth, Kind::DjangoAllauth);

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
    let server = server_with(&(oidc("real", issuer) + &tokens)).await;
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
    assert_eq!((identity.email.as_str(), identity.email_verified), ("alice@example.com", true));

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
    let server = server_with(&wrong).await;
    let begun = server.service().start_sign_in(to_sign_in("real")).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    refused_to_everybody(&server, outcome, REJECTED).await;
}

/// An ID token of this account, as an application with the same client gets it.
pub(super) async fn id_token(provider: &RealProvider, account: &str) -> String {
    let mut browser = Browser::new(APPLICATION);
    let metadata = format!("{}/.well-known/openid-configuration", provider.issuer);
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
    let answer = browser.post_as(endpoint, (CLIENT_ID, CLIENT_SECRET), &fields).await.html;
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

    let linked = caller(&hers).link(link_with(&his)).await.unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["real|alice", "real|bob"]);
    assert_eq!(server.service().user(&bob.id).await.id, alice.id);
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
    let begun = server.service().start_sign_in(again).await.unwrap();
    let page = browser.open(&begun.authorization_url).await.page();
    assert!(page.html.contains("name=\"login\""), "{}", page.html);
    let back = browser.sign_in(&begun.authorization_url, "alice").await;
    let completed = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    assert_eq!(decision(completed).user.unwrap().id, alice.id);
}

/// The provider of django-allauth ignores `max_age` too, and its ID token has no `auth_time`.
#[tokio::test]
async fn max_age_is_refused_where_the_id_token_does_not_say_when_the_person_signed_in() {
    let (_provider, server) = provider_and_server(Kind::DjangoAllauth).await;
    let request = pb::StartSignInRequest {
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("real")
    };
    let begun = server.service().start_sign_in(request).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}
