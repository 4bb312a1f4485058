//! `validate_only` of `CompleteSignIn`: the code is exchanged, and the response contains the
//! outcome and a ticket that carries it out.

mod links;

use pb::{
    link_request::Secondary, link_response::Outcome as Linked, resolve_sign_in_request::Proof,
};

use super::*;
use crate::support::{Caller, Races, count, racer_as, tokens::Token};

const OVER: &str = "FailedPrecondition SIGN_IN_INVALID";
const INVALID: &str = "FailedPrecondition LINK_TICKET_INVALID";

/// Outcome and rule of a decision.
pub(super) fn told(decision: &pb::SignInDecision) -> String {
    let outcome = decision.outcome().as_str_name().trim_start_matches("OUTCOME_");
    let rule = decision.rule().as_str_name().trim_start_matches("SIGN_IN_RULE_");
    format!("{outcome} {rule}")
}

pub(super) fn preview(request: pb::CompleteSignInRequest) -> pb::CompleteSignInRequest {
    pb::CompleteSignInRequest { validate_only: true, ..request }
}

/// A flow to sign in at the fake, sent back, to be previewed.
async fn sign_in_back(server: &TestServer) -> pb::CompleteSignInRequest {
    let begun = server.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    preview(come_back(&begun).await)
}

/// The preview of a sign-in at the fake, and its ticket.
async fn previewed(server: &TestServer) -> (pb::SignInDecision, String) {
    let answer = server.service().complete_sign_in(sign_in_back(server).await).await.unwrap();
    (decision(Ok(answer.clone())), answer.ticket)
}

/// The decision of `ResolveSignIn` with a ticket.
pub(super) async fn goes_on(service: &Caller, ticket: &str) -> Result<pb::SignInDecision, Status> {
    let proof = Some(Proof::SignInTicket(ticket.to_owned()));
    let request = pb::ResolveSignInRequest { proof, ..Default::default() };
    Ok(service.resolve_sign_in(request).await?.decision.unwrap())
}

pub(super) fn link_by(user_id: &str, ticket: &str) -> pb::LinkRequest {
    let secondary = Some(Secondary::LinkTicket(ticket.to_owned()));
    pb::LinkRequest { user_id: user_id.to_owned(), secondary, ..Default::default() }
}

/// Creates Ann with an account at GitHub; returns her id and a token of her.
async fn ann(server: &TestServer) -> (String, String) {
    let ann = server.service().create("github", "ann").await.id;
    (ann, Token::of("github", "ann").sign())
}

/// A flow to link an account at the fake, sent back, to be previewed.
async fn link_back(server: &TestServer, token: &str) -> pb::CompleteSignInRequest {
    let begun = server.service().start_sign_in(to_link("fake", token)).await.unwrap();
    preview(pb::CompleteSignInRequest { user_token: token.to_owned(), ..come_back(&begun).await })
}

/// The preview of a link, and its ticket.
async fn previewed_link(server: &TestServer, token: &str) -> (pb::LinkResponse, String) {
    let answer = server.service().complete_sign_in(link_back(server, token).await).await.unwrap();
    (link(Ok(answer.clone())), answer.ticket)
}

/// All rows of all tables except the attempts and the tickets, which a preview changes.
async fn db_others(server: &TestServer) -> Vec<String> {
    let tables = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' \
        AND table_name NOT IN ('sign_in_attempts', 'sign_in_tickets')";
    let mut rows = Vec::new();
    for table in server.database.db_texts(tables).await {
        rows.extend(
            server.database.db_texts(&format!("SELECT t::text FROM {table} t ORDER BY 1")).await,
        );
    }
    rows
}

#[tokio::test]
async fn the_ticket_of_a_previewed_sign_in_carries_it_out() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let request = sign_in_back(&server).await;
    let before = db_others(&server).await;

    let answer = service.complete_sign_in(request.clone()).await.unwrap();

    let decided = decision(Ok(answer.clone()));
    assert_eq!(told(&decided), "CREATED EMAIL_UNCLAIMED");
    assert_eq!((decided.user.as_ref().unwrap().id.as_str(), decided.ticket.as_str()), ("", ""));
    assert_eq!(data_encoding::BASE64URL_NOPAD.decode(answer.ticket.as_bytes()).unwrap().len(), 32);
    assert!(answer.ticket_expire_time.is_some());
    assert_eq!(db_others(&server).await, before);
    assert!(!server.database.db_dump().await.contains(&answer.ticket));
    assert_eq!(
        refusal(service.complete_sign_in(request).await),
        OVER,
        "the attempt should be used up"
    );

    let created = goes_on(&service, &answer.ticket).await.unwrap();
    assert_eq!(told(&created), "CREATED EMAIL_UNCLAIMED");
    assert!(created.user.unwrap().identities[0].email_verified);
    assert_eq!(server.db_refused(goes_on(&service, &answer.ticket)).await, OVER);
    assert_eq!(fake.exchanges(), 1);
    server.database.db_assert_invariants().await;
}

/// A76: a ticket is good once, also if its sign-in changes nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_ticket_of_a_known_account_signs_in_once() {
    let (fake, server) = fake_and_server().await;
    let user = decision(sign_in(&server, "fake").await).user.unwrap();
    fake.person(json!({"sub": "alice", "email": "new@example.com", "email_verified": true}));
    let before = db_others(&server).await;

    let (decided, ticket) = previewed(&server).await;

    assert_eq!(told(&decided), "SIGNED_IN IDENTITY_KNOWN");
    assert_eq!(decided.user.unwrap().identities[0].email, "new@example.com");
    assert_eq!(db_others(&server).await, before);
    let signed_in = goes_on(&server.service(), &ticket).await.unwrap().user.unwrap();
    assert_eq!(
        (&signed_in.id, signed_in.identities[0].email.as_str()),
        (&user.id, "new@example.com")
    );

    let mut races = Races::begin();
    let (decided, ticket) = previewed(&server).await;
    assert_eq!(decided.user.unwrap().version, signed_in.version);
    let one = |_| {
        let (service, ticket) = (server.service(), ticket.clone());
        racer_as(async move { goes_on(&service, &ticket).await }, told)
    };
    let outcomes = races.at_once((0..8).map(one).collect()).await;
    assert_eq!(count(&outcomes, "SIGNED_IN IDENTITY_KNOWN"), 1, "{outcomes:?}");
    assert_eq!(count(&outcomes, OVER), 7, "{outcomes:?}");
}

/// A76: a preview chooses nothing: `ResolveSignIn` with its ticket suggests candidates like any
/// sign-in.
#[tokio::test]
async fn the_ticket_of_a_preview_is_decided_by_the_table_again() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let google = service.create_with("google-oauth2", "g1", verified("alice@example.com")).await.id;

    let (decided, ticket) = previewed(&server).await;
    assert_eq!(
        (told(&decided).as_str(), decided.ticket.as_str()),
        ("CANDIDATES LINKING_SUGGESTED", "")
    );
    assert_eq!(decided.candidates[0].user_id, google);
    assert_eq!(server.db_refused(service.link(link_by(&google, &ticket))).await, INVALID);

    let asked = goes_on(&service, &ticket).await.unwrap();
    assert_eq!(told(&asked), "CANDIDATES LINKING_SUGGESTED");
    assert_ne!(asked.ticket, ticket);
    assert_eq!(server.db_refused(goes_on(&service, &ticket)).await, OVER);
    assert_eq!(
        service.link(link_by(&google, &asked.ticket)).await.unwrap().outcome(),
        Linked::Attached
    );
}

#[tokio::test]
async fn a_preview_of_a_link_by_email_links_by_its_ticket() {
    let fake = FakeOidc::start(alice()).await;
    let automatic = oidc("fake", &fake.issuer).replacen(
        "email_trust",
        "linking = \"automatic\"\nemail_trust",
        1,
    );
    let server = server_with(&automatic).await;
    let service = server.service();
    let google = service.create_with("google-oauth2", "g1", verified("alice@example.com")).await.id;

    let (decided, ticket) = previewed(&server).await;
    assert_eq!(
        (told(&decided).as_str(), decided.link.unwrap().id.as_str()),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", "")
    );
    assert_eq!(identities(&service.user(&google).await), ["google-oauth2|g1"]);

    let linked = goes_on(&service, &ticket).await.unwrap();
    assert_eq!(
        (told(&linked).as_str(), linked.user.unwrap().id),
        ("LINKED EMAIL_VERIFIED_ON_BOTH_SIDES", google)
    );
}

/// A76, A77: the tenant's `registration` applies to a preview, and to its ticket.
#[tokio::test]
async fn a_preview_is_no_consent_to_a_registration() {
    let fake = FakeOidc::start(alice()).await;
    let clients = oidc("fake", &fake.issuer);
    let with = |registration: &str| {
        let tenant = format!(
            "[tenants.default]\nregistration = \"{registration}\"\n[tenants.default.providers]\n"
        );
        let clients = clients.clone();
        move |toml: String| toml.replacen("[tenants.default.providers]\n", &tenant, 1) + &clients
    };
    let server = TestServer::start_with(cluster().db_migrated().await, with("ask")).await;
    let service = server.service();

    let (decided, ticket) = previewed(&server).await;
    assert_eq!(
        (told(&decided).as_str(), decided.ticket.as_str()),
        ("REGISTRATION_NEEDED EMAIL_UNCLAIMED", "")
    );
    let asked = goes_on(&service, &ticket).await.unwrap();
    assert_eq!(told(&asked), "REGISTRATION_NEEDED EMAIL_UNCLAIMED");
    let closed = TestServer::start_with(server.database.clone(), with("closed")).await;
    let refused = "FailedPrecondition REGISTRATION_CLOSED";
    assert_eq!(closed.db_refused(goes_on(&closed.service(), &asked.ticket)).await, refused);
    assert_eq!(refusal(sign_in(&closed, "fake").await), refused);
    assert_eq!(told(&goes_on(&service, &asked.ticket).await.unwrap()), "CREATED EMAIL_UNCLAIMED");
    assert_eq!(told(&decision(sign_in(&closed, "fake").await)), "SIGNED_IN IDENTITY_KNOWN");
}

/// What may happen to Alice's account between a preview and the use of its ticket.
async fn moved(server: &TestServer, owner: &str, what: &str) {
    let service = server.service();
    match what {
        "linked" => {
            let other = service.create("okta", "other").await.id;
            service.link(link_user(&other, owner)).await.unwrap();
        }
        "touched" => {
            let other = service.create("okta", "other").await.id;
            service.link(link_user(owner, &other)).await.unwrap();
        }
        "deleted" => service.delete(owner).await,
        "made again" => {
            service.delete(owner).await;
            service.create("fake", "alice").await;
        }
        "expired" => {
            server.database.db_execute("UPDATE sign_in_tickets SET expire_time = now()").await;
        }
        _ => unreachable!("{what}"),
    }
}

/// A76, A79: a ticket from before the account came to its owner does not sign in as that owner.
#[tokio::test]
async fn the_ticket_of_a_sign_in_is_invalid_after_the_account_moved() {
    for what in ["linked", "touched", "deleted", "made again", "expired"] {
        let (_fake, server) = fake_and_server().await;
        let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
        let (_, ticket) = previewed(&server).await;
        moved(&server, &owner, what).await;

        assert_eq!(server.db_refused(goes_on(&server.service(), &ticket)).await, OVER, "{what}");
    }
}

/// A28, A36, A76: a ticket is good in its tenant, for its purpose, and while its provider is open.
#[tokio::test]
async fn the_ticket_of_a_sign_in_is_invalid_elsewhere_and_at_a_closed_provider() {
    let (fake, server) = fake_and_server().await;
    let (ann, _) = ann(&server).await;
    let (_, ticket) = previewed(&server).await;
    assert_eq!(server.db_refused(goes_on(&server.service_of("other"), &ticket)).await, OVER);
    assert_eq!(server.db_refused(server.service().link(link_by(&ann, &ticket))).await, INVALID);
    let person = server.person("github", "ann");
    assert_eq!(server.db_refused(person.link(link_by("", &ticket))).await, INVALID);
    for (setting, expected) in
        [("enabled = false", "PROVIDER_DISABLED"), ("mode = \"link_only\"", "PROVIDER_DISABLED")]
    {
        let closed = oidc("fake", &fake.issuer).replacen(
            "email_trust",
            &format!("{setting}\nemail_trust"),
            1,
        );
        let closed = TestServer::start_with(server.database.clone(), |toml| toml + &closed).await;
        let refused = closed.db_refused(goes_on(&closed.service(), &ticket)).await;
        assert_eq!(refused, format!("FailedPrecondition {expected}"));
    }
    assert_eq!(
        told(&goes_on(&server.service(), &ticket).await.unwrap()),
        "CREATED EMAIL_UNCLAIMED"
    );
}

/// A75, A76: a refusal contains no ticket.
#[tokio::test]
async fn a_preview_that_is_refused_gives_no_ticket() {
    let (_fake, server) = fake_and_server().await;
    let (_, token) = ann(&server).await;
    decision(sign_in(&server, "fake").await);
    let terms = pb::LinkTerms { attach_only: true, ..Default::default() };
    let request =
        pb::CompleteSignInRequest { link: Some(terms), ..link_back(&server, &token).await };

    assert_eq!(
        refusal(server.service().complete_sign_in(request).await),
        "AlreadyExists IDENTITY_TAKEN"
    );

    assert_eq!(server.database.db_texts("SELECT subject FROM sign_in_tickets").await, [""; 0]);
}

/// A27, A78: a preview uses its attempt up, so a retry with its request id gets the same response,
/// with the ticket.
#[tokio::test]
async fn a_retry_of_a_preview_with_its_request_id_gets_the_same_ticket() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    let (ann, token) = ann(&server).await;
    let request_id = || uuid::Uuid::new_v4().to_string();
    let of_sign_in =
        pb::CompleteSignInRequest { request_id: request_id(), ..sign_in_back(&server).await };
    let of_link =
        pb::CompleteSignInRequest { request_id: request_id(), ..link_back(&server, &token).await };
    let mut tickets = Vec::new();
    for request in [&of_sign_in, &of_link] {
        let first = service.complete_sign_in(request.clone()).await.unwrap();
        assert_eq!(service.complete_sign_in(request.clone()).await.unwrap(), first);
        let real = pb::CompleteSignInRequest { validate_only: false, ..request.clone() };
        assert_eq!(
            refusal(service.complete_sign_in(real).await),
            "InvalidArgument REQUEST_ID_REUSED"
        );
        tickets.push(first.ticket);
    }
    assert_eq!(fake.exchanges(), 2);
    let dump = server.database.db_dump().await;
    for ticket in &tickets {
        assert!(
            !dump.contains(ticket)
                && !dump.contains(&data_encoding::HEXLOWER.encode(ticket.as_bytes()))
        );
    }
    assert_eq!(service.link(link_by(&ann, &tickets[1])).await.unwrap().outcome(), Linked::Attached);
    // The account has moved to Ann since the preview showed it without a user.
    assert_eq!(server.db_refused(goes_on(&service, &tickets[0])).await, OVER);
    // Her deletion also deletes the stored responses.
    service.delete(&ann).await;
    assert_eq!(server.database.db_texts("SELECT rpc FROM request_ids").await, [""; 0]);
    for request in [of_sign_in, of_link] {
        let refused = refusal(service.complete_sign_in(request).await);
        assert!([OVER, "NotFound USER_NOT_FOUND"].contains(&refused.as_str()), "{refused}");
    }
}

/// A76: a ticket is deleted with the owner of its account.
#[tokio::test]
async fn a_ticket_is_deleted_with_the_owner_that_it_would_bring_along() {
    let (_fake, server) = fake_and_server().await;
    let service = server.service();
    let (_, token) = ann(&server).await;
    let owner = decision(sign_in(&server, "fake").await).user.unwrap().id;
    let other = service.create("okta", "other").await.id;
    service.link(link_user(&owner, &other)).await.unwrap();
    previewed_link(&server, &token).await;
    previewed(&server).await;
    // The account leaves its owner; the tickets still name that owner.
    let request = pb::SetPrimaryIdentityRequest {
        user_id: owner.clone(),
        identity: identity_ref("okta", "other"),
        ..Default::default()
    };
    service.set_primary_identity(request).await.unwrap();
    service.unlink(unlink(&owner, "fake", "alice")).await.unwrap();
    assert_eq!(
        server.database.db_texts("SELECT owner_id FROM sign_in_tickets").await,
        [owner.as_str(), &owner]
    );

    service.delete(&owner).await;

    assert_eq!(server.database.db_texts("SELECT owner_id FROM sign_in_tickets").await, [""; 0]);
}
