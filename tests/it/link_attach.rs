//! `Link`: an account that a token proves and that no user owns is attached.

use identity_link::grpc::proto::{self as pb, link_response::Outcome};
use serde_json::{Value, json as object};

use crate::support::{
    tokens::{Token, iss},
    *,
};

/// Attaches the token's account to a new user. Returns the user's id and the identity.
async fn attach(server: &TestServer, token: &Token) -> (String, pb::Identity) {
    let subject = format!("g of {}", token.claims["sub"]);
    let user_id = server.service().create("google-oauth2", &subject).await.id;
    let linked =
        server.person("google-oauth2", &subject).link(link_with(&token.sign())).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Attached);
    let [_, attached] = linked.user.unwrap().identities.try_into().unwrap();
    (user_id, attached)
}

#[tokio::test]
async fn an_attached_identity_has_the_email_and_profile_of_its_token() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let token = Token::of("github", "h1")
        .with("name", "Ann")
        .with("picture", "https://example.com/ann.png")
        .with("email", "Ann@Example.com")
        .with("email_verified", true)
        .with("groups", object!(["admins"]));

    let linked = server.person("google-oauth2", "g1").link(link_with(&token.sign())).await.unwrap();

    assert_eq!((linked.outcome(), linked.metadata_changes.len()), (Outcome::Attached, 0));
    let (after, link) = (linked.user.unwrap(), linked.link.unwrap());
    assert_eq!((&after.id, after.version), (&user.id, 2));
    assert_eq!(after, service.user(&user.id).await);
    let attached = &after.identities[1];
    assert_eq!(
        json(&attached.profile_data),
        object!({"name": "Ann", "picture": "https://example.com/ann.png"})
    );
    let verified_at = attached.email_verify_time.as_ref().map(|time| time.seconds);
    assert_eq!(
        verified_at,
        token.claims["iat"].as_i64(),
        "a token's claims were true when it was issued"
    );
    let verifier = (&*attached.email_verifier_issuer, &*attached.email_verifier_subject);
    assert_eq!(verifier, (&*iss("github"), ""));
    assert_eq!((attached.connection.as_str(), attached.social), ("github", true));
    assert_eq!((attached.email.as_str(), attached.email_verified), ("Ann@Example.com", true));
    assert_eq!((&attached.origin_user_id, attached.attach_time), (&user.id, link.link_time));
    assert_eq!((&link.primary_user_id, link.secondary_user_id.as_str()), (&user.id, ""));
    assert_eq!(link.moved_identities, identity_ref("github", "h1").into_iter().collect::<Vec<_>>());
    assert_eq!(
        json(&after.profile),
        object!({}),
        "the root profile is still the primary identity's"
    );

    assert_eq!(service.owner("github", "h1").await, user.id);
    assert_eq!(service.found_by_email("ANN@example.COM", false).await, [(user.id, true)]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn an_email_is_verified_only_by_the_boolean_true_of_a_trusted_issuer() {
    let server = TestServer::start().await;
    let service = server.service();
    let claimed: [(&str, Value); 6] = [
        ("true as text", object!("true")),
        ("one", object!(1)),
        ("a list", object!([true])),
        ("no", object!(false)),
        ("null", Value::Null),
        ("nothing", Value::Null),
    ];
    for (at, (what, claim)) in claimed.into_iter().enumerate() {
        let mut token = Token::of("github", &format!("h{at}")).with("email", "ann@example.com");
        if what != "nothing" {
            token.claims["email_verified"] = claim;
        }
        let (_, identity) = attach(&server, &token).await;
        assert_eq!(
            (identity.email.as_str(), identity.email_verified),
            ("ann@example.com", false),
            "{what}"
        );
        assert_eq!(identity.email_verify_time, None);
        assert_eq!((&*identity.email_verifier_issuer, &*identity.email_verifier_subject), ("", ""));
    }
    // The operator does not trust these issuers to verify emails.
    for (issuer, subject) in [("sms", "s1"), ("broker", "ad|a1")] {
        let token = Token::of(issuer, subject)
            .with("email", "ann@example.com")
            .with("email_verified", true);
        let (_, identity) = attach(&server, &token).await;
        assert!(!identity.email_verified, "{issuer}");
    }
    assert_eq!(service.found_by_email("ann@example.com", false).await, []);
    assert_eq!(service.found_by_email("ann@example.com", true).await.len(), 8);
}

/// A39: a token claims a text that is not an email address.
#[tokio::test]
async fn an_email_claim_that_is_not_an_address_is_never_verified_and_never_found() {
    let server = TestServer::start().await;
    for (at, email) in
        ["nobody", "a@b@example.com", "\"a\"@example.com", ""].into_iter().enumerate()
    {
        let token = Token::of("github", &format!("h{at}"))
            .with("email", email)
            .with("email_verified", true);
        let (_, identity) = attach(&server, &token).await;
        assert_eq!((identity.email.as_str(), identity.email_verified), (email, false));
    }
    assert_eq!(
        server
            .database
            .db_texts("SELECT email_canonical FROM identities WHERE email_canonical <> ''")
            .await,
        [""; 0]
    );
}

#[tokio::test]
async fn claims_that_cannot_be_kept_are_left_out() {
    let server = TestServer::start().await;
    let deep = (0..40).fold(object!("x"), |inner, _| object!({ "d": inner }));
    let unfit: [(&str, Value); 6] = [
        ("email", object!("ann\0@example.com")),
        ("email", object!("ann\n@example.com")),
        ("email", object!("a".repeat(4000))),
        ("email", object!(7)),
        ("name", object!("Ann\0")),
        ("address", deep),
    ];
    for (at, (claim, value)) in unfit.into_iter().enumerate() {
        let token = Token::of("github", &format!("h{at}")).with(claim, value);
        let (_, identity) = attach(&server, &token).await;
        assert_eq!(
            (identity.email.as_str(), json(&identity.profile_data)),
            ("", object!({})),
            "{claim} {at}"
        );
    }
}

#[tokio::test]
async fn a_broker_attaches_identities_of_its_providers() {
    let server = TestServer::start().await;
    let token = Token::of("broker", "ad|CORP|ann");
    let (user_id, identity) = attach(&server, &token).await;
    assert_eq!(identity.identity_ref, identity_ref("ad", "CORP|ann"));
    assert_eq!(server.service().owner("ad", "CORP|ann").await, user_id);
}

#[tokio::test]
async fn a_further_link_of_an_attached_identity_returns_the_link_that_attached_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let person = server.person("google-oauth2", "g1");
    let attached = person.link(link_with(&server.proof("github", "h1"))).await.unwrap();

    for (caller, request) in [
        (&person, link_with(&server.proof("github", "h1"))),
        (&service, link_identity(&user.id, "github", "h1")),
    ] {
        let again = caller.link(request).await.unwrap();
        assert_eq!((again.outcome(), &again.link), (Outcome::AlreadyLinked, &attached.link));
    }
}

#[tokio::test]
async fn a_user_or_an_identity_that_is_named_without_a_proof_must_exist() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let unknown = [
        (link_identity(&user.id, "github", "h1"), "NotFound IDENTITY_NOT_FOUND"),
        (link_user(&user.id, "usr_nobody"), "NotFound USER_NOT_FOUND"),
        (link_user("usr_nobody", &user.id), "NotFound USER_NOT_FOUND"),
    ];
    for (request, expected) in unknown {
        assert_eq!(server.db_refused(service.link(request)).await, expected);
    }
}
