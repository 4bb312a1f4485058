//! `ListUsers`.

use identity_link::grpc::proto as pb;
use serde_json::json;

use crate::support::*;

fn page(page_size: i32, page_token: &str) -> pb::ListUsersRequest {
    pb::ListUsersRequest { page_size, page_token: page_token.to_owned() }
}

/// Creates this many users. Returns them in the order of their ids.
async fn people(service: &Caller, count: usize) -> Vec<pb::User> {
    let mut users = vec![];
    for n in 0..count {
        users.push(service.create("github", &n.to_string()).await);
    }
    users.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    users
}

/// All users, in pages of this size.
async fn everybody(caller: &Caller, page_size: i32) -> Vec<pb::User> {
    let (mut seen, mut token) = (vec![], String::new());
    loop {
        let answer = caller.list_users(page(page_size, &token)).await.unwrap();
        let is_last = answer.next_page_token.is_empty();
        assert!(
            i32::try_from(answer.users.len()).unwrap() == page_size || is_last,
            "only the last page is short"
        );
        seen.extend(answer.users);
        token = answer.next_page_token;
        if is_last {
            return seen;
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_give_every_user_of_the_tenant_once_and_whole() {
    let server = TestServer::start().await;
    let service = server.service();
    let nobody = service.list_users(page(0, "")).await.unwrap();
    assert_eq!((nobody.users, nobody.next_page_token.as_str()), (vec![], ""));
    let users = people(&service, 7).await;
    server.service_of("other").create("github", "1").await;

    for size in 1..=8 {
        assert_eq!(everybody(&service, size).await, users, "in pages of {size}");
    }
}

#[tokio::test]
async fn absorbed_users_are_listed_again_only_when_they_are_back() {
    let server = TestServer::start().await;
    let service = server.service();
    let users = people(&service, 4).await;
    let ids =
        async || everybody(&service, 1).await.into_iter().map(|user| user.id).collect::<Vec<_>>();
    let all: Vec<String> = users.iter().map(|user| user.id.clone()).collect();
    let subject = &users[1].identities[0].identity_ref.as_ref().unwrap().subject;

    service.link(link_user(&all[3], &all[1])).await.unwrap();
    assert_eq!(ids().await, [all[0].as_str(), &all[2], &all[3]]);

    service.unlink(unlink(&all[3], "github", subject)).await.unwrap();
    assert_eq!(ids().await, all);
}

#[tokio::test]
async fn a_user_that_comes_or_goes_between_pages_moves_no_other_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let users = people(&service, 4).await;
    let first = service.list_users(page(2, "")).await.unwrap();
    assert_eq!(first.users, users[..2]);

    // One of them is the user after which the next page begins.
    for user in &users[..2] {
        service.delete(&user.id).await;
    }

    let second = service.list_users(page(2, &first.next_page_token)).await.unwrap();
    assert_eq!((second.users.as_slice(), second.next_page_token.as_str()), (&users[2..], ""));
}

/// Clients accept 4 MiB, and a user with a hundred identities may take half of that.
#[tokio::test]
async fn a_page_that_has_grown_large_ends_early() {
    let server = TestServer::start().await;
    let service = server.service();
    let ids: Vec<String> = people(&service, 4).await.into_iter().map(|user| user.id).collect();
    for id in &ids {
        server.db_give_identities(id, 60).await;
    }
    let profile = json!({"text": "x".repeat(16_000)});
    server.database.db_execute(&format!("UPDATE identities SET profile_data = '{profile}'")).await;

    let first = service.list_users(page(100, "")).await.unwrap();
    let second = service.list_users(page(100, &first.next_page_token)).await.unwrap();

    assert_eq!(
        (first.users.len(), second.users.len(), second.next_page_token.as_str()),
        (2, 2, "")
    );
    let seen: Vec<String> =
        first.users.into_iter().chain(second.users).map(|user| user.id).collect();
    assert_eq!(seen, ids);
}

/// P09: a page token is sealed, so that one from elsewhere is refused.
#[tokio::test]
async fn a_page_token_is_good_for_this_list_of_this_tenant_only() {
    let server = TestServer::start().await;
    let service = server.service();
    let users = people(&service, 3).await;
    let other = server.service_of("other");
    people(&other, 3).await;
    let token = service.list_users(page(1, "")).await.unwrap().next_page_token;
    let wrong = "InvalidArgument REQUEST_INVALID\npage_token: is not a page token of this query";

    let links = pb::ListLinksRequest { page_token: token.clone(), ..links_of(&users[0].id) };
    assert_eq!(refusal(service.list_links(links).await), wrong);
    assert_eq!(refusal(other.list_users(page(1, &token)).await), wrong);
    for tampered in [&token[1..], &token[..token.len() - 1], users[0].id.as_str(), "AAAA", "\0"] {
        assert_eq!(refusal(service.list_users(page(1, tampered)).await), wrong, "{tampered:?}");
    }
    for size in [-1, 101, i32::MAX] {
        let refused = refusal(service.list_users(page(size, &token)).await);
        assert_eq!(refused, "InvalidArgument REQUEST_INVALID\npage_size: must be 0 to 100");
    }
    assert_eq!(service.list_users(page(100, &token)).await.unwrap().users, users[1..]);
}
