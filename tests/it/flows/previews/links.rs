//! The tickets of previewed links.

use super::*;

#[tokio::test]
async fn the_ticket_of_a_previewed_link_makes_it_on_terms_of_its_own() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (ann, token) = ann(&server).await;
    let alice = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let metadata = pb::UserUpdate {
        user_metadata: object(json!({"color": "red"})),
        app_metadata: object(json!({"plan": "pro"})),
        ..Default::default()
    };
    service
        .update_user(update(&alice, &["user_metadata", "app_metadata"], metadata))
        .await
        .unwrap();
    let before = db_others(&server).await;
    let terms = pb::LinkTerms { user_metadata: merge_default(), ..Default::default() };
    let request =
        pb::CompleteSignInRequest { link: Some(terms), ..link_back(&server, &token).await };

    let answer = service.complete_sign_in(request.clone()).await.unwrap();

    let shown = link(Ok(answer.clone()));
    assert_eq!(
        (shown.outcome(), changes(&shown.metadata_changes).as_str()),
        (Linked::Absorbed, "USER /color ADDED")
    );
    assert_eq!(identities(&shown.user.unwrap()), ["github|ann", "fake|alice"]);
    assert_eq!(shown.link.unwrap().id, "");
    assert_eq!(db_others(&server).await, before);
    assert_eq!(
        refusal(service.complete_sign_in(request).await),
        OVER,
        "the attempt should be used up"
    );

    // A call for Ann, by her own token or by a service. A service may also merge `app_metadata`,
    // and preview again first.
    let by_service =
        pb::LinkRequest { app_metadata: merge_default(), ..link_by(&ann, &answer.ticket) };
    let again = pb::LinkRequest { validate_only: true, ..by_service.clone() };
    let again = server.db_previewed(service.link(again)).await;
    assert_eq!(changes(&again.metadata_changes), "APP /plan ADDED");
    let taken = pb::LinkRequest { attach_only: true, ..by_service.clone() };
    assert_eq!(server.db_refused(service.link(taken)).await, "AlreadyExists IDENTITY_TAKEN");
    let linked = service.link(by_service).await.unwrap();
    assert_eq!(linked.outcome(), Linked::Absorbed);
    assert_eq!(service.resolved(&[&alice]).await, [format!("ABSORBED {ann}")]);
    // The same call is a retry while the link stands, and a replay after an undo.
    let person = server.person("github", "ann");
    assert_eq!(
        person.link(link_by("", &answer.ticket)).await.unwrap().outcome(),
        Linked::AlreadyLinked
    );
    service.unlink(unlink(&ann, "fake", "alice")).await.unwrap();
    assert_eq!(server.db_refused(service.link(link_by(&ann, &answer.ticket))).await, INVALID);
    assert_eq!(fake.exchanges(), 2);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn the_ticket_of_an_account_without_a_user_attaches_it() {
    let (_fake, server) = fake_and_server().await;
    let (ann, token) = ann(&server).await;
    let (shown, ticket) = previewed_link(&server, &token).await;
    assert_eq!(shown.outcome(), Linked::Attached);

    let linked = server.person("github", "ann").link(link_by("", &ticket)).await.unwrap();

    assert_eq!(linked.outcome(), Linked::Attached);
    assert_eq!(server.service().owner("fake", "alice").await, ann);
    let (shown, ticket) = previewed_link(&server, &token).await;
    assert_eq!(shown.outcome(), Linked::AlreadyLinked);
    let again = server.person("github", "ann").link(link_by("", &ticket)).await.unwrap();
    assert_eq!((again.outcome(), again.link), (Linked::AlreadyLinked, linked.link));
}

/// A16, A25, A29, A36, A76: the ticket links this account to the user that started the flow, and is
/// good for nothing else.
#[tokio::test]
async fn the_ticket_of_a_link_is_good_for_the_user_that_started_it_only() {
    for is_owned in [false, true] {
        let (_fake, server) = fake_and_server().await;
        let service = server.service();
        let (ann, token) = ann(&server).await;
        let mallory = service.create("github", "mallory").await.id;
        if is_owned {
            decision(sign_in(&server, "fake").await);
        }
        let (_, ticket) = previewed_link(&server, &token).await;

        let person = server.person("github", "mallory");
        assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, INVALID);
        assert_eq!(
            server.db_refused(person.link(link_by(&ann, &ticket))).await,
            "PermissionDenied NOT_YOUR_USER"
        );
        assert_eq!(server.db_refused(service.link(link_by(&mallory, &ticket))).await, INVALID);
        assert_eq!(server.db_refused(goes_on(&service, &ticket)).await, OVER);
        assert_eq!(server.db_refused(goes_on(&server.service_of("other"), &ticket)).await, OVER);
        // The account's owner cannot use the ticket either.
        if is_owned {
            let owner = service.owner("fake", "alice").await;
            assert_eq!(server.db_refused(service.link(link_by(&owner, &ticket))).await, INVALID);
        }
        service.link(link_by(&ann, &ticket)).await.unwrap();
    }
}

/// A76, A79: the ticket absorbs the user that the preview showed, as that user was then.
#[tokio::test]
async fn the_ticket_of_a_link_is_invalid_after_the_account_moved() {
    for what in ["linked", "touched", "deleted", "made again", "expired"] {
        let (_fake, server) = fake_and_server().await;
        let (ann, token) = ann(&server).await;
        let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
        let (_, ticket) = previewed_link(&server, &token).await;
        moved(&server, &owner, what).await;

        assert_eq!(
            server.db_refused(server.service().link(link_by(&ann, &ticket))).await,
            INVALID,
            "{what}"
        );
    }
}

/// A76: a ticket for an account without a user absorbs no user. A link of Ann's after the preview
/// makes the ticket invalid.
#[tokio::test]
async fn the_ticket_of_a_link_is_invalid_after_the_account_got_a_user_or_its_user_changed() {
    for what in ["signed up", "touched", "absorbed", "deleted", "blocked"] {
        let (_fake, server) = fake_and_server().await;
        let service = server.service();
        let (ann, token) = ann(&server).await;
        let (_, ticket) = previewed_link(&server, &token).await;
        let other = service.create("okta", "other").await.id;
        let expected = match what {
            "signed up" => {
                decision(sign_in(&server, "fake").await);
                INVALID
            }
            "touched" => {
                service.link(link_user(&ann, &other)).await.unwrap();
                INVALID
            }
            "absorbed" => {
                service.link(link_user(&other, &ann)).await.unwrap();
                "FailedPrecondition USER_ABSORBED"
            }
            "deleted" => {
                service.delete(&ann).await;
                assert_eq!(
                    server.database.db_texts("SELECT subject FROM sign_in_tickets").await,
                    [""; 0]
                );
                "NotFound USER_NOT_FOUND"
            }
            _ => {
                service.block(&ann, true).await;
                "FailedPrecondition USER_BLOCKED"
            }
        };

        assert_eq!(
            server.db_refused(service.link(link_by(&ann, &ticket))).await,
            expected,
            "{what}"
        );
        if what == "absorbed" {
            assert_eq!(server.db_refused(service.link(link_by(&other, &ticket))).await, INVALID);
        }
    }
}

/// A28: a link-only account brings along no user that can sign in, by a ticket either. A disabled
/// provider's account is not linked.
#[tokio::test]
async fn a_ticket_reaches_no_further_than_its_flow() {
    let (fake, server) = fake_and_server().await;
    let (ann, token) = ann(&server).await;
    let holder = server.service().create("google-oauth2", "g1").await.id;
    let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
    server.service().link(link_user(&holder, &owner)).await.unwrap();
    let (_, ticket) = previewed_link(&server, &token).await;
    for (setting, by_ticket, by_flow) in [
        ("mode = \"link_only\"", "AlreadyExists IDENTITY_TAKEN", "AlreadyExists IDENTITY_TAKEN"),
        ("enabled = false", INVALID, "FailedPrecondition PROVIDER_DISABLED"),
    ] {
        let closed = oidc("fake", &fake.issuer).replacen(
            "email_trust",
            &format!("{setting}\nemail_trust"),
            1,
        );
        let closed = TestServer::start_with(server.database.clone(), |toml| toml + &closed).await;
        assert_eq!(
            closed.db_refused(closed.service().link(link_by(&ann, &ticket))).await,
            by_ticket
        );
        let request = link_back(&server, &token).await;
        assert_eq!(refusal(closed.service().complete_sign_in(request).await), by_flow);
    }
    assert_eq!(
        server.service().link(link_by(&ann, &ticket)).await.unwrap().outcome(),
        Linked::Absorbed
    );
}
