//! `link_with`: which tokens prove the secondary user, and which do not.

use identity_link::grpc::proto::{self as pb, link_response::Outcome};

use crate::support::{tokens::Token, *};

const INVALID: &str = "FailedPrecondition LINK_TOKEN_INVALID";

/// A32: a token that is older than ten minutes is no proof, though it has not expired.
#[tokio::test]
async fn what_is_not_a_fresh_token_of_a_user_of_this_tenant_proves_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    service.create("sms", "s1").await;
    let good = || Token::of("sms", "s1");
    let signed = good().sign();
    let (head, tail) = signed.split_at(signed.len() - 8);
    let mut unsigned = good();
    unsigned.header.typ = Some("JWT".to_owned());
    let mut forged = good();
    forged.signer = "stranger";
    let now = identity_link::clock::now().timestamp();

    let bad = [
        ("garbage", "garbage".to_owned()),
        ("three dots", "a.b.c".to_owned()),
        ("over 8 KiB", "a".repeat(8 * 1024 + 1)),
        ("cut off", head.to_owned()),
        ("with another signature", format!("{head}{}", tail.chars().rev().collect::<String>())),
        ("with something behind it", format!("{signed}.x")),
        ("of another type", unsigned.sign()),
        ("signed with another key", forged.sign()),
        ("of an issuer that is not trusted", Token::of("stranger", "s1").sign()),
        ("expired", good().with("exp", now - 60).sign()),
        ("not valid yet", good().with("nbf", now + 120).sign()),
        ("from the future", good().issued_ago(-120).sign()),
        ("older than ten minutes", good().issued_ago(601).sign()),
        ("without an age", good().with("iat", ()).sign()),
        ("without an end", good().with("exp", ()).sign()),
        ("for another audience", good().with("aud", "another").sign()),
        ("for no audience", good().with("aud", ()).sign()),
        ("of another tenant", good().tenant("other").sign()),
        ("of no tenant", good().with("tenant", ()).sign()),
        ("of an unknown tenant", good().tenant("nowhere").sign()),
        ("of a service", Token::of("services", "backend").sign()),
        ("of no subject", good().with("sub", "").sign()),
        ("of a user that never was", Token::of("users", "usr_nobody").sign()),
        ("of a provider that its issuer does not speak for", Token::of("broker", "sms|s1").sign()),
        ("of an identity without a provider", Token::of("broker", "s1").sign()),
    ];
    let person = server.person("google-oauth2", "g1");
    for (what, token) in bad {
        assert_eq!(server.db_refused(person.link(link_with(&token))).await, INVALID, "{what}");
        let preview = pb::LinkRequest { validate_only: true, ..link_with(&token) };
        assert_eq!(refusal(person.link(preview).await), INVALID, "{what}, in a preview");
    }
    // The good token links, so the refusals above are due to the tokens and to nothing else in the
    // test.
    assert_eq!(person.link(link_with(&signed)).await.unwrap().outcome(), Outcome::Absorbed);
}

#[tokio::test]
async fn every_refused_proof_has_the_same_text() {
    let server = TestServer::start().await;
    server.service().create("google-oauth2", "g1").await;
    let person = server.person("google-oauth2", "g1");
    let expired = Token::of("sms", "s1").issued_ago(1200).sign();
    let nobody = server.proof("users", "usr_nobody");

    let mut texts = Vec::new();
    for token in ["garbage", &expired, &nobody] {
        texts.push(person.link(link_with(token)).await.unwrap_err().message().to_owned());
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

/// A32: a token that was used is no proof for another user.
#[tokio::test]
async fn a_token_makes_one_link() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    service.create("google-oauth2", "g2").await;
    service.create("sms", "s1").await;
    let [absorbed, attached] = [server.proof("sms", "s1"), server.proof("github", "h1")];
    let person = server.person("google-oauth2", "g1");
    for token in [&absorbed, &attached] {
        person.link(link_with(token)).await.unwrap();
    }

    let thief = server.person("google-oauth2", "g2");
    for token in [&absorbed, &attached] {
        assert_eq!(
            server.db_refused(thief.link(link_with(token))).await,
            INVALID,
            "used for another user"
        );
    }
    for (token, provider, subject) in [(&absorbed, "sms", "s1"), (&attached, "github", "h1")] {
        person.unlink(unlink("", provider, subject)).await.unwrap();
        for caller in [&person, &thief] {
            assert_eq!(
                server.db_refused(caller.link(link_with(token))).await,
                INVALID,
                "used, and unlinked since"
            );
        }
    }
    // A new sign-in is a new proof.
    assert_eq!(
        person.link(link_with(&server.proof("github", "h1"))).await.unwrap().outcome(),
        Outcome::Absorbed
    );
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_used_token_is_no_retry_once_its_identity_has_left() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    service.create("sms", "s1").await;
    server.person("sms", "s1").link(link_with(&server.proof("github", "h1"))).await.unwrap();
    let token = server.proof("sms", "s1");
    let person = server.person("google-oauth2", "g1");
    person.link(link_with(&token)).await.unwrap();

    // The link stands, since the other identity of that user is still linked.
    service.unlink(unlink(&primary.id, "sms", "s1")).await.unwrap();

    let request = pb::LinkRequest { user_id: primary.id, ..link_with(&token) };
    assert_eq!(server.db_refused(service.link(request)).await, INVALID);
}

#[tokio::test]
async fn a_token_is_named_by_its_jti_or_else_by_what_was_signed() {
    let server = TestServer::start().await;
    let service = server.service();
    for subject in ["g1", "g2"] {
        service.create("google-oauth2", subject).await;
    }
    let [one, two] = [server.person("google-oauth2", "g1"), server.person("google-oauth2", "g2")];

    one.link(link_with(&Token::of("sms", "s1").with("jti", "a").sign())).await.unwrap();
    let same_jti = Token::of("sms", "s2").with("jti", "a").sign();
    assert_eq!(server.db_refused(two.link(link_with(&same_jti))).await, INVALID);
    let of_another_issuer = Token::of("github", "h1").with("jti", "a").sign();
    two.link(link_with(&of_another_issuer)).await.unwrap();

    let without = Token::of("sms", "s3").with("jti", ()).sign();
    one.link(link_with(&without)).await.unwrap();
    assert_eq!(server.db_refused(two.link(link_with(&without))).await, INVALID);
}

#[tokio::test]
async fn refusals_and_previews_do_not_use_a_token_up() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    service.create("sms", "s1").await;
    let (person, token) = (server.person("google-oauth2", "g1"), server.proof("sms", "s1"));

    let refused = pb::LinkRequest { expected_version: Some(99), ..link_with(&token) };
    assert_eq!(refusal(person.link(refused).await), "Aborted VERSION_MISMATCH");
    let preview = pb::LinkRequest { validate_only: true, ..link_with(&token) };
    assert_eq!(person.link(preview).await.unwrap().outcome(), Outcome::Absorbed);

    assert_eq!(person.link(link_with(&token)).await.unwrap().outcome(), Outcome::Absorbed);
}

#[tokio::test]
async fn a_token_from_before_an_unlink_proves_neither_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    service.create("google-oauth2", "g2").await;
    let secondary = service.create("sms", "s1").await;
    let older = |issuer, subject: &str| Token::of(issuer, subject).issued_ago(60).sign();
    let stolen = [
        older("sms", "s1"),
        older("users", &secondary.id),
        older("google-oauth2", "g1"),
        older("users", &primary.id),
    ];
    service.link(link_user(&primary.id, &secondary.id)).await.unwrap();
    service.unlink(unlink(&primary.id, "sms", "s1")).await.unwrap();

    let thief = server.person("google-oauth2", "g2");
    for token in stolen {
        assert_eq!(server.db_refused(thief.link(link_with(&token))).await, INVALID);
    }
    assert_eq!(
        thief.link(link_with(&server.proof("sms", "s1"))).await.unwrap().outcome(),
        Outcome::Absorbed
    );
}

#[tokio::test]
async fn a_token_from_before_its_identity_was_detached_does_not_prove_the_new_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    service.create("google-oauth2", "g2").await;
    server
        .person("google-oauth2", "g1")
        .link(link_with(&server.proof("github", "h1")))
        .await
        .unwrap();
    let older = Token::of("github", "h1").issued_ago(60).sign();
    service.unlink(unlink(&user.id, "github", "h1")).await.unwrap();

    let thief = server.person("google-oauth2", "g2");
    assert_eq!(server.db_refused(thief.link(link_with(&older))).await, INVALID);
}

/// A46: an account that comes back after its user was deleted is another user.
#[tokio::test]
async fn a_token_from_before_the_deletion_of_what_it_names_proves_nothing() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    let gone = service.create("sms", "s1").await;
    let absorbed = service.create("github", "h1").await;
    service.link(link_user(&gone.id, &absorbed.id)).await.unwrap();
    let older = |issuer, subject: &str| Token::of(issuer, subject).issued_ago(60).sign();
    let stolen = [
        older("sms", "s1"),
        older("github", "h1"),
        older("users", &gone.id),
        older("users", &absorbed.id),
        // The id of a deleted user stays gone, even for a new token.
        Token::of("users", &gone.id).issued_ago(-5).sign(),
        Token::of("users", &absorbed.id).issued_ago(-5).sign(),
    ];
    service.delete(&gone.id).await;

    let person = server.person("google-oauth2", "g1");
    for token in &stolen {
        assert_eq!(server.db_refused(person.link(link_with(token))).await, INVALID);
    }
    // They prove nothing either after the account has come back as a new user.
    service.create("sms", "s1").await;
    for token in &stolen {
        assert_eq!(server.db_refused(person.link(link_with(token))).await, INVALID);
    }
    let newer = Token::of("github", "h1").issued_ago(-5).sign();
    assert_eq!(person.link(link_with(&newer)).await.unwrap().outcome(), Outcome::Attached);
}

#[tokio::test]
async fn a_token_for_an_absorbed_id_proves_its_holder_only_if_it_is_younger_than_the_link() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    let holder = service.create("google-oauth2", "g2").await;
    let absorbed = service.create("sms", "s1").await;
    service.link(link_user(&holder.id, &absorbed.id)).await.unwrap();
    let person = server.person("google-oauth2", "g1");

    let older = Token::of("users", &absorbed.id).issued_ago(60).sign();
    assert_eq!(server.db_refused(person.link(link_with(&older))).await, INVALID);

    let younger = Token::of("users", &absorbed.id).issued_ago(-5).sign();
    let linked = person.link(link_with(&younger)).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Absorbed);
    assert_eq!(
        identities(&linked.user.unwrap()),
        ["google-oauth2|g1", "google-oauth2|g2", "sms|s1"]
    );
    assert_eq!(linked.link.unwrap().secondary_user_id, holder.id);
}

#[tokio::test]
async fn an_empty_jti_names_no_token() {
    let server = TestServer::start().await;
    let service = server.service();
    for subject in ["g1", "g2"] {
        service.create("google-oauth2", subject).await;
    }
    for (google, sms) in [("g1", "s1"), ("g2", "s2")] {
        let token = Token::of("sms", sms).with("jti", "").sign();
        server.person("google-oauth2", google).link(link_with(&token)).await.unwrap();
    }
}

#[tokio::test]
async fn a_retry_succeeds_after_the_primary_user_was_absorbed_too() {
    let server = TestServer::start().await;
    let service = server.service();
    let root = service.create("github", "h1").await.id;
    let google = service.create("google-oauth2", "g1").await.id;
    service.create("sms", "s1").await;
    let token = server.proof("sms", "s1");
    // This sign-in is later than the second in which the service links the user.
    let person = server.caller(&Token::of("google-oauth2", "g1").issued_ago(-2));
    let first = person.link(link_with(&token)).await.unwrap().link;
    service.link(link_user(&root, &google)).await.unwrap();

    let again = person.link(link_with(&token)).await.unwrap();

    assert_eq!(again.outcome(), Outcome::AlreadyLinked);
    assert_eq!((again.link, again.user.unwrap().id), (first, root));
}
