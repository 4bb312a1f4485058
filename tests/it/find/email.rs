//! `FindByEmail`: which users it finds.

use identity_link::grpc::proto as pb;

use crate::support::{tokens::Token, *};

fn with_unverified(email: &str) -> pb::FindByEmailRequest {
    pb::FindByEmailRequest { include_unverified: true, ..by_email(email) }
}

/// The ids of the users that a request finds, on one page.
async fn found(caller: &Caller, request: pb::FindByEmailRequest) -> Vec<String> {
    let answer = caller.find_by_email(request).await.unwrap();
    assert_eq!(answer.next_page_token, "");
    answer.matches.into_iter().map(|found| found.user.unwrap().id).collect()
}

/// A37: a character that some software folds to an ASCII letter does not lead to another user's
/// address.
#[tokio::test]
async fn characters_that_look_alike_are_different_in_emails() {
    let server = TestServer::start().await;
    let service = server.service();
    let emails = [
        "mike@example.com",
        "m\u{131}ke@example.com",
        "m\u{130}ke@example.com",
        "\u{17f}am@example.com",
    ];
    for (n, email) in emails.into_iter().enumerate() {
        let outcome = service.create_user(pb::CreateUserRequest {
            identity: Some(pb::NewIdentity {
                identity_ref: identity_ref("github", &n.to_string()),
                email: email.to_owned(),
                email_verified: true,
                ..Default::default()
            }),
            ..Default::default()
        });
        if let Ok(created) = outcome.await {
            assert_eq!(
                found(&service, by_email(email)).await,
                [created.user.unwrap().id],
                "{email}"
            );
        } else {
            assert!(!email.is_ascii(), "{email}");
        }
    }
    assert_eq!(found(&service, with_unverified("sam@example.com")).await, [""; 0]);
}

/// A38, A40, A41: all spellings of one person's address are equal, and equal no other person's.
#[tokio::test]
async fn every_spelling_of_an_address_finds_it() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create_with("github", "h1", verified("Ann.Lee@BÜCHER.example")).await;
    let jose = service.create_with("github", "h2", verified("JOSE\u{301}@example.com")).await;

    for email in [
        "Ann.Lee@BÜCHER.example",
        "ann.lee@bücher.example",
        "ANN.LEE@xn--bcher-kva.EXAMPLE",
        "ann.lee@bu\u{308}cher.example",
    ] {
        assert_eq!(found(&service, by_email(email)).await, [ann.id.as_str()], "{email}");
    }
    for email in ["jos\u{e9}@example.com", "Jose\u{301}@EXAMPLE.COM"] {
        assert_eq!(found(&service, by_email(email)).await, [jose.id.as_str()], "{email}");
    }
    // Addresses of other people, even if some providers treat them as equal.
    for email in [
        "annlee@bücher.example",
        "ann.lee+news@bücher.example",
        "ann.lee@bucher.example",
        "jose@example.com",
        "%@example.com",
        "ann_lee@bücher.example",
    ] {
        assert_eq!(found(&service, with_unverified(email)).await, [""; 0], "{email}");
    }
}

/// A42: an unverified email is found only if the request includes unverified ones.
#[tokio::test]
async fn an_unverified_email_is_found_only_on_request() {
    let server = TestServer::start().await;
    let service = server.service();
    let sure = service.create_with("github", "h1", verified("ann@example.com")).await;
    let unsure = service.create_with("sms", "s1", unverified("Ann@example.com")).await;

    assert_eq!(found(&service, by_email("ann@example.com")).await, [sure.id.as_str()]);
    let matches = service.find_by_email(with_unverified("ann@example.com")).await.unwrap().matches;

    let mut expected = vec![(sure, "github", "h1", true), (unsure, "sms", "s1", false)];
    expected.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let expected = expected.into_iter().map(|(user, provider, subject, verified)| pb::EmailMatch {
        user: Some(user),
        identities: identity_ref(provider, subject).into_iter().collect(),
        verified,
    });
    assert_eq!(matches, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_user_is_found_once_with_each_identity_that_matches() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create_with("github", "h1", verified("ann@example.com")).await;
    for (subject, email, verified) in [
        ("s1", "ANN@example.com", true),
        ("s2", "ann@example.com", false),
        ("s3", "ann@example.org", true),
    ] {
        let change: Box<dyn FnOnce(&mut pb::CreateUserRequest)> =
            if verified { Box::new(self::verified(email)) } else { Box::new(unverified(email)) };
        service.create_with("auth0", subject, change).await;
        service.link(link_identity(&user.id, "auth0", subject)).await.unwrap();
    }
    let user = service.user(&user.id).await;
    let matched = |subjects: &[(&str, &str)]| pb::EmailMatch {
        user: Some(user.clone()),
        identities: subjects
            .iter()
            .filter_map(|(provider, subject)| identity_ref(provider, subject))
            .collect(),
        verified: true,
    };

    let sure = service.find_by_email(by_email("ann@example.com")).await.unwrap().matches;
    assert_eq!(sure, [matched(&[("github", "h1"), ("auth0", "s1")])]);
    let all = service.find_by_email(with_unverified("ann@example.com")).await.unwrap().matches;
    assert_eq!(all, [matched(&[("github", "h1"), ("auth0", "s1"), ("auth0", "s2")])]);
    // `verified` is about the identities that match, not about the user's others.
    service.create_with("auth0", "s4", unverified("claim@example.com")).await;
    service.link(link_identity(&user.id, "auth0", "s4")).await.unwrap();
    let claimed =
        service.find_by_email(with_unverified("claim@example.com")).await.unwrap().matches;
    assert_eq!((claimed.len(), claimed[0].verified), (1, false));
    assert_eq!(found(&service, by_email("claim@example.com")).await, [""; 0]);
}

#[tokio::test]
async fn an_absorbed_users_email_is_found_at_the_primary_user_until_it_comes_back() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create_with("auth0", "s1", verified("ann@example.com")).await;

    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    assert_eq!(found(&service, by_email("ann@example.com")).await, [google.id.as_str()]);

    service.unlink(unlink(&google.id, "auth0", "s1")).await.unwrap();
    assert_eq!(found(&service, by_email("ann@example.com")).await, [sms.id.as_str()]);
}

#[tokio::test]
async fn two_users_may_have_one_verified_email() {
    let server = TestServer::start().await;
    let service = server.service();
    let mut ids = vec![];
    for provider in ["github", "auth0", "google-oauth2"] {
        ids.push(service.create_with(provider, "1", verified("ann@example.com")).await.id);
    }
    ids.sort_unstable();

    assert_eq!(found(&service, by_email("ann@example.com")).await, ids);
}

#[tokio::test]
async fn no_user_of_another_tenant_is_found() {
    let server = TestServer::start().await;
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    server.service().create_with("github", "h1", verified("ann@example.com")).await;

    assert_eq!(found(&other, with_unverified("ann@example.com")).await, [""; 0]);
    let theirs = other.create_with("github", "h1", verified("ann@example.com")).await;
    assert_eq!(found(&other, by_email("ann@example.com")).await, [theirs.id.as_str()]);
}

#[tokio::test]
async fn a_refusal_names_a_bad_address_with_all_other_violations() {
    let server = TestServer::start().await;
    let request = pb::FindByEmailRequest {
        page_size: 101,
        page_token: "AAAA".to_owned(),
        ..by_email("a@b@example.com")
    };

    insta::assert_snapshot!(refusal(server.service().find_by_email(request).await), @"
    InvalidArgument REQUEST_INVALID
    email: The email address does not have exactly one @.
    page_size: must be 0 to 100
    page_token: is not a page token of this query
    ");
    let empty = refusal(server.service().find_by_email(by_email("")).await);
    assert_eq!(
        empty,
        "InvalidArgument REQUEST_INVALID\nemail: The email address does not have exactly one @."
    );
}
