//! What an event says of the link that it is about: the kind of its proof, the sign-in rule that
//! made it, and its plan.

use identity_link::grpc::proto::{self as pb, SignInRule, event::Detail, link_proof::Kind};

use crate::support::{
    events::{events, line},
    *,
};

const EMAIL: &str = "ann@example.com";
const PLAN: &str = "0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10";

/// The basis of each link that these events are about.
fn bases(events: &[pb::Event]) -> Vec<Option<pb::LinkBasis>> {
    let basis = |event: &pb::Event| match event.detail.clone().unwrap() {
        Detail::UserLinked(linked) => Some(linked.basis),
        Detail::IdentityAttached(attached) => Some(attached.basis),
        _ => None,
    };
    events.iter().filter_map(basis).collect()
}

fn basis(proof: Kind) -> pb::LinkBasis {
    pb::LinkBasis { proof_kind: proof.into(), ..Default::default() }
}

/// Makes a link by a rule, one by a token that attaches, one by a token that absorbs, and one by a
/// service in a plan.
async fn link(server: &TestServer) {
    let service = server.service();
    let ann = service.create_with("google-oauth2", "ann", verified(EMAIL)).await.id;
    let account = pb::ProvenAccount {
        identity_ref: identity_ref("github", "h1"),
        email: EMAIL.to_owned(),
        email_verified: true,
        ..Default::default()
    };
    service.resolve_sign_in(sign_in_with(account)).await.unwrap();
    let person = server.person("google-oauth2", "ann");
    person.link(link_with(&server.proof("sms", "s1"))).await.unwrap();
    service.create("okta", "o1").await;
    person.link(link_with(&server.later_proof("okta", "o1"))).await.unwrap();
    service.create("ad", "a1").await;
    let plan_id = PLAN.to_owned();
    let of_plan = pb::LinkRequest { plan_id, ..link_identity(&ann, "ad", "a1") };
    service.link(of_plan).await.unwrap();
}

#[tokio::test]
async fn the_event_of_a_link_says_what_it_rests_on() {
    let server = TestServer::start_feed().await;
    link(&server).await;

    let seen = events(&server.service(), 7).await;

    let by_rule = pb::LinkBasis {
        rule: SignInRule::EmailVerifiedOnBothSides.into(),
        ..basis(Kind::VerifiedEmail)
    };
    let in_plan = pb::LinkBasis { plan_id: PLAN.to_owned(), ..basis(Kind::Service) };
    let expected = [by_rule, basis(Kind::Token), basis(Kind::Token), in_plan];
    assert_eq!(bases(&seen), expected.map(Some));
}

/// While servers are replaced one by one, each reads the events of the others: an earlier server
/// records no basis, and a later one may record more.
#[tokio::test]
async fn events_of_earlier_and_later_servers_are_read() {
    let server = TestServer::start_feed().await;
    link(&server).await;
    let now = events(&server.service(), 7).await;
    let later = "jsonb_set(detail, '{basis,later}', '1') || '{\"later\": {\"than\": \"this\"}}'";
    server
        .database
        .db_execute(&format!("UPDATE events SET detail = {later} WHERE detail ? 'basis'"))
        .await;

    assert_eq!(events(&server.service(), 7).await, now);

    server.database.db_execute("UPDATE events SET detail = detail - 'basis'").await;
    let earlier = events(&server.service(), 7).await;
    assert_eq!(bases(&earlier), [None, None, None, None]);
    let lines = |events: &[pb::Event]| events.iter().map(line).collect::<Vec<_>>();
    assert_eq!(lines(&earlier), lines(&now));
}
