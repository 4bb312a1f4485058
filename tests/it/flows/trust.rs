//! Trust in a provider's word on emails, and an operator's other decisions about a provider,
//! through a whole flow.

use pb::sign_in_decision::Outcome;

use super::*;

const VICTIM: &str = "victim@example.com";

/// The configuration of a client at the fake, with these settings of the provider.
fn fake_with(policy: &str, fake: &FakeOidc) -> String {
    oidc("fake", &fake.issuer).replace("email_trust = \"when_verified\"", policy)
}

/// A server with such a client, and a user whose email is verified by a trusted provider.
async fn server_with_victim(policy: &str, fake: &FakeOidc) -> (TestServer, pb::User) {
    let google = "[tenants.default.providers.google]\nlinking = \"automatic\"\nemail_trust = \"when_verified\"\n";
    let server = server_with(&(fake_with(policy, fake) + google)).await;
    let verified = |request: &mut pb::CreateUserRequest| {
        let identity = request.identity.as_mut().unwrap();
        (identity.email, identity.email_verified) = (VICTIM.to_owned(), true);
    };
    let victim = server.service().create_with("google", "victim", verified).await;
    (server, victim)
}

fn claims(sub: &str, email: &str) -> Value {
    json!({"sub": sub, "email": email, "email_verified": true})
}

/// A05, A14: a provider's word on an email counts only if the operator trusts it.
#[tokio::test]
async fn a_provider_that_is_not_trusted_links_no_user_by_email() {
    let fake = FakeOidc::start(claims("mallory", VICTIM)).await;
    let (server, victim) = server_with_victim("email_trust = \"never\"", &fake).await;

    let decision = decision(sign_in(&server, "fake").await);

    assert_eq!(
        (decision.outcome(), decision.rule().as_str_name()),
        (Outcome::Created, "SIGN_IN_RULE_EMAIL_UNVERIFIED")
    );
    assert_ne!(decision.user.unwrap().id, victim.id);
    assert_eq!(server.service().user(&victim.id).await, victim);
}

/// A70: the word on an email from a flow is stored, and counts as soon as its provider is trusted.
#[tokio::test]
async fn an_email_from_a_flow_counts_by_todays_trust() {
    let fake = FakeOidc::start(claims("alice", "alice@example.com")).await;
    let untrusting = server_with(&fake_with("email_trust = \"never\"", &fake)).await;
    let user = decision(sign_in(&untrusting, "fake").await).user.unwrap();
    assert!(!user.identities[0].email_verified);

    for (policy, counts) in
        [("email_trust = \"when_verified\"", true), ("email_trust = \"never\"", false)]
    {
        let later = TestServer::start_with(untrusting.database.clone(), |toml| {
            toml + &fake_with(policy, &fake)
        })
        .await;
        assert_eq!(
            later.service().user(&user.id).await.identities[0].email_verified,
            counts,
            "{policy}"
        );
    }
}

/// A08: a known account stays its owner's, with any email.
#[tokio::test]
async fn a_known_account_with_the_victims_email_stays_its_owners() {
    let fake = FakeOidc::start(claims("mallory", "mallory@example.com")).await;
    let (server, victim) =
        server_with_victim("email_trust = \"when_verified\"\nlinking = \"automatic\"", &fake).await;
    let mallory = decision(sign_in(&server, "fake").await).user.unwrap();

    fake.person(claims("mallory", VICTIM));
    let again = decision(sign_in(&server, "fake").await);

    assert_eq!((again.outcome(), again.user.unwrap().id), (Outcome::SignedIn, mallory.id));
    assert_eq!(server.service().user(&victim.id).await, victim);
}

/// An account has the configured `social` and connection of its provider, if a flow signs it in or
/// links it.
#[tokio::test]
async fn an_account_is_described_as_its_provider_is_configured() {
    let fake = FakeOidc::start(alice()).await;
    let described = "email_trust = \"when_verified\"\nsocial = true\nconnections = [\"work\"]";
    let server = server_with(&fake_with(described, &fake)).await;
    let shown = |user: Option<pb::User>| {
        let identity = user.unwrap().identities.pop().unwrap();
        (identity.connection, identity.social)
    };
    let expected = ("work".to_owned(), true);
    assert_eq!(shown(decision(sign_in(&server, "fake").await).user), expected);

    fake.person(claims("bob", "bob@example.com"));
    server.service().create("github", "ann").await;
    let token = tokens::Token::of("github", "ann").sign();
    let begun = server.service().start_sign_in(to_link("fake", &token)).await.unwrap();
    let back = pb::CompleteSignInRequest { user_token: token, ..come_back(&begun).await };
    assert_eq!(shown(link(server.service().complete_sign_in(back).await).user), expected);
}

/// A claim that a provider sends once and then omits stays; this holds for each claim separately.
#[tokio::test]
async fn a_claim_that_a_provider_omits_later_stays() {
    let (fake, server) = fake_and_server().await;
    let told = async || {
        let user = decision(sign_in(&server, "fake").await).user.unwrap();
        (user.version, user.identities[0].email.clone(), json(&user.identities[0].profile_data))
    };
    assert_eq!(told().await, (1, "Alice@example.com".to_owned(), json!({"name": "Alice"})));

    fake.person(json!({"sub": "alice", "picture": "https://example.com/alice.png"}));

    let both = json!({"name": "Alice", "picture": "https://example.com/alice.png"});
    assert_eq!(told().await, (2, "Alice@example.com".to_owned(), both.clone()));
    fake.person(json!({"sub": "alice"}));
    assert_eq!(told().await, (2, "Alice@example.com".to_owned(), both));
}

/// A10: an email that now belongs to another account of the same provider may belong to another
/// person.
#[tokio::test]
async fn a_second_account_of_one_provider_with_the_same_email_is_not_linked_automatically() {
    let fake = FakeOidc::start(claims("old", VICTIM)).await;
    let (server, victim) =
        server_with_victim("email_trust = \"when_verified\"\nlinking = \"automatic\"", &fake).await;
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Linked);
    let before = server.service().user(&victim.id).await;

    fake.person(claims("new", VICTIM));
    let decision = decision(sign_in(&server, "fake").await);

    assert_eq!(
        (decision.outcome(), decision.rule().as_str_name()),
        (Outcome::Candidates, "SIGN_IN_RULE_PROVIDER_ALREADY_LINKED")
    );
    assert_eq!(server.service().user(&victim.id).await, before);
}

/// A11: a provider that verified an email once does not know whose email it is now.
#[tokio::test]
async fn an_email_counts_only_where_its_provider_is_authoritative() {
    let fake = FakeOidc::start(claims("foreign", VICTIM)).await;
    let policy = "linking = \"automatic\"\nemail_trust = \"authoritative_domains\"\n\
                  authoritative_domains = [\"mail.example.com\"]\nhosted_domains = true";
    let (server, victim) = server_with_victim(policy, &fake).await;

    let foreign = decision(sign_in(&server, "fake").await);
    assert_eq!(foreign.rule().as_str_name(), "SIGN_IN_RULE_EMAIL_UNVERIFIED");
    let mut hosted = claims("other", VICTIM);
    hosted["hd"] = json!("mail.example.com");
    fake.person(hosted);
    let elsewhere = decision(sign_in(&server, "fake").await);
    assert_eq!(
        elsewhere.rule().as_str_name(),
        "SIGN_IN_RULE_EMAIL_UNVERIFIED",
        "hosted at another domain"
    );
    assert_eq!(server.service().user(&victim.id).await, victim);

    let mut hosted = claims("hosted", VICTIM);
    hosted["hd"] = json!("example.com");
    fake.person(hosted);
    assert_eq!(decision(sign_in(&server, "fake").await).outcome(), Outcome::Linked);
}

/// A28: a provider that is disabled or link-only signs no user in, also by a flow that was started
/// before.
#[tokio::test]
async fn a_disabled_or_link_only_provider_signs_no_user_in() {
    let fake = FakeOidc::start(alice()).await;
    for policy in ["enabled = false", "mode = \"link_only\""] {
        let server = server_with(&fake_with("", &fake)).await;
        let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
        let request = come_back(&begun).await;
        let later = TestServer::start_with(server.database.clone(), |toml| {
            toml + &fake_with(policy, &fake)
        })
        .await;

        let started = later.service().start_sign_in(to_sign_in("fake")).await;
        assert_eq!(refusal(started), "FailedPrecondition PROVIDER_DISABLED", "{policy}");
        refused_to_everybody(
            &later,
            later.service().complete_sign_in(request).await,
            "FailedPrecondition PROVIDER_DISABLED",
        )
        .await;
    }
}

/// A72: the same for a provider that was taken out of the configuration after the start.
#[tokio::test]
async fn a_flow_at_a_provider_that_is_no_longer_declared_signs_no_user_in() {
    let (_fake, server) = fake_and_server().await;
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let request = come_back(&begun).await;
    let later = TestServer::start_with(server.database.clone(), |toml| toml).await;

    refused_to_everybody(
        &later,
        later.service().complete_sign_in(request).await,
        "NotFound PROVIDER_UNKNOWN",
    )
    .await;
}

/// A48: the redirect URI is the configured one, with any headers about the server's own address.
#[tokio::test]
async fn no_header_changes_where_the_browser_is_sent() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let forwarded = [
        "forwarded",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-prefix",
        "x-original-host",
    ]
    .into_iter()
    .fold(service, |caller, name| caller.with_metadata(name, "evil.example.com"));
    let begun = forwarded.start_sign_in(to_sign_in("fake")).await.unwrap();
    assert!(!begun.authorization_url.contains("evil"), "{}", begun.authorization_url);
}
