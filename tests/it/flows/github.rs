//! Sign-ins at GitHub.

use super::*;
use crate::support::{
    fake_github::{FakeGithub, email},
    web_server::{Answer, WebServer},
};

/// GitHub with these emails of the octocat, and a server with a client there.
async fn github_and_server(emails: Vec<Value>) -> (FakeGithub, TestServer) {
    let github = FakeGithub::start(emails).await;
    let server = server_with(&client_at(&github)).await;
    (github, server)
}

/// The configuration of a client at this GitHub.
pub(crate) fn client_at(github: &FakeGithub) -> String {
    let base = format!("http://{}", github.web.address);
    let urls = format!(
        "authorize_url = \"{base}/login/oauth/authorize\"\ntoken_url = \"{base}/login/oauth/access_token\"\n\
         api_url = \"{base}/api\""
    );
    client("hub", "github", &urls)
}

async fn octocat(server: &TestServer) -> (String, bool) {
    let user = decision(sign_in(server, "hub").await).user.unwrap();
    assert_eq!(identities(&user), ["hub|583231"]);
    (user.identities[0].email.clone(), user.identities[0].email_verified)
}

#[tokio::test]
async fn the_primary_email_counts_at_any_place_in_the_list() {
    let emails = (0..7).map(|n| email(&format!("{n}@example.com"), n == 6, true)).collect();
    let (github, server) = github_and_server(emails).await;

    assert_eq!(octocat(&server).await, ("6@example.com".to_owned(), true));

    assert_eq!(github.web.asked_for("/api/user/emails").len(), 4);
    for asked in
        github.web.asked_for("/api/user").iter().chain(&github.web.asked_for("/api/user/emails"))
    {
        let header = |name: &str| asked.headers[name].clone();
        assert!(header("user-agent").starts_with("identity-link/"));
        assert_eq!(header("accept"), "application/vnd.github+json");
        assert_eq!(header("x-github-api-version"), "2022-11-28");
    }
    let profile =
        server.service().find_by_identity(owner_of("hub", "583231")).await.unwrap().user.unwrap();
    assert_eq!(
        json(&profile.identities[0].profile_data),
        json!({
            "name": "monalisa octocat", "preferred_username": "octocat",
            "picture": "https://github.com/images/error/octocat_happy.gif",
        })
    );
}

/// A12: an unverified email, an email other than the primary one, and the profile's email do not
/// count as verified.
#[tokio::test]
async fn no_other_email_replaces_the_primary_one() {
    let unverified =
        vec![email("other@example.com", false, true), email("own@example.com", true, false)];
    for (emails, expected) in [
        (unverified, "own@example.com"),
        (vec![email("other@example.com", false, true)], ""),
        (Vec::new(), ""),
    ] {
        let (_github, server) = github_and_server(emails).await;
        assert_eq!(octocat(&server).await, (expected.to_owned(), false));
    }
}

/// With `required_email = "verified"`. Lucia's guide responds with 400 in these two cases.
#[tokio::test]
async fn a_sign_in_without_the_required_verified_email_is_refused_with_the_reason() {
    let missing = vec![email("other@example.com", false, true)];
    let unverified = vec![email("own@example.com", true, false)];
    for (emails, expected) in [(missing, "EMAIL_MISSING"), (unverified, "EMAIL_UNVERIFIED")] {
        let github = FakeGithub::start(emails).await;
        let clients = client_at(&github).replacen(
            "email_trust",
            "required_email = \"verified\"\nemail_trust",
            1,
        );
        let server = server_with(&clients).await;
        let outcome = sign_in(&server, "hub").await;
        refused_to_everybody(&server, outcome, &format!("FailedPrecondition {expected}")).await;
    }
}

/// A07: as for every provider.
#[tokio::test]
async fn an_email_is_verified_only_by_the_json_value_true() {
    let (github, server) = github_and_server(Vec::new()).await;
    let says = json!([{"email": "a@example.com", "primary": true, "verified": "true"}]);
    github.web.answer("/api/user/emails", Answer::ok(&says.to_string()));
    assert_eq!(octocat(&server).await, ("a@example.com".to_owned(), false));
}

/// A47: the token is not sent to another host that a `Link` header names.
#[tokio::test]
async fn a_next_page_on_another_host_is_not_fetched() {
    let (github, server) = github_and_server(Vec::new()).await;
    let elsewhere = WebServer::start(|_| |_| Answer::ok("[]")).await;
    let head = format!("link: <http://{}/user/emails>; rel=\"next\"\r\n", elsewhere.address);
    github.web.answer("/api/user/emails", Answer::new("200 OK", &head, "[]"));
    refused_to_everybody(
        &server,
        sign_in(&server, "hub").await,
        "FailedPrecondition PROVIDER_REJECTED",
    )
    .await;
    assert_eq!(elsewhere.asked(), 0);
}

#[tokio::test]
async fn endless_pages_of_emails_are_given_up() {
    let (github, server) = github_and_server(Vec::new()).await;
    let head = format!("link: <http://{}/api/user/emails>; rel=\"next\"\r\n", github.web.address);
    github.web.answer("/api/user/emails", Answer::new("200 OK", &head, "[]"));
    assert_eq!(octocat(&server).await, (String::new(), false));
    assert_eq!(github.web.asked_for("/api/user/emails").len(), 10);
}

/// GitHub sends its errors with the status 200.
#[tokio::test]
async fn a_code_that_github_does_not_know_creates_no_user() {
    let (_github, server) = github_and_server(Vec::new()).await;
    let begun = server.service().start_sign_in(to_sign_in("hub")).await.unwrap();
    let request =
        pb::CompleteSignInRequest { code: "made-up".to_owned(), ..come_back(&begun).await };
    let outcome = server.service().complete_sign_in(request).await;
    refused_to_everybody(&server, outcome, "FailedPrecondition PROVIDER_REJECTED").await;
}

#[tokio::test]
async fn a_request_to_github_may_contain_a_hint_and_no_max_age() {
    let (_github, server) = github_and_server(Vec::new()).await;
    let hinted = pb::StartSignInRequest { login_hint: "octocat".to_owned(), ..to_sign_in("hub") };
    let begun = server.service().start_sign_in(hinted).await.unwrap();
    let query = asked_for(&begun);
    assert_eq!(
        (query["login"].as_str(), query["scope"].as_str()),
        ("octocat", "read:user user:email")
    );
    assert!(!query.contains_key("nonce"));

    let max_age = Some(prost_types::Duration { seconds: 60, nanos: 0 });
    let outcome = server
        .service()
        .start_sign_in(pb::StartSignInRequest { max_age, ..to_sign_in("hub") })
        .await;
    assert_eq!(
        refusal(outcome),
        "InvalidArgument REQUEST_INVALID\nmax_age: is for OpenID Connect: this provider does not report when a person signed in"
    );
}
