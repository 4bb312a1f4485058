//! `Link`: two users become one.

use identity_link::grpc::proto::link_response::Outcome;

use crate::support::{tokens::Token, *};

#[tokio::test]
async fn two_tokens_make_one_user() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await;
    let sms = service.create("sms", "s1").await;

    let linked = server
        .person("google-oauth2", "g1")
        .link(link_with(&Token::of("sms", "s1").sign()))
        .await
        .unwrap();

    assert_eq!(linked.outcome(), Outcome::Absorbed);
    let user = linked.user.unwrap();
    assert_eq!(user.id, google.id);
    assert_eq!(identities(&user), ["google-oauth2|g1", "sms|s1"]);
    assert_eq!(user, service.user(&google.id).await);
    assert_eq!(user, service.user(&sms.id).await, "the absorbed id still resolves");
    let link = linked.link.unwrap();
    assert_eq!((link.primary_user_id, link.secondary_user_id), (google.id, sms.id));
    assert_eq!(link.moved_identities, identity_ref("sms", "s1").into_iter().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_service_names_the_secondary_by_identity_by_id_or_by_its_token() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    for subject in ["s1", "s2", "s3"] {
        let secondary = service.create("sms", subject).await;
        let request = match subject {
            "s1" => link_identity(&primary.id, "sms", subject),
            "s2" => link_user(&primary.id, &secondary.id),
            _ => {
                let user_id = primary.id.clone();
                identity_link::grpc::proto::LinkRequest {
                    user_id,
                    ..link_with(&server.proof("sms", subject))
                }
            }
        };

        let linked = service.link(request).await.unwrap();

        assert_eq!(linked.outcome(), Outcome::Absorbed);
        let link = linked.link.unwrap();
        assert_eq!(
            (link.primary_user_id.as_str(), link.secondary_user_id),
            (primary.id.as_str(), secondary.id)
        );
    }
    let user = service.user(&primary.id).await;
    assert_eq!(identities(&user), ["google-oauth2|g1", "sms|s1", "sms|s2", "sms|s3"]);
    assert_eq!(user.version, 4, "one more for each link");
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_user_of_several_identities_is_absorbed_whole() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    let secondary = service.create("sms", "s1").await;
    server.person("sms", "s1").link(link_with(&server.proof("github", "h1"))).await.unwrap();

    // Any identity of a user proves the whole user.
    let proof = server.later_proof("github", "h1");
    let linked = server.person("google-oauth2", "g1").link(link_with(&proof)).await.unwrap();

    let user = linked.user.unwrap();
    assert_eq!(identities(&user), ["google-oauth2|g1", "sms|s1", "github|h1"]);
    let homes: Vec<_> = user.identities.iter().map(|identity| &identity.origin_user_id).collect();
    assert_eq!(homes, [&primary.id, &secondary.id, &secondary.id]);
    let moved: Vec<_> =
        linked.link.unwrap().moved_identities.into_iter().map(|moved| moved.subject).collect();
    assert_eq!(moved, ["s1", "h1"]);
    server.database.db_assert_invariants().await;
}

/// A35: a chain of links leads to one user.
#[tokio::test]
async fn chains_flatten_to_one_hop_and_keep_the_order() {
    let server = TestServer::start().await;
    let service = server.service();
    let [p, s, t] = [
        service.create("google-oauth2", "p").await.id,
        service.create("github", "s").await.id,
        service.create("sms", "t").await.id,
    ];
    let into_s = service.link(link_user(&s, &t)).await.unwrap().link.unwrap();
    let into_p = service.link(link_user(&p, &s)).await.unwrap().link.unwrap();

    assert_eq!(into_p.moved_identities.len(), 2);
    let all = service.user(&p).await;
    assert_eq!(identities(&all), ["google-oauth2|p", "github|s", "sms|t"]);
    let homes: Vec<_> = all.identities.iter().map(|identity| &identity.origin_user_id).collect();
    assert_eq!(homes, [&p, &s, &t]);
    let (current, absorbed) = (format!("CURRENT {p}"), format!("ABSORBED {p}"));
    assert_eq!(service.resolved(&[&p, &s, &t]).await, [current, absorbed.clone(), absorbed]);
    assert_eq!(service.user(&t).await, all);

    // Each absorbed user still names the link that absorbed it.
    let by_link = server
        .database
        .db_texts("SELECT absorbed_by_link::text FROM users WHERE absorbed_into IS NOT NULL ORDER BY primary_provider")
        .await;
    assert_eq!(by_link, [into_p.id, into_s.id]);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_link_that_stands_is_not_made_again() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    let secondary = service.create("sms", "s1").await;
    let (person, token) = (server.person("google-oauth2", "g1"), server.proof("sms", "s1"));
    let first = person.link(link_with(&token)).await.unwrap();
    let before = server.database.db_everything().await;

    let again = [
        ("the same token", &person, link_with(&token)),
        ("another token", &person, link_with(&server.proof("sms", "s1"))),
        ("the identity", &service, link_identity(&primary.id, "sms", "s1")),
        ("the user", &service, link_user(&primary.id, &secondary.id)),
    ];
    for (how, caller, request) in again {
        let answer = caller.link(request).await.unwrap();
        assert_eq!(answer.outcome(), Outcome::AlreadyLinked, "{how}");
        assert_eq!((&answer.user, &answer.link), (&first.user, &first.link), "{how}");
        assert_eq!(answer.metadata_changes, [], "{how}");
    }
    // Its own identity was never linked, so there is no link to return.
    let own = service.link(link_identity(&primary.id, "google-oauth2", "g1")).await.unwrap();
    assert_eq!((own.outcome(), own.link), (Outcome::AlreadyLinked, None));
    assert_eq!(before, server.database.db_everything().await);
}

/// A35: a user is not linked to itself.
#[tokio::test]
async fn same_user_is_refused_only_where_both_sides_have_the_same_name() {
    let server = TestServer::start().await;
    let service = server.service();
    let primary = service.create("google-oauth2", "g1").await;
    let by_identity = server.person("google-oauth2", "g1");
    let by_id = server.caller(&Token::of("users", &primary.id));
    let (g1, own_id) = (server.proof("google-oauth2", "g1"), server.proof("users", &primary.id));

    let same = [
        (&service, link_user(&primary.id, &primary.id)),
        (&by_identity, link_with(&g1)),
        (&by_id, link_with(&own_id)),
    ];
    for (caller, request) in same {
        assert_eq!(server.db_refused(caller.link(request)).await, "InvalidArgument SAME_USER");
    }
    // Two names of one user are not an error: there is nothing to link.
    for (caller, proof) in [(&by_identity, &own_id), (&by_id, &g1)] {
        let answer = caller.link(link_with(proof)).await.unwrap();
        assert_eq!((answer.outcome(), answer.link), (Outcome::AlreadyLinked, None));
    }
}
