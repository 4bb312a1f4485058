//! `ResolveUsers`.

use identity_link::grpc::proto::{self as pb, resolved_user::State};

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn the_results_have_the_order_of_the_ids() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let gone = service.create("sms", "s2").await;
    let link = service.link(link_user(&google.id, &sms.id)).await.unwrap().link.unwrap();
    service.delete_user(delete(&gone.id)).await.unwrap();
    let ids = [sms.id.as_str(), "usr_nobody", &google.id, &gone.id, &sms.id, "usr_nobody"];

    let mut answers = service.resolve_users(resolve(ids)).await.unwrap().users;

    let delete_time = answers[3].since_time.take();
    assert!(delete_time.unwrap().seconds >= gone.create_time.unwrap().seconds);
    let answer = |id: &str, state: State| pb::ResolvedUser {
        requested_id: id.to_owned(),
        state: state.into(),
        ..Default::default()
    };
    let absorbed = pb::ResolvedUser {
        user_id: google.id.clone(),
        since_time: link.link_time,
        link_id: link.id,
        ..answer(&sms.id, State::Absorbed)
    };
    let current = pb::ResolvedUser {
        user_id: google.id.clone(),
        since_time: google.create_time,
        ..answer(&google.id, State::Current)
    };
    let unknown = answer("usr_nobody", State::Unknown);
    let deleted = answer(&gone.id, State::Deleted);
    assert_eq!(answers, [absorbed.clone(), unknown.clone(), current, deleted, absorbed, unknown]);
}

/// `since_time` is that of the link by the present holder; `link_id` names the link that absorbed
/// this user.
#[tokio::test]
async fn a_user_whose_holder_is_absorbed_resolves_to_the_last_holder() {
    let server = TestServer::start().await;
    let service = server.service();

    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let github = service.create("github", "h1").await;
    let first = service.link(link_user(&sms.id, &github.id)).await.unwrap().link.unwrap();
    let second = service.link(link_user(&google.id, &sms.id)).await.unwrap().link.unwrap();

    let answers =
        service.resolve_users(resolve([github.id.as_str(), &sms.id])).await.unwrap().users;

    assert!(
        answers
            .iter()
            .all(|answer| answer.state() == State::Absorbed && answer.user_id == google.id)
    );
    assert_eq!(
        (answers[0].link_id.as_str(), answers[0].since_time),
        (first.id.as_str(), second.link_time)
    );
    assert_eq!(
        (answers[1].link_id.as_str(), answers[1].since_time),
        (second.id.as_str(), second.link_time)
    );

    service.unlink(unlink(&google.id, "sms", "s1")).await.unwrap();
    let answers =
        service.resolve_users(resolve([github.id.as_str(), &sms.id])).await.unwrap().users;
    assert_eq!(
        (answers[0].state(), answers[0].user_id.as_str()),
        (State::Absorbed, google.id.as_str())
    );
    assert_eq!(
        (answers[1].state(), answers[1].user_id.as_str()),
        (State::Current, sms.id.as_str())
    );
    assert_eq!((answers[1].link_id.as_str(), answers[1].since_time), ("", sms.create_time));
}

#[tokio::test]
async fn another_tenants_ids_are_unknown() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;
    let gone = service.create("sms", "s2").await;
    service.link(link_user(&google.id, &sms.id)).await.unwrap();
    service.delete_user(delete(&gone.id)).await.unwrap();
    let other = server.caller(&Token::of("services", "backend").tenant("other"));

    let answers =
        other.resolve_users(resolve([google.id.as_str(), &sms.id, &gone.id])).await.unwrap().users;

    for answer in answers {
        assert_eq!((answer.state(), answer.since_time), (State::Unknown, None));
        assert_eq!((answer.user_id.as_str(), answer.link_id.as_str()), ("", ""));
    }
}

#[tokio::test]
async fn a_thousand_ids_are_resolved_at_once_and_no_more() {
    let server = TestServer::start().await;
    let service = server.service();
    let user = service.create("github", "h1").await;
    let ids = |count| resolve(std::iter::repeat_n(user.id.as_str(), count));

    let answers = service.resolve_users(ids(1000)).await.unwrap().users;

    assert_eq!(answers.len(), 1000);
    assert!(
        answers.iter().all(|answer| answer.user_id == user.id && answer.state() == State::Current)
    );
    for count in [0, 1001] {
        assert_eq!(
            refusal(service.resolve_users(ids(count)).await),
            "InvalidArgument REQUEST_INVALID\nuser_ids: must be 1 to 1000 ids"
        );
    }
}

#[tokio::test]
async fn a_refusal_names_each_malformed_id_by_its_index() {
    let server = TestServer::start().await;
    let too_long = "x".repeat(256);

    let outcome =
        server.service().resolve_users(resolve(["", "usr_a", "a b", &too_long, "a\0"])).await;

    insta::assert_snapshot!(refusal(outcome), @"
    InvalidArgument REQUEST_INVALID
    user_ids[0]: must be 1 to 255 printable ASCII characters without spaces
    user_ids[2]: must be 1 to 255 printable ASCII characters without spaces
    user_ids[3]: must be 1 to 255 printable ASCII characters without spaces
    user_ids[4]: must be 1 to 255 printable ASCII characters without spaces
    ");
}
