//! A60: a token proves the user that had the account when the token was issued. After the account
//! has moved to another user, older tokens of it can read and nothing else. The tables in
//! `access/matrix.rs` and `auth0/matrix.rs` hold which rpcs and routes that means.

use identity_link::{clock, grpc::proto as pb};
use pb::link_response::Outcome;
use serde_json::json as value;

use crate::support::{tokens::Token, *};

const SIGN_IN: &str = "PermissionDenied REAUTHENTICATION_REQUIRED";
const NO_PROOF: &str = "FailedPrecondition LINK_TOKEN_INVALID";

/// Whether this token reads as its user, writes as it, and proves it, in this order.
async fn powers(server: &TestServer, token: &Token) -> [bool; 3] {
    let caller = server.caller(token);
    let reads = caller.get_user(get("")).await.is_ok();
    let user_metadata = object(value!({"seen": clock::now().to_rfc3339()}));
    let change =
        update("", &["user_metadata"], pb::UserUpdate { user_metadata, ..Default::default() });
    let writes = caller.update_user(pb::UpdateUserRequest { validate_only: true, ..change }).await;
    if let Err(refused) = &writes {
        assert_eq!(refusal::<()>(Err(refused.clone())), SIGN_IN);
    }
    let third = uuid::Uuid::new_v4().simple().to_string();
    server.service().create("okta", &third).await;
    let link = pb::LinkRequest { validate_only: true, ..link_with(&token.sign()) };
    let proves = server.person("okta", &third).link(link).await;
    if let Err(refused) = &proves {
        assert_eq!(refusal::<()>(Err(refused.clone())), NO_PROOF);
    }
    [reads, writes.is_ok(), proves.is_ok()]
}

const ALL: [bool; 3] = [true, true, true];
const READS: [bool; 3] = [true, false, false];

/// The token of an account, issued in this second.
fn issued_at(provider: &'static str, subject: &str, seconds: i64) -> Token {
    Token::of(provider, subject).with("iat", seconds)
}

fn link_second(linked: &pb::LinkResponse) -> i64 {
    linked.link.as_ref().unwrap().link_time.as_ref().unwrap().seconds
}

/// The attack: a token that leaked before the link absorbs the user that has the account now.
#[tokio::test]
async fn a_token_that_leaked_before_the_link_takes_over_no_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    service.create("sms", "ann").await;
    let thief = service.create("github", "thief").await.id;
    let leaked = Token::of("sms", "ann").issued_ago(60);
    let link = link_with(&server.proof("sms", "ann"));
    assert_eq!(
        server.person("google-oauth2", "ann").link(link).await.unwrap().outcome(),
        Outcome::Absorbed
    );

    let person = server.person("github", "thief");
    assert_eq!(server.db_refused(person.link(link_with(&leaked.sign()))).await, NO_PROOF);
    assert_eq!(
        service.resolved(&[&ann, &thief]).await,
        [format!("CURRENT {ann}"), format!("CURRENT {thief}")]
    );
    assert_eq!(server.caller(&leaked).user("").await.id, ann, "it reads, as a user id token does");
    let evil = link_with(&server.proof("wallet", "evil"));
    assert_eq!(server.db_refused(server.caller(&leaked).link(evil)).await, SIGN_IN);
}

#[tokio::test]
async fn a_token_of_the_second_of_the_move_only_reads_after_a_proof_and_is_good_after_a_service() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    for (provider, subject) in [("sms", "by service"), ("sms", "by proof"), ("okta", "by token")] {
        service.create(provider, subject).await;
    }
    let person = server.person("google-oauth2", "ann");
    let by_service =
        link_second(&service.link(link_identity(&ann, "sms", "by service")).await.unwrap());
    let by_proof =
        link_second(&person.link(link_with(&server.proof("sms", "by proof"))).await.unwrap());
    // If a service passes on a proof, the account moves by that proof.
    let proven =
        pb::LinkRequest { user_id: ann.clone(), ..link_with(&server.proof("okta", "by token")) };
    let by_token = link_second(&service.link(proven).await.unwrap());
    let attached =
        link_second(&person.link(link_with(&server.proof("github", "attached"))).await.unwrap());

    for (provider, subject, second, expected) in [
        ("sms", "by service", by_service - 1, READS),
        ("sms", "by service", by_service, ALL),
        ("sms", "by proof", by_proof, READS),
        ("sms", "by proof", by_proof + 1, ALL),
        ("okta", "by token", by_token, READS),
        ("okta", "by token", by_token + 1, ALL),
        ("github", "attached", attached, READS),
        ("github", "attached", attached + 1, ALL),
    ] {
        let token = issued_at(provider, subject, second);
        assert_eq!(powers(&server, &token).await, expected, "{subject} {}", second - by_service);
    }
    assert_eq!(
        powers(&server, &Token::of("google-oauth2", "ann").issued_ago(60)).await,
        ALL,
        "it has not moved"
    );
}

#[tokio::test]
async fn the_token_that_made_a_link_is_a_good_retry_of_that_link() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "ann").await;
    service.create("sms", "ann").await;
    let person = server.person("google-oauth2", "ann");
    for proof in [server.proof("sms", "ann"), server.proof("github", "new")] {
        let first = person.link(link_with(&proof)).await.unwrap();

        let again = person.link(link_with(&proof)).await.unwrap();

        assert_eq!(again.outcome(), Outcome::AlreadyLinked);
        assert_eq!(again.link, first.link);
    }
}

/// The account moves at the time of the sign-in, whenever that is written, so the tokens of that
/// sign-in are good.
#[tokio::test]
async fn what_a_sign_in_links_by_email_is_good_from_that_sign_in_on() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create_with("google-oauth2", "ann", verified("ann@example.com")).await;
    let signed_in = clock::now().timestamp() - 120;
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("github", "ann"),
        email: "ann@example.com".to_owned(),
        email_verified: true,
        sign_in_time: Some(prost_types::Timestamp { seconds: signed_in, nanos: 0 }),
        ..Default::default()
    };

    let decision = service.resolve_sign_in(sign_in_with(account)).await.unwrap().decision.unwrap();

    assert!(decision.link.is_some(), "{decision:?}");
    assert_eq!(powers(&server, &issued_at("github", "ann", signed_in)).await, ALL);
    assert_eq!(powers(&server, &issued_at("github", "ann", signed_in - 1)).await, READS);
    // A sign-in that creates a user moves no account, so older tokens of the account stay good.
    service.resolve_sign_in(sign_in("sms", "new")).await.unwrap();
    assert_eq!(powers(&server, &Token::of("sms", "new").issued_ago(60)).await, ALL);
}

#[tokio::test]
async fn a_link_of_the_holder_moves_every_account_of_a_chain_again() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = Vec::new();
    for (provider, subject) in [("google-oauth2", "p"), ("github", "s"), ("sms", "t")] {
        ids.push(service.create(provider, subject).await.id);
    }
    service.link(link_user(&ids[1], &ids[2])).await.unwrap();
    server.person("github", "s").link(link_with(&server.proof("apple", "attached"))).await.unwrap();
    let second = link_second(&service.link(link_user(&ids[0], &ids[1])).await.unwrap());

    for (provider, subject) in [("github", "s"), ("sms", "t"), ("apple", "attached")] {
        assert_eq!(
            powers(&server, &issued_at(provider, subject, second - 1)).await,
            READS,
            "{subject}"
        );
        assert_eq!(powers(&server, &issued_at(provider, subject, second)).await, ALL, "{subject}");
    }
    assert_eq!(powers(&server, &Token::of("users", &ids[1]).issued_ago(60)).await, READS);
}

/// After an unlink older tokens are withdrawn. After the next link, tokens from before that link
/// only read.
#[tokio::test]
async fn an_account_that_is_unlinked_and_linked_again_has_moved_again() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create("google-oauth2", "ann").await.id;
    let sms = service.create("sms", "ann").await.id;
    let person = server.person("google-oauth2", "ann");
    let undo = |link: &pb::LinkResponse| pb::UndoLinkRequest {
        link_id: link.link.as_ref().unwrap().id.clone(),
        ..Default::default()
    };
    let first = service.link(link_user(&ann, &sms)).await.unwrap();
    service.undo_link(undo(&first)).await.unwrap();
    let between = Token::of("sms", "ann").with("iat", clock::now().timestamp());
    let attached = person.link(link_with(&server.proof("github", "ann"))).await.unwrap();
    service.undo_link(undo(&attached)).await.unwrap();
    let detached = Token::of("github", "ann").with("iat", clock::now().timestamp());
    assert_eq!(powers(&server, &between).await, ALL, "the account is its own user's again");
    assert_eq!(powers(&server, &detached).await, ALL);

    service.link(link_user(&ann, &sms)).await.unwrap();
    service.link(link_identity(&ann, "github", "ann")).await.unwrap();

    for (provider, token) in [("sms", between), ("github", detached)] {
        let withdrawn = server.caller(&token.clone().issued_ago(60)).get_user(get("")).await;
        assert_eq!(refusal(withdrawn), "Unauthenticated TOKEN_INVALID", "{provider}");
        let later = Token::of(provider, "ann").with("iat", clock::now().timestamp() + 1);
        assert_eq!(powers(&server, &later).await, ALL, "{provider}");
    }
}
