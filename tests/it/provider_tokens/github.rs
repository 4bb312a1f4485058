//! GitHub's tokens, which its REST API takes back.

use data_encoding::BASE64;

use super::*;
use crate::{
    flows::{github::client_at, sign_in},
    support::{
        fake_codes::{CLIENT_ID, CLIENT_SECRET},
        fake_github::{ACCESS_TOKEN, FakeGithub, email},
        web_server::Answer,
    },
};

/// P56: with the grant end all tokens of the person for this client
/// (<https://docs.github.com/en/rest/apps/oauth-applications>).
#[tokio::test]
async fn a_deletion_takes_back_what_the_person_granted_at_github() {
    let github = FakeGithub::start(vec![email("octo@example.com", true, true)]).await;
    let database = cluster().db_migrated().await;
    let toml = kept_of("hub", &client_at(&github), "", &first_key(&keys(&database)));
    let server = TestServer::start_with(database, |own| own + &toml).await;
    let grant = format!("/api/applications/{CLIENT_ID}/grant");
    github.web.answer(&grant, Answer::status("204 No Content"));
    let service = server.service();
    let done = sign_in(&server, "hub").await.unwrap();
    let Some(Came::Decision(decision)) = done.result else { panic!("not a sign-in: {done:?}") };
    let user = decision.user.unwrap().id;
    let get = pb::GetProviderTokenRequest {
        identity: identity_ref("hub", "583231"),
        ..wanted(&user, &["user:email"])
    };
    let got = service.get_provider_token(get).await.unwrap();
    assert_eq!((got.access_token.as_str(), got.expire_time), (ACCESS_TOKEN, None));

    service.delete(&user).await;

    github.web.until_asked_for(&grant, 1).await;
    let [asked] = &*github.web.asked_for(&grant) else { panic!("more than once") };
    let credentials = BASE64.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}").as_bytes());
    assert_eq!(
        (asked.method.as_str(), asked.headers["authorization"].as_str()),
        ("DELETE", &*format!("Basic {credentials}"))
    );
    let body: String = asked.form.keys().map(String::as_str).collect();
    assert_eq!(body, format!("{{\"access_token\":\"{ACCESS_TOKEN}\"}}"));
    let waiting = "SELECT id::text FROM provider_token_revocations";
    server.database.db_until_none(waiting).await;
}
