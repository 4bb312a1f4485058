//! `ListLinks`: pages.

use identity_link::grpc::proto as pb;
use serde_json::json;

use crate::support::*;

fn page(user_id: &str, page_size: i32, page_token: &str) -> pb::ListLinksRequest {
    pb::ListLinksRequest { page_size, page_token: page_token.to_owned(), ..links_of(user_id) }
}

fn ids(answer: &pb::ListLinksResponse) -> Vec<String> {
    answer.links.iter().map(|link| link.id.clone()).collect()
}

/// Links a user this often, in turn as the primary and as the secondary user, and unlinks it each
/// time. Returns its id, and the ids of its links, the newest first.
async fn history(server: &TestServer, count: usize) -> (String, Vec<String>) {
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await.id;
    let other = service.create("sms", "s1").await.id;
    let mut links = vec![];
    for n in 0..count {
        let (primary, secondary, leaves) = if n % 2 == 0 {
            (&user, &other, ("sms", "s1"))
        } else {
            (&other, &user, ("google-oauth2", "g1"))
        };
        links
            .insert(0, service.link(link_user(primary, secondary)).await.unwrap().link.unwrap().id);
        service.unlink(unlink(primary, leaves.0, leaves.1)).await.unwrap();
    }
    (user, links)
}

#[tokio::test]
async fn pages_of_any_size_contain_each_link_once() {
    let server = TestServer::start().await;
    let (user, all) = history(&server, 7).await;

    for (caller, user_id) in
        [(server.service(), user.as_str()), (server.person("google-oauth2", "g1"), "")]
    {
        for size in 1..=8 {
            let (mut seen, mut token) = (vec![], String::new());
            loop {
                let answer = caller
                    .list_links(page(user_id, i32::try_from(size).unwrap(), &token))
                    .await
                    .unwrap();
                let is_last = answer.next_page_token.is_empty();
                assert!(answer.links.len() == size || is_last, "only the last page may be short");
                assert!(!answer.links.is_empty(), "no page should be empty");
                seen.extend(ids(&answer));
                token = answer.next_page_token;
                if is_last {
                    break;
                }
            }
            assert_eq!(seen, all, "in pages of {size}");
        }
    }
}

#[tokio::test]
async fn links_of_one_time_are_ordered_by_their_ids() {
    let server = TestServer::start().await;
    let (user, mut all) = history(&server, 5).await;
    server.database.db_execute("UPDATE links SET link_time = '2026-01-01T00:00:00.123456Z'").await;
    all.sort_unstable_by(|a, b| b.cmp(a));

    let first = server.service().list_links(page(&user, 2, "")).await.unwrap();
    let second = server.service().list_links(page(&user, 3, &first.next_page_token)).await.unwrap();

    assert_eq!([ids(&first), ids(&second)].concat(), all);
    assert_eq!(second.next_page_token, "");
}

#[tokio::test]
async fn a_link_between_pages_moves_no_other_link() {
    let server = TestServer::start().await;
    let (user, all) = history(&server, 4).await;
    let service = server.service();
    let first = service.list_links(page(&user, 2, "")).await.unwrap();

    let newcomer = service.create("github", "h1").await.id;
    service.link(link_user(&user, &newcomer)).await.unwrap();

    let second = service.list_links(page(&user, 50, &first.next_page_token)).await.unwrap();
    assert_eq!((ids(&second).as_slice(), second.next_page_token.as_str()), (&all[2..], ""));
}

/// Clients accept 4 MiB by default; the paths of one merge may take 64 KiB.
#[tokio::test]
async fn a_page_that_has_grown_large_ends_early() {
    let server = TestServer::start().await;
    let (user, all) = history(&server, 20).await;
    let path = "x".repeat(60_000);
    let effects = json!({"user_metadata": [{"path": path, "effect": "added"}], "app_metadata": [{"path": path, "effect": "combined"}]});
    server.database.db_execute(&format!("UPDATE links SET effects = '{effects}'")).await;

    let (mut seen, mut token) = (vec![], String::new());
    loop {
        let answer = server.service().list_links(page(&user, 20, &token)).await.unwrap();
        assert!((1..15).contains(&answer.links.len()), "{} links", answer.links.len());
        seen.extend(ids(&answer));
        token = answer.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(seen, all);
}

/// P09: a page token is sealed; a token from elsewhere or with a changed byte is refused.
#[tokio::test]
async fn a_page_token_is_good_for_its_caller_and_user_only() {
    let server = TestServer::start().await;
    let (user, all) = history(&server, 3).await;
    let service = server.service();
    let person = server.person("google-oauth2", "g1");
    let token = service.list_links(page(&user, 1, "")).await.unwrap().next_page_token;
    let own = person.list_links(page("", 1, "")).await.unwrap().next_page_token;
    let flipped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let wrong = "InvalidArgument REQUEST_INVALID\npage_token: is not a page token of this query";

    let cut = token[..token.len() - 1].to_owned();
    for tampered in [
        flipped(0),
        flipped(25),
        flipped(token.len() - 2),
        cut,
        format!("{token}A"),
        all[0].clone(),
    ] {
        assert_eq!(
            refusal(service.list_links(page(&user, 1, &tampered)).await),
            wrong,
            "{tampered:?}"
        );
    }
    let absorbed = service.owner("sms", "s1").await;
    assert_eq!(refusal(service.list_links(page(&absorbed, 1, &token)).await), wrong);
    assert_eq!(refusal(service.list_links(page(&user, 1, &own)).await), wrong);
    assert_eq!(refusal(person.list_links(page("", 1, &token)).await), wrong);
    assert_eq!(refusal(server.person("sms", "s1").list_links(page("", 1, &own)).await), wrong);
    assert_eq!(refusal(server.service_of("other").list_links(page(&user, 1, &token)).await), wrong);
    // The same query with another page size, by another service.
    let same = server
        .caller(&tokens::Token::of("services", "another"))
        .list_links(page(&user, 2, &token))
        .await;
    assert_eq!(ids(&same.unwrap()), all[1..]);
}

#[tokio::test]
async fn a_refusal_names_all_violations_at_once() {
    let server = TestServer::start().await;

    insta::assert_snapshot!(refusal(server.service().list_links(page("a b", 101, "AAAA")).await), @"
    InvalidArgument REQUEST_INVALID
    user_id: must be 1 to 255 printable ASCII characters without spaces
    page_size: must be 0 to 100
    page_token: is not a page token of this query
    ");
}
