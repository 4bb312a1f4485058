//! What `docs/how-to/provider-down.md` promises: what callers and operators see while a provider is
//! down, and what its removal from the file would do.

use identity_link::grpc::proto::SignInRule;
use tonic_types::StatusExt as _;

use super::*;
use crate::{
    management::{channel, got, serving},
    support::{
        self,
        tokens::Token,
        web_server::{Answer, WebServer},
    },
};

const UNAVAILABLE: &str = "Unavailable PROVIDER_UNAVAILABLE";

/// Bob's account at another provider, which has verified the email that he has at the fake one.
fn bobs_other_account() -> pb::ResolveSignInRequest {
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("github", "bob"),
        email: "bob@example.com".to_owned(),
        email_verified: true,
        ..Default::default()
    };
    pb::ResolveSignInRequest { validate_only: true, ..sign_in_with(account) }
}

/// The rule by which Bob would sign in with his other account.
async fn rule(service: &Caller) -> SignInRule {
    service.resolve_sign_in(bobs_other_account()).await.unwrap().decision.unwrap().rule()
}

/// No endpoint of the provider works.
fn take_down(web: &WebServer) {
    for path in ["/.well-known/openid-configuration", "/token", "/jwks"] {
        web.answer(path, Answer::status("503 Service Unavailable"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_is_down_takes_only_its_own_sign_ins_along() {
    let database = cluster().db_migrated().await;
    let fake = FakeOidc::start(alice()).await;
    fake.person(json!({"sub": "bob", "email": "bob@example.com", "email_verified": true}));
    let declared = oidc("fake", &fake.issuer);
    let (mut child, management, address) = serving(&database, |toml| toml + &declared);
    let service = Caller::new(channel(address), Some(Token::of("services", "backend").sign()));
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let bob = decision(service.complete_sign_in(come_back(&begun).await).await);
    let bob = bob.user.unwrap().id;
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;

    take_down(&fake.web);

    let refused = service.complete_sign_in(request).await;
    assert!(refused.as_ref().unwrap_err().get_error_details().retry_info().is_some());
    assert_eq!(refusal(refused), UNAVAILABLE);
    let line = child.stderr_until(|line| line.contains(r#""message":"a provider is unavailable""#));
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["level"], &line["tenant"], &line["provider"]),
        (&json!("WARN"), &json!("default"), &json!("fake"))
    );
    assert!(line["why"].as_str().unwrap().contains("503"), "{line}");
    let (code, ready) = got(management, "/readyz").await;
    assert_eq!((code, &ready["status"]), (200, &json!("ready")));
    // A server goes on with the metadata that it has, and another one has none.
    service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let restarted = TestServer::start_with(database.clone(), |toml| toml + &declared).await;
    assert_eq!(refusal(restarted.service().start_sign_in(to_sign_in("fake")).await), UNAVAILABLE);
    drop(restarted);
    // All else goes on, and a person with another account stays one user.
    service.user(&bob).await;
    service.resolve_sign_in(support::sign_in("sms", "another")).await.unwrap();
    assert_eq!(rule(&service).await, SignInRule::LinkingSuggested);

    for path in ["/.well-known/openid-configuration", "/token", "/jwks"] {
        fake.web.answer_as_ever(path);
    }
    let begun = service.start_sign_in(to_sign_in("fake")).await.unwrap();
    let again = decision(service.complete_sign_in(come_back(&begun).await).await);
    assert_eq!(again.user.unwrap().id, bob);

    // What the page warns of: with the provider taken out, the person would become a second user.
    drop(child);
    let disabled = declared.replacen(
        "[tenants.default.providers.fake]\n",
        "[tenants.default.providers.fake]\nenabled = false\n",
        1,
    );
    for toml in ["", &disabled] {
        let server = TestServer::start_with(database.clone(), |before| before + toml).await;
        assert_eq!(rule(&server.service()).await, SignInRule::EmailUnverifiedOnOtherUsers);
    }
}
