//! Flows at a certified provider, as a browser goes through them: redirects, pages, forms and
//! cookies.

use pb::sign_in_decision::Outcome;

use super::*;
use crate::support::{
    real_providers::{Kind, RealProvider},
    tokens::Token,
};

const ACCOUNTS: [&str; 2] = ["alice", "bob"];

/// A provider where Alice's email is verified and Bob's is not.
fn provider() -> RealProvider {
    provider_with(&json!({}))
}

fn provider_with(settings: &Value) -> RealProvider {
    let redirect_uris = ["real", "here", "there"].map(redirect_uri);
    let client = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": redirect_uris});
    let accounts = ACCOUNTS.map(|name| {
        let claims = json!({"name": name, "email": format!("{name}@example.com"), "email_verified": name == "alice"});
        (name, claims)
    });
    let accounts = Value::from_iter(accounts);
    RealProvider::start_with(Kind::OidcProvider, &client, &accounts, settings)
}

/// A sign-in as this account, in this browser.
async fn sign_in_as(
    server: &TestServer,
    browser: &mut Browser,
    provider: &str,
    account: &str,
) -> pb::SignInDecision {
    let begun = server.service().start_sign_in(to_sign_in(provider)).await.unwrap();
    let back = browser.sign_in(&begun.authorization_url, account).await;
    decision(server.service().complete_sign_in(brought_back(&begun, &back)).await)
}

/// A49: the server authenticates itself to a provider by their shared secret.
#[tokio::test]
async fn an_account_of_a_real_provider_is_the_same_user_every_time() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let mut browser = Browser::new(CALLBACK);

    let first = sign_in_as(&server, &mut browser, "real", "alice").await;
    assert_eq!(first.rule().as_str_name(), "SIGN_IN_RULE_EMAIL_UNCLAIMED");
    let user = first.user.unwrap();
    assert_eq!(identities(&user), ["real|alice"]);
    let identity = &user.identities[0];
    assert_eq!((identity.email.as_str(), identity.email_verified), ("alice@example.com", true));
    assert_eq!(json(&identity.profile_data), json!({"name": "alice"}));

    // In the browser that is still signed in there, and in another one that is not.
    for browser in [&mut browser, &mut Browser::new(CALLBACK)] {
        let again = sign_in_as(&server, browser, "real", "alice").await;
        assert_eq!((again.outcome(), again.user.unwrap().id), (Outcome::SignedIn, user.id.clone()));
    }
    let other = sign_in_as(&server, &mut Browser::new(CALLBACK), "real", "bob").await;
    assert_eq!(other.outcome(), Outcome::Created);
    let other = other.user.unwrap();
    assert!(other.id != user.id && !other.identities[0].email_verified);
}

/// If the ID token contains the email, the server does not need userinfo.
#[tokio::test]
async fn the_id_token_of_a_real_provider_may_contain_all_claims() {
    let provider = provider_with(&json!({"conformIdTokenClaims": false}));
    let server = server_with(&oidc("real", &provider.issuer)).await;

    let user =
        sign_in_as(&server, &mut Browser::new(CALLBACK), "real", "alice").await.user.unwrap();

    let identity = &user.identities[0];
    assert_eq!((identity.email.as_str(), identity.email_verified), ("alice@example.com", true));
}

/// One subject at two issuers is two accounts. Their emails show that they belong to one person.
#[tokio::test]
async fn two_real_providers_are_linked_by_the_email_that_both_verified() {
    let (here, there) = (provider(), provider());
    let automatic =
        |toml: String| toml.replace("email_trust", "linking = \"automatic\"\nemail_trust");
    let server =
        server_with(&automatic(oidc("here", &here.issuer) + &oidc("there", &there.issuer))).await;
    let mut browser = Browser::new(CALLBACK);

    let first = sign_in_as(&server, &mut browser, "here", "alice").await;
    assert_eq!(first.outcome(), Outcome::Created);
    let second = sign_in_as(&server, &mut browser, "there", "alice").await;
    assert_eq!(
        (second.outcome(), second.rule().as_str_name()),
        (Outcome::Linked, "SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES")
    );
    assert_eq!(identities(&second.user.unwrap()), ["here|alice", "there|alice"]);

    // Bob's email is verified at neither.
    for provider in ["here", "there"] {
        let bob = sign_in_as(&server, &mut Browser::new(CALLBACK), provider, "bob").await;
        assert_eq!(
            (bob.outcome(), bob.rule().as_str_name()),
            (Outcome::Created, "SIGN_IN_RULE_EMAIL_UNVERIFIED")
        );
    }
}

#[tokio::test]
async fn a_user_links_accounts_of_a_real_provider() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let service = server.service();
    service.create("github", "1").await;
    // Bob's account has a user of its own until its owner, by a sign-in there, links it.
    let bobs = sign_in_as(&server, &mut Browser::new(CALLBACK), "real", "bob").await.user.unwrap();
    let token = Token::of("github", "1").sign();

    for (account, expected) in [
        ("alice", "OUTCOME_ATTACHED"),
        ("bob", "OUTCOME_ABSORBED"),
        ("bob", "OUTCOME_ALREADY_LINKED"),
    ] {
        let begun = service.start_sign_in(to_link("real", &token)).await.unwrap();
        let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, account).await;
        let request =
            pb::CompleteSignInRequest { user_token: token.clone(), ..brought_back(&begun, &back) };
        assert_eq!(link(service.complete_sign_in(request).await).outcome().as_str_name(), expected);
    }

    let user = server.person("github", "1").user("").await;
    assert_eq!(identities(&user), ["github|1", "real|alice", "real|bob"]);
    assert_eq!(service.user(&bobs.id).await.id, user.id);
}

/// A20, A21: the provider issues no token for a code without the code's verifier.
#[tokio::test]
async fn a_code_of_another_flow_signs_no_user_in() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let service = server.service();
    let [stolen, own] = [
        service.start_sign_in(to_sign_in("real")).await,
        service.start_sign_in(to_sign_in("real")).await,
    ];
    let (stolen, own) = (stolen.unwrap(), own.unwrap());
    let theirs = Browser::new(CALLBACK).sign_in(&stolen.authorization_url, "alice").await;
    let mut back = Browser::new(CALLBACK).sign_in(&own.authorization_url, "bob").await;
    back.insert("code".to_owned(), theirs["code"].clone());

    let outcome = service.complete_sign_in(brought_back(&own, &back)).await;

    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn a_cancelled_flow_at_a_real_provider_signs_no_user_in() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let mut browser = Browser::new(CALLBACK);
    let begun = server.service().start_sign_in(to_sign_in("real")).await.unwrap();
    let page = browser.open(&begun.authorization_url).await.page();
    let back = browser.follow(&page, "Cancel").await.back();

    let outcome = server.service().complete_sign_in(brought_back(&begun, &back)).await;

    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn a_real_provider_obeys_hint_prompt_and_max_age() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let mut browser = Browser::new(CALLBACK);
    let alice = sign_in_as(&server, &mut browser, "real", "alice").await.user.unwrap();
    let request = pb::StartSignInRequest {
        prompt: "login".to_owned(),
        login_hint: "bob".to_owned(),
        max_age: Some(prost_types::Duration { seconds: 60, nanos: 0 }),
        ..to_sign_in("real")
    };

    let begun = server.service().start_sign_in(request).await.unwrap();
    let page = browser.open(&begun.authorization_url).await.page();
    assert!(
        page.html.contains("value=\"bob\""),
        "the provider should ask for a sign-in again: {}",
        page.html
    );
    let back = browser.submit(&page, &[("login", "alice"), ("password", "any")]).await.back();

    let again = decision(server.service().complete_sign_in(brought_back(&begun, &back)).await);
    assert_eq!((again.outcome(), again.user.unwrap().id), (Outcome::SignedIn, alice.id));
}

/// A78: the provider accepts a code once, and the stored account serves each retry.
#[tokio::test]
async fn a_flow_at_a_real_provider_can_be_retried_and_previewed() {
    let provider = provider();
    let server = server_with(&oidc("real", &provider.issuer)).await;
    let service = server.service();
    let begun = service.start_sign_in(to_sign_in("real")).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request = pb::CompleteSignInRequest { request_id, ..brought_back(&begun, &back) };
    let first = service.complete_sign_in(request.clone()).await.unwrap();
    assert_eq!(service.complete_sign_in(request).await.unwrap(), first);
    let alice = decision(Ok(first)).user.unwrap().id;

    service.create("github", "1").await;
    let token = Token::of("github", "1").sign();
    let begun = service.start_sign_in(to_link("real", &token)).await.unwrap();
    let back = Browser::new(CALLBACK).sign_in(&begun.authorization_url, "alice").await;
    let request = pb::CompleteSignInRequest {
        user_token: token,
        validate_only: true,
        ..brought_back(&begun, &back)
    };
    let previewed = service.complete_sign_in(request).await.unwrap();
    assert_eq!(link(Ok(previewed.clone())).outcome().as_str_name(), "OUTCOME_ABSORBED");
    assert_eq!(service.user(&alice).await.id, alice);
    let secondary = Some(pb::link_request::Secondary::LinkTicket(previewed.ticket));
    let linked = server
        .person("github", "1")
        .link(pb::LinkRequest { secondary, ..Default::default() })
        .await
        .unwrap();
    assert_eq!(identities(&linked.user.unwrap()), ["github|1", "real|alice"]);
}
