//! Tickets: good once, for ten minutes, and for their candidates.

use super::*;

/// Ann, who is known at Google, and the ticket of her first sign-in with Apple.
async fn ann_with_ticket(server: &TestServer) -> (String, String) {
    let service = server.service();
    let ann = service.arrives("google-oauth2", "g1", EMAIL).await;
    let decision = service.arrives("apple", "a1", EMAIL).await;
    assert_eq!(told(&decision), "CANDIDATES LINKING_SUGGESTED");
    assert_eq!(decision.user, None);
    (who(&ann).to_owned(), decision.ticket)
}

const INVALID: &str = "FailedPrecondition LINK_TICKET_INVALID";
const OVER: &str = "FailedPrecondition SIGN_IN_INVALID";

#[tokio::test]
async fn the_candidate_links_the_account_by_its_own_token() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let person = server.person("google-oauth2", "g1");

    let preview = pb::LinkRequest { validate_only: true, ..link_by("", &ticket) };
    server.db_previewed(person.link(preview)).await;
    let linked = person.link(link_by("", &ticket)).await.unwrap();

    assert_eq!(linked.outcome(), pb::link_response::Outcome::Attached);
    let user = linked.user.unwrap();
    assert_eq!(
        (user.id.as_str(), identities(&user)),
        (ann.as_str(), vec!["google-oauth2|g1".to_owned(), "apple|a1".to_owned()])
    );
    assert!(user.identities[1].email_verified);
    let history = person.list_links(links_of("")).await.unwrap().links;
    assert_eq!(
        history[0].proof.as_ref().unwrap().proof,
        Some(pb::link_proof::Proof::Ticket(Default::default()))
    );
    // The same call again is a retry. Any other call is a replay.
    let again = person.link(link_by("", &ticket)).await.unwrap();
    assert_eq!(again.outcome(), pb::link_response::Outcome::AlreadyLinked);
    assert_eq!(server.db_refused(server.service().goes_on(&ticket)).await, OVER);
    assert_eq!(who(&server.service().arrives("apple", "a1", EMAIL).await), ann);
    server.service().unlink(unlink(&ann, "apple", "a1")).await.unwrap();
    let person = server.caller(&tokens::Token::of("google-oauth2", "g1").issued_ago(-5));
    assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, INVALID);
    server.database.db_assert_invariants().await;
}

#[tokio::test]
async fn a_service_links_on_behalf_of_a_candidate() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;

    let linked = server.service().link(link_by(&ann, &ticket)).await.unwrap();

    assert_eq!(linked.outcome(), pb::link_response::Outcome::Attached);
}

#[tokio::test]
async fn a_person_that_is_no_candidate_becomes_a_user_of_its_own() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let service = server.service();

    let decision = service.goes_on(&ticket).await.unwrap();

    assert_eq!(told(&decision), "CREATED NEW_USER_CHOSEN");
    assert_ne!(who(&decision), ann);
    assert!(decision.user.as_ref().unwrap().identities[0].email_verified);
    assert_eq!(server.db_refused(service.goes_on(&ticket)).await, OVER);
    let person = server.person("google-oauth2", "g1");
    assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, INVALID);
    assert_eq!(who(&service.arrives("apple", "a1", EMAIL).await), who(&decision));
    server.database.db_assert_invariants().await;
}

/// A25, A31: a ticket proves an account for its candidates and for no other user.
#[tokio::test]
async fn a_ticket_is_invalid_for_any_other_user() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let service = server.service();
    let mallory = service.create("github", "m1").await.id;

    let person = server.person("github", "m1");
    assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, INVALID);
    assert_eq!(
        server.db_refused(person.link(link_by(&ann, &ticket))).await,
        "PermissionDenied NOT_YOUR_USER"
    );
    assert_eq!(server.db_refused(service.link(link_by(&mallory, &ticket))).await, INVALID);
    assert_eq!(server.db_refused(server.service_of("other").goes_on(&ticket)).await, OVER);
    // A27: the ticket is random, and is stored as a hash.
    assert_eq!(data_encoding::BASE64URL_NOPAD.decode(ticket.as_bytes()).unwrap().len(), 32);
    assert!(!server.database.db_dump().await.contains(&ticket));
    let other = service.arrives("apple", "a2", EMAIL).await.ticket;
    assert_ne!(ticket, other);
    for guess in ["a", &ticket.to_uppercase(), &ticket[..42]] {
        assert_eq!(server.db_refused(service.goes_on(guess)).await, OVER, "{guess}");
        assert_eq!(server.db_refused(service.link(link_by(&ann, guess))).await, INVALID, "{guess}");
    }
}

/// What may happen to Ann after she became a candidate.
async fn changed(server: &TestServer, ann: &str, what: &str) {
    let service = server.service();
    match what {
        "link" => {
            let other = service.create("sms", "s1").await.id;
            service.link(link_user(ann, &other)).await.unwrap();
        }
        "attach" => {
            server
                .person("google-oauth2", "g1")
                .link(link_with(&server.proof("sms", "s1")))
                .await
                .unwrap();
        }
        "unlink" => {
            service.unlink(unlink(ann, "sms", "s0")).await.unwrap();
        }
        "undo" => {
            let link = service.list_links(links_of(ann)).await.unwrap().links[0].id.clone();
            service
                .undo_link(pb::UndoLinkRequest { link_id: link, ..Default::default() })
                .await
                .unwrap();
        }
        "absorbed" => {
            let other = service.create("sms", "s1").await.id;
            service.link(link_user(&other, ann)).await.unwrap();
        }
        "deleted" => service.delete(ann).await,
        "blocked" => service.block(ann, true).await,
        "renamed" => {
            let renamed = pb::UserUpdate {
                user_metadata: object(serde_json::json!({"a": 1})),
                ..Default::default()
            };
            service.update_user(update(ann, &["user_metadata"], renamed)).await.unwrap();
        }
        "signed in" => {
            service.arrives("google-oauth2", "g1", "new@example.com").await;
        }
        _ => unreachable!("{what}"),
    }
}

/// I11: a ticket becomes invalid by any link, unlink or deletion of its user, and by nothing else.
#[tokio::test]
async fn a_ticket_becomes_invalid_by_what_changes_the_accounts_of_its_user() {
    for (what, outcome) in [
        ("link", INVALID),
        ("attach", INVALID),
        ("unlink", INVALID),
        ("undo", INVALID),
        ("absorbed", "FailedPrecondition USER_ABSORBED"),
        ("deleted", "NotFound USER_NOT_FOUND"),
        ("blocked", "FailedPrecondition USER_BLOCKED"),
        ("renamed", "OK"),
        ("signed in", "OK"),
    ] {
        let server = TestServer::start().await;
        let service = server.service();
        let ann = who(&service.arrives("google-oauth2", "g1", EMAIL).await).to_owned();
        let phone = service.create("sms", "s0").await.id;
        service.link(link_user(&ann, &phone)).await.unwrap();
        let ticket = service.arrives("apple", "a1", EMAIL).await.ticket;
        changed(&server, &ann, what).await;

        let linked = service.link(link_by(&ann, &ticket)).await;

        assert_eq!(
            linked.as_ref().map_or_else(|_| refusal(linked.clone()), |_| "OK".to_owned()),
            outcome,
            "{what}"
        );
        if what == "absorbed" {
            let by_its_own_hand = server.person("sms", "s1").link(link_by("", &ticket)).await;
            assert_eq!(refusal(by_its_own_hand), INVALID);
        }
        server.database.db_assert_invariants().await;
    }
}

#[tokio::test]
async fn a_ticket_becomes_invalid_when_a_user_owns_the_account() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let service = server.service();
    let owner = service.create("apple", "a1").await.id;
    assert_eq!(server.db_refused(service.link(link_by(&ann, &ticket))).await, INVALID);
    assert_eq!(server.db_refused(service.goes_on(&ticket)).await, OVER);

    // The ticket stays invalid after the owner is deleted: it did not prove this state.
    service.delete(&owner).await;
    assert_eq!(server.db_refused(service.link(link_by(&ann, &ticket))).await, INVALID);
    assert_eq!(server.db_refused(service.goes_on(&ticket)).await, OVER);
    assert_eq!(
        server.database.db_texts("SELECT subject FROM sign_in_tickets").await,
        [""; 0],
        "erased with the account"
    );
}

#[tokio::test]
async fn a_ticket_is_erased_with_a_candidate() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    assert_eq!(server.database.db_texts("SELECT subject FROM sign_in_tickets").await, ["a1"]);

    server.service().delete(&ann).await;

    assert_eq!(server.database.db_texts("SELECT subject FROM sign_in_tickets").await, [""; 0]);
    assert_eq!(refusal(server.service().goes_on(&ticket).await), OVER);
}

#[tokio::test]
async fn a_ticket_is_over_after_ten_minutes() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let left = "SELECT (expire_time - issue_time BETWEEN interval '9 minutes 50 seconds' AND interval '10 minutes 10 seconds')::text \
        FROM sign_in_tickets";
    assert_eq!(server.database.db_texts(left).await, ["true"]);
    server.database.db_execute("UPDATE sign_in_tickets SET expire_time = now()").await;

    assert_eq!(server.db_refused(server.service().goes_on(&ticket)).await, OVER);
    assert_eq!(server.db_refused(server.service().link(link_by(&ann, &ticket))).await, INVALID);
}

/// A28, R16: a ticket whose provider is disabled.
#[tokio::test]
async fn a_ticket_is_invalid_after_its_provider_is_disabled() {
    let server = TestServer::start().await;
    let (ann, ticket) = ann_with_ticket(&server).await;
    let close = |toml: String| {
        let (open, closed) = ("apple = {", "apple = { enabled = false,");
        assert!(toml.contains(open));
        toml.replace(open, closed)
    };
    let server = TestServer::start_with(server.database.clone(), close).await;

    assert_eq!(server.db_refused(server.service().link(link_by(&ann, &ticket))).await, INVALID);
    assert_eq!(
        server.db_refused(server.service().goes_on(&ticket)).await,
        "FailedPrecondition PROVIDER_DISABLED"
    );
}

/// A27: a ticket is derived from the request and the tenant's key. No table contains it, and no
/// stored response.
#[tokio::test]
async fn a_repeated_request_gets_the_same_response_and_the_same_ticket() {
    let server = TestServer::start().await;
    let service = server.service();
    let request = |provider: &str, subject: &str, id: uuid::Uuid| pb::ResolveSignInRequest {
        request_id: id.to_string(),
        ..sign_in_with(account(provider, subject, EMAIL))
    };
    let [one, two, three, four] = [1, 2, 3, 4].map(|_| uuid::Uuid::new_v4());

    let ann = service.resolve_sign_in(request("google-oauth2", "g1", one)).await.unwrap();
    assert_eq!(service.resolve_sign_in(request("google-oauth2", "g1", one)).await.unwrap(), ann);
    let known = service.resolve_sign_in(request("google-oauth2", "g1", two)).await.unwrap();
    assert_eq!(service.resolve_sign_in(request("google-oauth2", "g1", two)).await.unwrap(), known);
    let other = refusal(service.resolve_sign_in(request("google-oauth2", "g2", two)).await);
    assert_eq!(other, "InvalidArgument REQUEST_ID_REUSED");

    let asked = service.resolve_sign_in(request("apple", "a1", three)).await.unwrap();
    assert_eq!(service.resolve_sign_in(request("apple", "a1", three)).await.unwrap(), asked);
    let ticket = asked.decision.clone().unwrap().ticket;
    assert_eq!(data_encoding::BASE64URL_NOPAD.decode(ticket.as_bytes()).unwrap().len(), 32);
    let dump = server.database.db_dump().await;
    assert!(
        !dump.contains(&ticket)
            && !dump.contains(&data_encoding::HEXLOWER.encode(ticket.as_bytes()))
    );
    // Another request id, or another caller with this one, is another request.
    let another = server.caller(&tokens::Token::of("services", "another"));
    for (caller, id) in [(&service, four), (&another, three)] {
        let other =
            caller.resolve_sign_in(request("apple", "a1", id)).await.unwrap().decision.unwrap();
        assert_eq!(told(&other), "CANDIDATES LINKING_SUGGESTED");
        assert_ne!(other.ticket, ticket);
    }
    let own = service.goes_on(&ticket).await.unwrap();
    assert_eq!(told(&own), "CREATED NEW_USER_CHOSEN");
    // A retry still gets the first response, though the ticket is used up.
    assert_eq!(service.resolve_sign_in(request("apple", "a1", three)).await.unwrap(), asked);
    assert_eq!(server.db_refused(service.goes_on(&ticket)).await, OVER);
}

/// A stored response with candidates is removed when one of them is deleted.
#[tokio::test]
async fn a_response_with_a_ticket_is_removed_with_each_candidate() {
    let server = TestServer::start().await;
    let service = server.service();
    let ann = service.create_with("google-oauth2", "g1", verified(EMAIL)).await.id;
    let ben = service.create_with("github", "h1", verified(EMAIL)).await.id;
    let request_id = uuid::Uuid::new_v4().to_string();
    let request =
        pb::ResolveSignInRequest { request_id, ..sign_in_with(account("apple", "a1", EMAIL)) };
    let first = service.resolve_sign_in(request.clone()).await.unwrap().decision.unwrap();
    assert_eq!(first.candidates.len(), 2);

    service.delete(&ben).await;

    assert_eq!(server.database.db_texts("SELECT rpc FROM request_ids").await, [""; 0]);
    assert_eq!(server.database.db_texts("SELECT subject FROM sign_in_tickets").await, [""; 0]);
    let again = service.resolve_sign_in(request).await.unwrap().decision.unwrap();
    assert_eq!(
        (told(&again).as_str(), candidates(&again)),
        ("CANDIDATES LINKING_SUGGESTED", vec![ann.as_str()])
    );
    let linked = service.link(link_by(&ann, &again.ticket)).await.unwrap();
    assert_eq!(linked.outcome(), pb::link_response::Outcome::Attached);
}

/// A stored response names users whose email did not count. It is removed with them, wherever their
/// account is by then.
#[tokio::test]
async fn a_response_is_removed_with_each_user_in_its_evidence() {
    let server = TestServer::start().await;
    let service = server.service();
    let ben = service.create("okta", "o1").await.id;
    let mallory = service.create_with("sms", "mallorys-phone", unverified(EMAIL)).await.id;
    service.link(link_user(&ben, &mallory)).await.unwrap();
    let request_id = uuid::Uuid::new_v4().to_string();
    let request =
        pb::ResolveSignInRequest { request_id, ..sign_in_with(account("github", "h1", EMAIL)) };
    let first = service.resolve_sign_in(request).await.unwrap().decision.unwrap();
    assert_eq!(first.evidence[1].identity.as_ref().unwrap().subject, "mallorys-phone");

    let left = service
        .unlink(unlink(&ben, "sms", "mallorys-phone"))
        .await
        .unwrap()
        .detached_user
        .unwrap()
        .id;
    service.delete(&left).await;

    assert_eq!(server.database.db_texts("SELECT rpc FROM request_ids").await, [""; 0]);
}
