//! `Unlink` with `UNLINK_MODE_RELEASE`: a user releases an account. A80: what named the account
//! before proves nothing afterwards. A82: only a new link brings the account back. A83: what may
//! not be released, and which callers may not release. The next sign-in of the account is in
//! `sign_in/released.rs`.

mod back;
mod refused;

use identity_link::{clock, grpc::proto as pb};
use serde_json::json as value;

use crate::support::{
    events::{events, line, list_from},
    tokens::Token,
    *,
};

const ID: &str = "6a8b6f0e-3f3d-4c1b-9a55-3f7f1d0e8a01";
const INVALID: &str = "Unauthenticated TOKEN_INVALID";
const NO_PROOF: &str = "FailedPrecondition LINK_TOKEN_INVALID";
const NO_USER: &str = "NotFound USER_NOT_FOUND";

/// Ann with a Google account, who has absorbed the user of a phone.
struct Ann {
    id: String,
    phone: String,
    link: String,
}

async fn ann(server: &TestServer) -> Ann {
    let service = server.service();
    let id = service.create("google-oauth2", "ann").await.id;
    let with_metadata = |request: &mut pb::CreateUserRequest| {
        request.user_metadata = object(value!({"lang": "de"}));
    };
    let phone = service.create_with("sms", "s", with_metadata).await.id;
    let merging = pb::LinkRequest { user_metadata: merge_default(), ..link_user(&id, &phone) };
    let link = service.link(merging).await.unwrap().link.unwrap().id;
    server.database.db_linked_long_ago().await;
    Ann { id, phone, link }
}

async fn reads(server: &TestServer, token: &Token) -> String {
    let read = server.caller(token).get_user(get("")).await;
    read.map_or_else(|status| refusal::<()>(Err(status)), |read| read.user.unwrap().id)
}

/// Signs in with this account. Returns the id of the user.
async fn signs_in(server: &TestServer, provider: &str, subject: &str) -> String {
    let decision = server
        .service()
        .resolve_sign_in(sign_in(provider, subject))
        .await
        .unwrap()
        .decision
        .unwrap();
    decision.user.unwrap().id
}

#[tokio::test]
async fn the_account_has_no_user_and_nothing_of_the_link_is_taken_back() {
    let server = TestServer::start_feed().await;
    let service = server.service();
    let Ann { id, phone, link } = ann(&server).await;
    let person = server.person("google-oauth2", "ann");

    let released = person.unlink(release("", "sms", "s")).await.unwrap();

    assert_eq!(
        (released.released, released.restored, released.link_id.as_str()),
        (true, false, "")
    );
    assert_eq!((released.detached_user, released.metadata_changes), (None, vec![]));
    let user = released.user.unwrap();
    assert_eq!(user, service.user(&id).await);
    assert_eq!((identities(&user), user.version), (vec!["google-oauth2|ann".to_owned()], 3));
    assert_eq!(json(&user.user_metadata), value!({"lang": "de"}));
    assert_eq!(
        refusal(service.find_by_identity(owner_of("sms", "s")).await),
        "NotFound IDENTITY_NOT_FOUND"
    );
    assert_eq!(
        service.resolved(&[&id, &phone]).await,
        [format!("CURRENT {id}"), format!("ABSORBED {id}")]
    );
    let told = service.list_links(links_of(&id)).await.unwrap().links;
    assert_eq!((told.len(), &told[0].id, &told[0].undo_time), (1, &link, &None), "the link stands");
    assert_eq!(told[0].moved_identities, identity_ref("sms", "s").into_iter().collect::<Vec<_>>());
    // The subject is hidden from Ann, since another person may have the number next.
    let told = person.list_links(links_of("")).await.unwrap().links;
    assert_eq!(told[0].moved_identities, identity_ref("sms", "").into_iter().collect::<Vec<_>>());
    let told = events(&service, 4).await;
    assert_eq!(line(&told[3]), format!("released {id} 2>3"));
    let Some(pb::event::Detail::IdentityReleased(event)) = &told[3].detail else {
        panic!("{told:?}")
    };
    assert_eq!(event.identity, identity_ref("sms", "s"));
    let only = pb::ListEventsRequest {
        kinds: vec![pb::EventKind::IdentityReleased.into()],
        ..list_from(pb::FeedEnd::Oldest)
    };
    assert_eq!(service.list_events(only).await.unwrap().events, [told[3].clone()]);
    server.database.db_assert_invariants_but_no_way_back_for(&[phone]).await;
}

/// A80: what named the account before its release.
#[tokio::test]
async fn tokens_from_before_the_release_give_no_access_and_prove_nothing() {
    let server = TestServer::start().await;
    let Ann { id, phone, .. } = ann(&server).await;
    server.service().create("okta", "thief").await;
    let thief = || server.caller(&Token::of("okta", "thief").issued_ago(-2));
    // The newest of these tokens are from the second of the release.
    let of_phone =
        [Token::of("sms", "s").issued_ago(60), Token::of("sms", "s"), Token::of("users", &phone)];
    let of_ann =
        [Token::of("google-oauth2", "ann").issued_ago(30), Token::of("users", &id).issued_ago(30)];
    let calling = Token::of("google-oauth2", "ann").issued_ago(20);

    server.caller(&calling).unlink(release("", "sms", "s")).await.unwrap();

    for (token, expected) in of_phone.iter().zip([NO_USER, NO_USER, INVALID]) {
        assert_eq!(reads(&server, token).await, expected);
        assert_eq!(server.db_refused(thief().link(link_with(&token.sign()))).await, NO_PROOF);
    }
    for token in &of_ann {
        assert_eq!(reads(&server, token).await, INVALID, "as after an unlink");
    }
    assert_eq!(reads(&server, &calling).await, id, "the token of the call");

    // The next owner of the number signs in.
    let next = signs_in(&server, "sms", "s").await;
    assert!(![&id, &phone].contains(&&next));
    for token in &of_phone {
        assert_eq!(reads(&server, token).await, INVALID);
        assert_eq!(server.db_refused(thief().link(link_with(&token.sign()))).await, NO_PROOF);
    }
    assert_eq!(reads(&server, &Token::of("sms", "s").issued_ago(-2)).await, next);
    server.database.db_assert_invariants_but_no_way_back_for(&[phone]).await;
}

/// A81: a user keeps its id, also one that names the released account.
#[tokio::test]
async fn the_next_user_does_not_have_the_id_of_the_one_before() {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let ann = service.create("google-oauth2", "ann").await.id;
    let phone = service.create("sms", "s").await.id;
    assert_eq!((ann.as_str(), phone.as_str()), ("google-oauth2|ann", "sms|s"));
    service.link(link_user(&ann, &phone)).await.unwrap();
    let person = server.caller(&Token::of("google-oauth2", "ann").tenant("joined"));
    person.link(link_with(&Token::of("github", "h").tenant("joined").sign())).await.unwrap();
    let sign_in = async |provider, subject| {
        let decision =
            service.resolve_sign_in(sign_in(provider, subject)).await.unwrap().decision.unwrap();
        decision.user.unwrap().id
    };
    // The first identity leaves its user, which keeps the id.
    let identity = identity_ref("github", "h");
    let set =
        pb::SetPrimaryIdentityRequest { user_id: ann.clone(), identity, ..Default::default() };
    service.set_primary_identity(set).await.unwrap();

    service.unlink(release(&ann, "sms", "s")).await.unwrap();
    service.unlink(release(&ann, "google-oauth2", "ann")).await.unwrap();

    for (provider, subject) in [("sms", "s"), ("google-oauth2", "ann")] {
        let next = sign_in(provider, subject).await;
        assert!(next.starts_with("usr_"), "{next}");
    }
    assert_eq!(identities(&service.user(&ann).await), ["github|h"]);
    assert_eq!(service.user(&phone).await.id, ann);

    // If no user ever had the account's id, the next user of the account gets it.
    service.create("okta", "o").await;
    let person = server.caller(&Token::of("okta", "o").tenant("joined"));
    person.link(link_with(&Token::of("apple", "a").tenant("joined").sign())).await.unwrap();
    service.unlink(release("okta|o", "apple", "a")).await.unwrap();
    assert_eq!(sign_in("apple", "a").await, "apple|a");
    server.database.db_assert_invariants_but_no_way_back_for(&[phone]).await;
}

#[tokio::test]
async fn a_preview_has_the_whole_response_and_changes_nothing() {
    let server = TestServer::start().await;
    let Ann { id, .. } = ann(&server).await;
    let request = release(&id, "sms", "s");

    let preview = pb::UnlinkRequest { validate_only: true, ..request.clone() };
    let mut previewed = server.db_previewed(server.service().unlink(preview)).await;
    let mut released = server.service().unlink(request).await.unwrap();

    for answer in [&mut previewed, &mut released] {
        answer.user.as_mut().unwrap().update_time = None;
    }
    assert_eq!(previewed, released);
}

/// A caller may release the account that it signed in with, and repeat the call.
#[tokio::test]
async fn the_retry_of_a_caller_that_released_its_own_account_succeeds() {
    let server = TestServer::start().await;
    let Ann { id, phone, .. } = ann(&server).await;
    let request = pb::UnlinkRequest { request_id: ID.to_owned(), ..release("", "sms", "s") };
    let own = Token::of("sms", "s").with("iat", clock::now().timestamp());
    let first = server.caller(&own).unlink(request.clone()).await.unwrap();
    assert_eq!(first.user.unwrap().id, id);
    let before = server.database.db_everything().await;

    let again = server.caller(&own).unlink(request.clone()).await.unwrap();

    assert_eq!(again, pb::UnlinkResponse { released: true, ..Default::default() });
    assert_eq!(server.database.db_everything().await, before);
    let other = pb::UnlinkRequest { mode: 0, ..request.clone() };
    assert_eq!(
        refusal(server.caller(&own).unlink(other).await),
        "InvalidArgument REQUEST_ID_REUSED"
    );
    assert_eq!(reads(&server, &own).await, NO_USER);

    // A caller that names the absorbed user by its id has left the user as well.
    let Ann { id, phone: second, .. } = {
        let service = server.service();
        let second = service.create("sms", "t").await.id;
        let link = service.link(link_user(&id, &second)).await.unwrap().link.unwrap().id;
        Ann { id, phone: second, link }
    };
    let request = pb::UnlinkRequest { request_id: ID.to_owned(), ..release("", "sms", "t") };
    let by_id = Token::of("users", &second).issued_ago(-1);
    let first = server.caller(&by_id).unlink(request.clone()).await.unwrap();
    assert_eq!(first.user.unwrap().id, id);
    let again = server.caller(&by_id).unlink(request).await.unwrap();
    assert_eq!(again, pb::UnlinkResponse { released: true, ..Default::default() });
    assert_eq!(reads(&server, &by_id).await, INVALID);
    let mut stranded = [phone, second];
    stranded.sort();
    server.database.db_assert_invariants_but_no_way_back_for(&stranded).await;
}

/// The retry of a caller that still has access gets the whole response.
#[tokio::test]
async fn the_retry_of_a_caller_that_stays_gets_the_same_response() {
    let server = TestServer::start().await;
    let Ann { id, .. } = ann(&server).await;
    let calling = Token::of("google-oauth2", "ann").with("iat", clock::now().timestamp());
    for (caller, user_id, subject) in
        [(server.service(), id.as_str(), "s"), (server.caller(&calling), "", "t")]
    {
        if subject == "t" {
            server.service().create("sms", "t").await;
            server.service().link(link_identity(&id, "sms", "t")).await.unwrap();
        }
        let request =
            pb::UnlinkRequest { request_id: ID.to_owned(), ..release(user_id, "sms", subject) };
        let first = caller.unlink(request.clone()).await.unwrap();
        assert_eq!(caller.unlink(request).await.unwrap(), first);
        assert_eq!(first.user.unwrap().id, id);
    }
}
