//! Sign-ins by a flow at a provider that moves to another issuer.

use serde_json::json;

use super::*;
use crate::{
    flows::{come_back, oidc, sign_in as flow, to_sign_in},
    support::fake_oidc::FakeOidc,
};
use identity_link::grpc::proto::complete_sign_in_response::Result as Came;

fn person() -> serde_json::Value {
    json!({"sub": "alice", "email": "alice@example.com", "email_verified": true})
}

/// J40: people sign in at one issuer, and at the other one after the move. What a person had begun or
/// proven at the first one is forgotten.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_signs_in_at_the_new_issuer_is_the_same_user() {
    let (here, there) = (FakeOidc::start(person()).await, FakeOidc::start(person()).await);
    let database = cluster().db_migrated().await;
    let with = |fake: &FakeOidc| {
        let client = oidc("fake", &fake.issuer);
        move |toml: String| toml + &client
    };
    let old = TestServer::start_with(database.clone(), with(&here)).await;
    let user = |came: identity_link::grpc::proto::CompleteSignInResponse| match came.result.unwrap()
    {
        Came::Decision(decision) => decision.user.unwrap().id,
        Came::Link(link) => panic!("unexpected link: {link:?}"),
    };
    let alice = user(flow(&old, "fake").await.unwrap());
    let begun = old.service().start_sign_in(to_sign_in("fake")).await.unwrap();
    let back = come_back(&begun).await;
    let desk = Desk::with(&database, with(&there));
    let mut command = binary(&["provider", "move", "--config", "new.toml", "--tenant", "default"]);
    command.args([
        "--provider",
        "fake",
        "--from-issuer",
        &here.issuer,
        "--to-issuer",
        &there.issuer,
    ]);
    command.current_dir(&desk.dir);

    let ran = run_command(command);

    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    assert_eq!(refusal(old.service().complete_sign_in(back.clone()).await), UNAVAILABLE);
    assert_eq!(refusal(old.service().start_sign_in(to_sign_in("fake")).await), UNAVAILABLE);
    let new = TestServer::start_with(database.clone(), with(&there)).await;
    let again = refusal(new.service().complete_sign_in(back).await);
    assert_eq!(again, "FailedPrecondition SIGN_IN_INVALID");
    assert_eq!(user(flow(&new, "fake").await.unwrap()), alice);
    assert_eq!(here.exchanges(), 1, "no code goes to the issuer from before");
    database.db_assert_invariants().await;
}
