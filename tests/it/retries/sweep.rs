//! The sweep removes what has expired.

use std::time::Duration;

use super::*;

#[tokio::test]
async fn expired_responses_are_removed_and_others_are_not() {
    let server = TestServer::start().await;
    let (people, service) = (people(&server).await, server.service());
    let kept = write(&service, &people, "UpdateUser", ID, Terms::default()).await.unwrap();
    // More than one step removes, also in a tenant without calls.
    server
        .database
        .db_execute(
            "INSERT INTO request_ids (tenant_id, rpc, caller_kind, issuer, subject, request_id, fingerprint, answer, concerned, \
               expire_time) \
             SELECT tenant, rpc, caller_kind, issuer, subject, gen_random_uuid(), fingerprint, answer, \
               concerned, now() - interval '1 second' * n \
             FROM request_ids, generate_series(1, 2500) n, unnest('{default,other}'::text[]) tenant",
        )
        .await;
    assert_eq!(db_kept(&server).await, 5001);

    // Every server sweeps when it starts.
    let other = TestServer::start_on(server.database.clone()).await;

    let swept = async { while db_kept(&server).await > 1 {} };
    tokio::time::timeout(Duration::from_secs(30), swept)
        .await
        .expect("what has expired should be gone");
    assert_eq!(
        write(&other.service(), &people, "UpdateUser", ID, Terms::default()).await.unwrap(),
        kept
    );
}
