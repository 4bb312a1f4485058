//! The provider that the sign-ins of these tests use, and its fakes: what they do without the
//! server.

use data_encoding::BASE64URL_NOPAD;
use http::StatusCode;
use serde_json::{Value, json};

use crate::support::{
    browser::Browser,
    fake_codes::{CLIENT_ID, CLIENT_SECRET},
    fake_github::{self, FakeGithub},
    fake_oidc::FakeOidc,
    form::{self, Form},
    real_providers::{Kind, RealProvider},
};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// Verifier and challenge of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn provider() -> RealProvider {
    let client = json!({
        "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "client_secret_post",
    });
    RealProvider::start(
        Kind::OidcProvider,
        &client,
        &json!({"alice": {"email": "alice@example.com", "email_verified": true}}),
    )
}

/// The provider's authorization endpoint.
fn auth(provider: &RealProvider) -> String {
    format!("{}/auth", provider.issuer)
}

fn authorization_url(endpoint: &str, change: impl FnOnce(&mut Form)) -> String {
    let parameters = [
        ("client_id", CLIENT_ID),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT_URI),
        ("scope", "openid email"),
        ("state", "s"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let mut query = Form::from(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())));
    change(&mut query);
    let query = form::write(query.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    format!("{endpoint}?{query}")
}

#[tokio::test]
async fn the_real_provider_returns_a_code_after_a_sign_in() {
    let (here, there) = (provider(), provider());
    assert_ne!(here.issuer, there.issuer);
    let mut browser = Browser::new(REDIRECT_URI);

    for provider in [&here, &there] {
        let back = browser.sign_in(&authorization_url(&auth(provider), |_| {}), "alice").await;

        assert_eq!((back["state"].as_str(), &back["iss"]), ("s", &provider.issuer));
        assert_eq!(back["code"].len(), 43);
        let again = browser.open(&authorization_url(&auth(provider), |_| {})).await.back();
        assert_ne!(
            again["code"], back["code"],
            "a session there gives a new code without a new sign-in"
        );
    }
}

#[tokio::test]
async fn the_real_provider_returns_an_error_after_a_person_cancels() {
    let (provider, mut browser) = (provider(), Browser::new(REDIRECT_URI));
    let page = browser.open(&authorization_url(&auth(&provider), |_| {})).await.page();

    let back = browser.follow(&page, "Cancel").await.back();

    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "s"));
}

/// The sign-ins of these tests therefore send requests that the real provider judges in the same
/// way.
#[tokio::test]
async fn the_real_provider_makes_no_code_for_another_redirect_uri_or_without_a_challenge() {
    let (provider, mut browser) = (provider(), Browser::new(REDIRECT_URI));
    let elsewhere = authorization_url(&auth(&provider), |query| {
        query.insert("redirect_uri".to_owned(), format!("{REDIRECT_URI}/.."));
    });
    assert_eq!(browser.open(&elsewhere).await.page().status, 400);

    let without = authorization_url(&auth(&provider), |query| {
        query.retain(|name, _| !name.starts_with("code_challenge"));
    });
    assert_eq!(browser.open(&without).await.back()["error"], "invalid_request");
}

/// The response of a token endpoint to a code.
async fn exchange(token_endpoint: &str, code: &str, verifier: &str) -> (StatusCode, String) {
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
        ("redirect_uri", REDIRECT_URI),
        ("code", code),
        ("code_verifier", verifier),
    ];
    let page = Browser::new(REDIRECT_URI).post(token_endpoint, &fields).await;
    (page.status, page.html)
}

/// The claims of the ID token in a response.
fn claims(answer: &str) -> Value {
    let answer: Value = serde_json::from_str(answer).unwrap();
    let claims = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(claims.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_real_provider_and_the_fake_exchange_a_code_once_and_only_with_its_verifier() {
    let (real, fake) = (provider(), FakeOidc::start(json!({"sub": "alice"})).await);
    let there = |endpoint: &str| {
        authorization_url(endpoint, |query| drop(query.insert("nonce".into(), "n".into())))
    };
    for (issuer, auth) in
        [(&real.issuer, auth(&real)), (&fake.issuer, format!("{}/authorize", fake.issuer))]
    {
        let (mut browser, token) = (Browser::new(REDIRECT_URI), format!("{issuer}/token"));
        let stolen = browser.sign_in(&there(&auth), "alice").await;
        let (status, said) = exchange(&token, &stolen["code"], &VERIFIER.to_lowercase()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(said.contains("invalid_grant"), "{said}");

        let back = browser.open(&there(&auth)).await.back();
        assert_eq!(&back["iss"], issuer);
        let (status, said) = exchange(&token, &back["code"], VERIFIER).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        let claims = claims(&said);
        assert_eq!(
            [&claims["iss"], &claims["sub"], &claims["aud"], &claims["nonce"]],
            [issuer, "alice", CLIENT_ID, "n"]
        );

        let (status, _) = exchange(&token, &back["code"], VERIFIER).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "a code is exchanged once");
    }
    assert_eq!(fake.exchanges(), 3);
}

#[tokio::test]
async fn the_fake_gives_the_id_token_that_a_test_has_changed() {
    let fake = FakeOidc::start(json!({"sub": "alice"})).await;
    fake.person(json!({"sub": "bob", "email_verified": 1}));
    fake.lie(|token| token.with("aud", "another").sign());
    let url = authorization_url(&format!("{}/authorize", fake.issuer), |_| {});
    let back = Browser::new(REDIRECT_URI).open(&url).await.back();

    let (_, said) = exchange(&format!("{}/token", fake.issuer), &back["code"], VERIFIER).await;

    let claims = claims(&said);
    assert_eq!(
        (&claims["sub"], &claims["aud"], &claims["email_verified"]),
        (&json!("bob"), &json!("another"), &json!(1))
    );
}

#[tokio::test]
async fn the_fake_of_github_answers_in_the_shapes_of_its_documentation() {
    let emails = ["a", "b", "c"]
        .map(|name| fake_github::email(&format!("{name}@example.com"), name == "c", true));
    let github = FakeGithub::start(emails.to_vec()).await;
    let base = format!("http://{}", github.web.address);
    let url = authorization_url(&format!("{base}/login/oauth/authorize"), |_| {});
    let mut browser = Browser::new(REDIRECT_URI);
    let back = browser.open(&url).await.back();

    let token = format!("{base}/login/oauth/access_token");
    let (status, said) = exchange(&token, &back["code"], VERIFIER).await;
    assert_eq!(
        (status, form::parse(&said)["access_token"].as_str()),
        (StatusCode::OK, fake_github::ACCESS_TOKEN)
    );
    let (status, said) = exchange(&token, &back["code"], VERIFIER).await;
    assert_eq!(
        (status, form::parse(&said)["error"].as_str()),
        (StatusCode::OK, "bad_verification_code")
    );
    let without_user_agent = browser.open(&format!("{base}/api/user")).await.page();
    assert_eq!(without_user_agent.status, StatusCode::FORBIDDEN);
}
