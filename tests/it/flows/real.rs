//! The same at a certified provider: `oidc-provider`, in a process of its own.

use super::*;
use crate::support::{oidc_provider::OidcProvider, tokens::Token};

/// A provider that keeps emails for its userinfo, as OpenID Connect Core §5.4 has it.
fn provider() -> OidcProvider {
    let client = json!({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "redirect_uris": [REDIRECT_URI]});
    let accounts = json!({
        "alice": {"email": "alice@example.com", "email_verified": true},
        "mallory": {"email": "alice@example.com", "email_verified": false},
    });
    OidcProvider::start(&client, &accounts)
}

async fn back_from(browser: &mut Browser, begun: &pb::StartSignInResponse, account: &str) -> pb::CompleteSignInRequest {
    let back = browser.sign_in(&begun.authorization_url, account).await;
    brought_back(begun, &back)
}

#[tokio::test]
async fn who_signs_in_at_two_providers_with_one_email_is_one_user_where_that_is_decided() {
    let (here, there) = (provider(), provider());
    let automatic = |client: String| client.replacen("email_trust", "linking = \"automatic\"\nemail_trust", 1);
    let clients = automatic(oidc("here", &here.issuer)) + &automatic(oidc("there", &there.issuer));
    let server = server_with(&clients).await;
    let service = server.service();
    let mut users = Vec::new();
    for (provider, account) in [("here", "alice"), ("there", "alice"), ("here", "mallory")] {
        let begun = service.start_sign_in(to_sign_in(provider)).await.unwrap();
        let mut browser = Browser::new(REDIRECT_URI);
        let request = back_from(&mut browser, &begun, account).await;
        users.push(decision(service.complete_sign_in(request).await));
    }

    let outcomes: Vec<_> = users.iter().map(pb::SignInDecision::outcome).collect();
    use pb::sign_in_decision::Outcome::{Created, Linked};
    assert_eq!(outcomes, [Created, Linked, Created]);
    let [alice, again, mallory] = users.try_into().unwrap();
    assert_eq!(again.user.as_ref().unwrap().id, alice.user.unwrap().id);
    assert_eq!(identities(&again.user.unwrap()), ["here|alice", "there|alice"]);
    assert_eq!(identities(&mallory.user.unwrap()), ["here|mallory"]);
}

#[tokio::test]
async fn who_is_signed_in_links_the_account_at_a_real_provider_and_may_say_no_there() {
    let real = provider();
    let server = server_with(&oidc("real", &real.issuer)).await;
    let service = server.service();
    let ann = service.create("github", "ann").await.id;
    let user_token = Token::of("github", "ann").sign();
    let start = || service.start_sign_in(to_link("real", &user_token));

    let begun = start().await.unwrap();
    let mut browser = Browser::new(REDIRECT_URI);
    let page = browser.open(&begun.authorization_url).await.page();
    let back = browser.follow(&page, "Cancel").await.back();
    let refused = pb::CompleteSignInRequest { user_token: user_token.clone(), ..brought_back(&begun, &back) };
    assert_eq!(refusal(service.complete_sign_in(refused).await), "FailedPrecondition PROVIDER_REJECTED");

    let begun = start().await.unwrap();
    let request = back_from(&mut Browser::new(REDIRECT_URI), &begun, "alice").await;
    let request = pb::CompleteSignInRequest { user_token: user_token.clone(), ..request };
    link(service.complete_sign_in(request).await);
    assert_eq!(service.owner("real", "alice").await, ann);
}

/// The provider judges the verifier and the code too; a second exchange is none.
#[tokio::test]
async fn a_code_of_another_flow_is_refused_by_a_real_provider() {
    let real = provider();
    let server = server_with(&oidc("real", &real.issuer)).await;
    let service = server.service();
    let [one, other] = [to_sign_in("real"), to_sign_in("real")].map(|request| service.start_sign_in(request));
    let [one, other] = [one.await.unwrap(), other.await.unwrap()];
    let stolen = back_from(&mut Browser::new(REDIRECT_URI), &one, "alice").await;
    let own = back_from(&mut Browser::new(REDIRECT_URI), &other, "mallory").await;

    let injected = pb::CompleteSignInRequest { code: stolen.code, ..own };

    refused_to_everybody(&server, service.complete_sign_in(injected).await, "FailedPrecondition PROVIDER_REJECTED")
        .await;
}

#[tokio::test]
async fn a_real_provider_says_when_somebody_signed_in() {
    let real = provider();
    let server = server_with(&oidc("real", &real.issuer)).await;
    let max_age = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let request = pb::StartSignInRequest { max_age, ..to_sign_in("real") };
    let begun = server.service().start_sign_in(request).await.unwrap();
    let request = back_from(&mut Browser::new(REDIRECT_URI), &begun, "alice").await;
    decision(server.service().complete_sign_in(request).await);
}
