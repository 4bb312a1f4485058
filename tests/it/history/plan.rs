//! The plan under which the links of one job are found together.

use identity_link::grpc::proto::{self as pb, link_response::Outcome};

use super::PLAN;
use crate::support::{
    child::{binary, config_file, run_command},
    *,
};

const OTHER: &str = "5d5b4b52-66a0-4b4e-8f38-1f0f3f0a7c22";

fn of_plan(request: pb::LinkRequest, plan: &str) -> pb::LinkRequest {
    pb::LinkRequest { plan_id: plan.to_owned(), ..request }
}

/// The plan of each link of a user, the newest link first.
async fn plans(caller: &Caller, user_id: &str) -> Vec<String> {
    let links = caller.list_links(links_of(user_id)).await.unwrap().links;
    links.into_iter().map(|link| link.plan_id).collect()
}

#[tokio::test]
async fn each_link_of_a_service_keeps_the_plan_that_its_request_names() {
    let server = TestServer::start().await;
    let service = server.service();
    let google = service.create("google-oauth2", "g1").await.id;
    for (provider, subject) in [("sms", "s1"), ("apple", "a1"), ("okta", "o1")] {
        service.create(provider, subject).await;
    }
    let proof = pb::LinkRequest {
        user_id: google.clone(),
        ..link_with(&server.proof("github", "without-a-user"))
    };

    service
        .link(of_plan(link_user(&google, &service.owner("sms", "s1").await), PLAN))
        .await
        .unwrap();
    service.link(of_plan(link_identity(&google, "apple", "a1"), OTHER)).await.unwrap();
    service.link(link_identity(&google, "okta", "o1")).await.unwrap();
    let attached = service.link(of_plan(proof, &PLAN.to_uppercase())).await.unwrap();

    assert_eq!(attached.outcome(), Outcome::Attached);
    assert_eq!(plans(&service, &google).await, [PLAN, "", OTHER, PLAN]);
    let again = service.link(of_plan(link_identity(&google, "okta", "o1"), PLAN)).await.unwrap();
    assert_eq!(again.outcome(), Outcome::AlreadyLinked);
    assert_eq!(plans(&service, &google).await, [PLAN, "", OTHER, PLAN], "a link keeps its plan");
    let person = server.caller(&tokens::Token::of("google-oauth2", "g1").issued_ago(-2));
    assert_eq!(plans(&person, &google).await, [PLAN, "", OTHER, PLAN]);
    let file = config_file(&server.database, |toml| toml);
    let export = ["export", "--history", "--tenant", "default", "--config", file.to_str().unwrap()];
    let lines = run_command(binary(&export)).stdout;
    assert_eq!(lines.matches(&format!(r#""plan":"{PLAN}""#)).count(), 2, "{lines}");
    assert_eq!(lines.matches(r#""plan":"#).count(), 3, "{lines}");
}

/// A56: a person could hide a link among those that an operator looks at, or takes back, as a whole.
#[tokio::test]
async fn a_user_token_does_not_name_a_plan() {
    let server = TestServer::start().await;
    let service = server.service();
    service.create("google-oauth2", "g1").await;
    service.create("sms", "s1").await;
    let person = server.person("google-oauth2", "g1");
    let link = of_plan(link_with(&server.proof("sms", "s1")), PLAN);

    insta::assert_snapshot!(server.db_refused(person.link(link.clone())).await, @"PermissionDenied SCOPE_INSUFFICIENT");
    let preview = pb::LinkRequest { validate_only: true, ..link };
    insta::assert_snapshot!(server.db_refused(person.link(preview)).await, @"PermissionDenied SCOPE_INSUFFICIENT");
}

#[tokio::test]
async fn a_plan_is_a_uuid() {
    let server = TestServer::start().await;
    let service = server.service();

    for wrong in ["plan-1", "00000000-0000-0000-0000-000000000000"] {
        let link = of_plan(link_user("a b", "c"), wrong);
        let refused = server.db_refused(service.link(link)).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(refused, @r"
            InvalidArgument REQUEST_INVALID
            user_id: must be 1 to 255 printable ASCII characters without spaces
            plan_id: must be a UUID other than the one with only zeros
            ");
        }
    }
}
