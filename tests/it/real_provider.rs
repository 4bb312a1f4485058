//! The provider that the sign-ins of these tests go to: what it does by itself.

use serde_json::json;

use crate::support::{
    browser::Browser,
    form::{self, Form},
    oidc_provider::OidcProvider,
};

const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";
/// The challenge of RFC 7636, appendix B.
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

fn provider() -> OidcProvider {
    let client = json!({"client_id": "shop", "client_secret": "secret", "redirect_uris": [REDIRECT_URI]});
    OidcProvider::start(&client, &json!({"alice": {"email": "alice@example.com", "email_verified": true}}))
}

fn authorization_url(provider: &OidcProvider, change: impl FnOnce(&mut Form)) -> String {
    let parameters = [
        ("client_id", "shop"),
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
    format!("{}/auth?{query}", provider.issuer)
}

#[tokio::test]
async fn the_real_provider_sends_who_signs_in_back_with_a_code() {
    let (here, there) = (provider(), provider());
    assert_ne!(here.issuer, there.issuer);
    let mut browser = Browser::new(REDIRECT_URI);

    for provider in [&here, &there] {
        let back = browser.sign_in(&authorization_url(provider, |_| {}), "alice").await;

        assert_eq!((back["state"].as_str(), &back["iss"]), ("s", &provider.issuer));
        assert_eq!(back["code"].len(), 43);
        let again = browser.open(&authorization_url(provider, |_| {})).await.back();
        assert_ne!(again["code"], back["code"], "who is signed in there is not asked again");
    }
}

#[tokio::test]
async fn the_real_provider_sends_who_cancels_back_with_an_error() {
    let (provider, mut browser) = (provider(), Browser::new(REDIRECT_URI));
    let page = browser.open(&authorization_url(&provider, |_| {})).await.page();

    let back = browser.follow(&page, "Cancel").await.back();

    assert_eq!((back["error"].as_str(), back["state"].as_str()), ("access_denied", "s"));
}

/// So what the sign-ins of these tests pass is judged there too.
#[tokio::test]
async fn the_real_provider_makes_no_code_for_another_redirect_uri_or_without_a_challenge() {
    let (provider, mut browser) = (provider(), Browser::new(REDIRECT_URI));
    let elsewhere = authorization_url(&provider, |query| {
        query.insert("redirect_uri".to_owned(), format!("{REDIRECT_URI}/.."));
    });
    assert_eq!(browser.open(&elsewhere).await.page().status, 400);

    let without = authorization_url(&provider, |query| query.retain(|name, _| !name.starts_with("code_challenge")));
    assert_eq!(browser.open(&without).await.back()["error"], "invalid_request");
}
