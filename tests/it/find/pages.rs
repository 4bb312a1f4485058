//! `FindByEmail`: pages.

use identity_link::grpc::proto as pb;

use crate::support::{tokens::Token, *};

const EMAIL: &str = "ann@example.com";

fn page(page_size: i32, page_token: &str) -> pb::FindByEmailRequest {
    pb::FindByEmailRequest { page_size, page_token: page_token.to_owned(), ..by_email(EMAIL) }
}

fn ids(answer: &pb::FindByEmailResponse) -> Vec<String> {
    answer.matches.iter().map(|found| found.user.as_ref().unwrap().id.clone()).collect()
}

/// Creates users with the same email; returns their ids, in order.
async fn people(service: &Caller, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for n in 0..count {
        ids.push(service.create_with("github", &n.to_string(), verified(EMAIL)).await.id);
    }
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn pages_of_any_size_contain_each_user_once() {
    let server = TestServer::start().await;
    let service = server.service();
    let everybody = people(&service, 7).await;

    for size in 1..=8 {
        let (mut seen, mut token) = (vec![], String::new());
        loop {
            let answer =
                service.find_by_email(page(i32::try_from(size).unwrap(), &token)).await.unwrap();
            let is_last = answer.next_page_token.is_empty();
            assert!(answer.matches.len() == size || is_last, "only the last page may be short");
            assert!(!answer.matches.is_empty(), "no page should be empty");
            seen.extend(ids(&answer));
            token = answer.next_page_token;
            if is_last {
                break;
            }
        }
        assert_eq!(seen, everybody, "in pages of {size}");
    }
}

#[tokio::test]
async fn a_page_has_at_most_a_hundred_users_and_fifty_unless_asked() {
    let server = TestServer::start().await;
    let service = server.service();
    let everybody = people(&service, 101).await;

    for (asked, given) in [(0, 50), (1, 1), (100, 100)] {
        let first = service.find_by_email(page(asked, "")).await.unwrap();
        assert_eq!(ids(&first), everybody[..given]);
        let second = service.find_by_email(page(100, &first.next_page_token)).await.unwrap();
        assert_eq!(ids(&second), everybody[given..(given + 100).min(101)]);
    }
    for wrong in [-1, 101, i32::MIN, i32::MAX] {
        assert_eq!(
            refusal(service.find_by_email(page(wrong, "")).await),
            "InvalidArgument REQUEST_INVALID\npage_size: must be 0 to 100"
        );
    }
}

#[tokio::test]
async fn a_deletion_between_pages_moves_no_other_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let everybody = people(&service, 4).await;
    let first = service.find_by_email(page(2, "")).await.unwrap();

    for id in &everybody[..2] {
        service.delete_user(delete(id)).await.unwrap();
    }

    let second = service.find_by_email(page(2, &first.next_page_token)).await.unwrap();
    assert_eq!((ids(&second), second.next_page_token.as_str()), (everybody[2..].to_vec(), ""));
}

#[tokio::test]
async fn a_query_without_a_match_returns_an_empty_page() {
    let server = TestServer::start().await;
    let answer = server.service().find_by_email(page(1, "")).await.unwrap();
    assert_eq!(answer, pb::FindByEmailResponse::default());
}

/// Clients accept 4 MiB by default; a user with a hundred identities may take half of that.
#[tokio::test]
async fn a_page_that_has_grown_large_ends_early() {
    let server = TestServer::start().await;
    let service = server.service();
    let everybody = people(&service, 4).await;
    for id in &everybody {
        server.db_give_identities(id, 60).await;
    }
    let profile = serde_json::json!({"text": "x".repeat(16_000)});
    server.database.db_execute(&format!("UPDATE identities SET profile_data = '{profile}'")).await;

    let first = service.find_by_email(page(100, "")).await.unwrap();
    let second = service.find_by_email(page(100, &first.next_page_token)).await.unwrap();

    assert_eq!((ids(&first), ids(&second)), (everybody[..2].to_vec(), everybody[2..].to_vec()));
    assert_eq!(second.next_page_token, "");
}

/// P09: a page token is sealed; a token from elsewhere or with a changed byte is refused.
#[tokio::test]
async fn a_page_token_is_good_for_its_own_query_only() {
    let server = TestServer::start().await;
    let service = server.service();
    people(&service, 3).await;
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    people(&other, 3).await;
    let token = service.find_by_email(page(1, "")).await.unwrap().next_page_token;
    let flipped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let wrong = "InvalidArgument REQUEST_INVALID\npage_token: is not a page token of this query";

    for tampered in [
        flipped(0),
        flipped(25),
        flipped(token.len() - 2),
        token[..token.len() - 1].to_owned(),
        token[..4].to_owned(),
        format!("{token}A"),
        format!("{token}="),
        format!(" {token}"),
        "\0".to_owned(),
        "usr_".to_owned(),
        "x".repeat(10_000),
    ] {
        assert_eq!(refusal(service.find_by_email(page(1, &tampered)).await), wrong, "{tampered:?}");
    }
    let with_unverified = pb::FindByEmailRequest { include_unverified: true, ..page(1, &token) };
    assert_eq!(refusal(service.find_by_email(with_unverified).await), wrong);
    let of_another =
        pb::FindByEmailRequest { email: "bob@example.com".to_owned(), ..page(1, &token) };
    assert_eq!(refusal(service.find_by_email(of_another).await), wrong);
    assert_eq!(refusal(other.find_by_email(page(1, &token)).await), wrong);
    // The same query with another spelling of the email, another page size, and another service.
    let same = pb::FindByEmailRequest { email: "ANN@example.com".to_owned(), ..page(2, &token) };
    let second =
        server.caller(&Token::of("services", "another")).find_by_email(same).await.unwrap();
    assert_eq!(second.matches.len(), 2);
}
