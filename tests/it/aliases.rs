//! Aliases: former ids of imported users, which resolve to them.

use identity_link::grpc::proto::{self as pb, event::Detail};
use serde_json::json as value;

use crate::support::{
    events::{events, line},
    imports::{ImportStore, imported, with_aliases},
    tokens::Token,
    *,
};

/// A server with the imported user `ann`, which has this account and the aliases `auth0|old` and
/// `ann_of_2019`.
async fn with_ann(account: &str) -> TestServer {
    let server = TestServer::start_feed().await;
    let ann = with_aliases(imported("ann", &[account]), &["auth0|old", "ann_of_2019"]);
    ImportStore::open(&server.database).await.import(&[ann]).await.unwrap();
    server
}

/// The live users of `ann` and of its two aliases.
async fn holders(service: &Caller) -> Vec<String> {
    service.resolved(&["ann", "auth0|old", "ann_of_2019"]).await
}

fn set_color(user_id: &str) -> pb::UpdateUserRequest {
    let user_metadata = object(value!({"color": "red"}));
    update(user_id, &["user_metadata"], pb::UserUpdate { user_metadata, ..Default::default() })
}

#[tokio::test]
async fn an_alias_resolves_to_its_user_and_is_no_user() {
    let server = with_ann("google-oauth2|g1").await;
    let service = server.service();

    assert_eq!(service.user("auth0|old").await, service.user("ann").await);
    let resolved = service.resolve_users(resolve(["auth0|old"])).await.unwrap().users.remove(0);
    assert_eq!(resolved.state().as_str_name(), "STATE_ABSORBED");
    assert_eq!((resolved.user_id.as_str(), resolved.link_id.as_str()), ("ann", ""));
    let listed = service.list_users(pb::ListUsersRequest::default()).await.unwrap().users;
    assert_eq!(listed.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["ann"]);
    assert_eq!(service.list_links(links_of("ann")).await.unwrap().links, []);

    // Like the id of any absorbed user, it names none that is changed.
    let changed = service.update_user(set_color("auth0|old")).await;
    assert_eq!(refusal(changed), "FailedPrecondition USER_ABSORBED");
    let other = service.create("sms", "s1").await.id;
    let linked = service.link(link_user(&other, "auth0|old")).await;
    assert_eq!(refusal(linked), "FailedPrecondition USER_ABSORBED");
    let again = service.link(link_user("ann", "auth0|old")).await.unwrap();
    assert_eq!(again.outcome().as_str_name(), "OUTCOME_ALREADY_LINKED");
    assert_eq!(again.link, None);
    server.database.db_assert_invariants().await;
}

/// A93: an issuer that still names people by ids of the system before writes nothing by them,
/// however fresh its tokens are.
#[tokio::test]
async fn a_token_that_names_an_alias_only_reads() {
    let server = with_ann("google-oauth2|g1").await;
    let ann = server.caller(&Token::of("users", "ann"));
    server.service().create("sms", "s1").await;
    let other = server.person("sms", "s1");
    let (old, newer) = (Token::of("users", "auth0|old"), Token::of("users", "auth0|old"));
    for token in [old.issued_ago(3000), newer.issued_ago(-2)] {
        let by_alias = server.caller(&token);
        assert_eq!(by_alias.user("").await.id, "ann");
        assert_eq!(by_alias.user("ann").await.id, "ann");
        for request in [set_color(""), set_color("ann")] {
            let refused = server.db_refused(by_alias.update_user(request)).await;
            assert_eq!(refused, "PermissionDenied REAUTHENTICATION_REQUIRED");
        }
        let deleted = server.db_refused(by_alias.delete_user(delete(""))).await;
        assert_eq!(deleted, "PermissionDenied REAUTHENTICATION_REQUIRED");
        // It is no proof either.
        let linked = server.db_refused(other.link(link_with(&token.sign()))).await;
        assert_eq!(linked, "FailedPrecondition LINK_TOKEN_INVALID");
    }
    // The user itself may name its aliases where it reads, and writes under its own id.
    assert_eq!(ann.user("auth0|old").await.id, "ann");
    ann.update_user(set_color("")).await.unwrap();
}

#[tokio::test]
async fn an_alias_goes_with_its_user_when_a_link_is_undone() {
    let server = with_ann("google-oauth2|g1").await;
    let service = server.service();
    let bob = service.create("sms", "s1").await.id;
    let carol = service.create("github", "h1").await.id;

    let link = service.link(link_user(&bob, "ann")).await.unwrap().link.unwrap().id;
    assert_eq!(holders(&service).await, vec![format!("ABSORBED {bob}"); 3]);
    server.database.db_assert_invariants().await;
    service.link(link_user(&carol, &bob)).await.unwrap();
    assert_eq!(holders(&service).await, vec![format!("ABSORBED {carol}"); 3]);
    server.database.db_assert_invariants().await;

    let undo = pb::UndoLinkRequest { link_id: link, ..Default::default() };
    service.undo_link(undo).await.unwrap();

    let back = ["CURRENT ann", "ABSORBED ann", "ABSORBED ann"];
    assert_eq!(holders(&service).await, back);
    assert_eq!(service.resolved(&[&bob]).await, [format!("ABSORBED {carol}")]);
    server.database.db_assert_invariants().await;
    let seen = events(&service, 6).await;
    let Some(Detail::LinkUndone(undone)) = &seen[5].detail else { panic!("{seen:?}") };
    assert_eq!(undone.repointed_user_ids, ["ann_of_2019", "auth0|old"]);
    // The undo ended the tokens of all these names.
    let stale = server.caller(&Token::of("users", "auth0|old").issued_ago(60));
    assert_eq!(refusal(stale.get_user(get("")).await), "Unauthenticated TOKEN_INVALID");
}

#[tokio::test]
async fn an_alias_goes_with_its_user_when_an_unlink_brings_it_back() {
    for metadata in [pb::UnlinkMetadata::Restore, pb::UnlinkMetadata::Discard] {
        let server = with_ann("google-oauth2|g1").await;
        let service = server.service();
        let bob = service.create("sms", "s1").await.id;
        service.link(link_user(&bob, "ann")).await.unwrap();
        let request =
            pb::UnlinkRequest { metadata: metadata.into(), ..unlink(&bob, "google-oauth2", "g1") };

        service.unlink(request).await.unwrap();

        let back = ["CURRENT ann", "ABSORBED ann", "ABSORBED ann"];
        assert_eq!(holders(&service).await, back);
        server.database.db_assert_invariants().await;
        let seen = events(&service, 4).await;
        let lines: Vec<String> = seen.iter().map(line).collect();
        assert_eq!(lines[0], "imported 1");
        let Some(Detail::UserUnlinked(unlinked)) = &seen[3].detail else { panic!("{seen:?}") };
        assert_eq!(unlinked.repointed_user_ids, ["ann_of_2019", "auth0|old"]);
    }
}

/// An identity that leaves alone leaves the names with the user that it leaves.
#[tokio::test]
async fn an_unlink_that_brings_no_user_back_moves_no_alias() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = with_aliases(imported("ann", &["google-oauth2|g1", "sms|s1"]), &["auth0|old"]);
    ImportStore::open(&server.database).await.import(&[ann]).await.unwrap();

    service.unlink(unlink("ann", "sms", "s1")).await.unwrap();

    assert_ne!(service.owner("sms", "s1").await, "ann");
    assert_eq!(service.resolved(&["ann", "auth0|old"]).await, ["CURRENT ann", "ABSORBED ann"]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn the_deletion_of_a_user_deletes_its_aliases() {
    let server = with_ann("google-oauth2|g1").await;
    let service = server.service();
    let names = ["ann", "ann_of_2019", "auth0|old"];
    let preview = pb::DeleteUserRequest { validate_only: true, ..delete("ann") };
    assert_eq!(service.delete_user(preview).await.unwrap().deleted_user_ids, names);

    assert_eq!(service.delete_user(delete("ann")).await.unwrap().deleted_user_ids, names);

    assert_eq!(service.resolved(&names).await, ["DELETED "; 3]);
    let by_alias = server.caller(&Token::of("users", "auth0|old"));
    assert_eq!(refusal(by_alias.get_user(get("")).await), "NotFound USER_NOT_FOUND");
    let seen = events(&service, 2).await;
    let Some(Detail::UserDeleted(deleted)) = &seen[1].detail else { panic!("{seen:?}") };
    assert_eq!(deleted.absorbed_user_ids, names[1..]);
    server.database.db_assert_invariants().await;
}

/// An absorbed person still needs `include_absorbed`; its aliases go with it.
#[tokio::test]
async fn aliases_do_not_stand_for_absorbed_users_when_a_user_is_deleted() {
    let server = with_ann("google-oauth2|g1").await;
    let service = server.service();
    let bob = service.create("sms", "s1").await.id;
    service.link(link_user(&bob, "ann")).await.unwrap();
    let refused = server.db_refused(service.delete_user(delete(&bob))).await;
    assert_eq!(refused, "FailedPrecondition ABSORBED_USERS_EXIST");

    let whole = pb::DeleteUserRequest { include_absorbed: true, ..delete(&bob) };
    let mut names = vec![bob, "ann".to_owned(), "ann_of_2019".to_owned(), "auth0|old".to_owned()];
    names.sort_unstable();
    assert_eq!(service.delete_user(whole).await.unwrap().deleted_user_ids, names);
    assert_eq!(holders(&service).await, ["DELETED "; 3]);
    server.database.db_assert_invariants().await;
}
