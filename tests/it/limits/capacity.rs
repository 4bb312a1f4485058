//! How many calls run at once.

use std::time::Duration;

use identity_link::grpc::proto::{GetUserRequest, UpdateUserResponse, User};
use tokio::{task::JoinHandle, time::timeout};
use tonic::{Status, transport::Endpoint};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_types::StatusExt as _;

use crate::support::{
    child::Running,
    cluster::{self, cluster},
    standstill::Held,
    tokens::Token,
    *,
};

const OVERLOADED: &str = "ResourceExhausted OVERLOADED";

type Write = JoinHandle<Result<UpdateUserResponse, Status>>;

fn two_calls(mut toml: String) -> String {
    toml.insert_str(0, "max_concurrent_calls = 2\n");
    toml
}

/// Starts to block this user and another one while holding both rows: both writes wait for them.
async fn two_waiting_writes(
    service: &Caller,
    database: &cluster::Database,
    user: &User,
) -> ([Held; 2], [Write; 2]) {
    let other = service.create("google-oauth2", "other").await;
    let held = [database.db_hold(&user.id).await, database.db_hold(&other.id).await];
    let writes = [user, &other].map(|user| {
        let (service, request) = (service.clone(), block(&user.id, true));
        tokio::spawn(async move { service.update_user(request).await })
    });
    database.db_until_waiting(2).await;
    (held, writes)
}

async fn db_release(held: [Held; 2]) {
    for held in held {
        held.db_release().await;
    }
}

async fn read(service: &Caller, user: &User) -> Result<User, Status> {
    let request = GetUserRequest { user_id: user.id.clone() };
    service.get_user(request).await.map(|response| response.user.unwrap())
}

/// G20, G21: above its capacity the server refuses calls, and the refusal contains the delay for a
/// retry.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_above_the_limit_is_refused_at_once_with_a_retry_delay() {
    let server = TestServer::start_with(cluster().db_migrated().await, two_calls).await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let (held, writes) = two_waiting_writes(&service, &server.database, &user).await;

    let refused = read(&service, &user).await.unwrap_err();
    assert!(refused.get_details_retry_info().unwrap().retry_delay.is_some());
    assert_eq!(refusal::<()>(Err(refused)), OVERLOADED);
    assert_eq!(refusal(service.update_user(block(&user.id, false)).await), OVERLOADED);
    let mut health = HealthClient::new(server.channel());
    let answer = health.check(HealthCheckRequest::default()).await.unwrap().into_inner();
    assert_eq!(answer.status(), ServingStatus::Serving);

    db_release(held).await;
    for write in writes {
        write.await.unwrap().unwrap();
    }
    // Twice as many calls as permits: each call gives its permit back.
    for _ in 0..4 {
        read(&service, &user).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unauthorized_call_gets_its_own_refusal_and_takes_no_permit() {
    let server = TestServer::start_with(cluster().db_migrated().await, two_calls).await;
    let service = server.service();
    let user = service.create("google-oauth2", "g1").await;
    let (held, writes) = two_waiting_writes(&service, &server.database, &user).await;

    assert_eq!(refusal(read(&server.nobody(), &user).await), "Unauthenticated TOKEN_MISSING");
    let stranger = server.caller(&Token::of("stranger", "x"));
    assert_eq!(refusal(read(&stranger, &user).await), "Unauthenticated TOKEN_INVALID");
    let powerless = server.caller(&Token::of("services", "backend").scope("delete:users"));
    assert_eq!(refusal(read(&powerless, &user).await), "PermissionDenied SCOPE_INSUFFICIENT");

    db_release(held).await;
    for write in writes {
        write.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_whose_client_has_gone_keeps_its_permit_to_its_end() {
    let database = cluster().db_migrated().await;
    let (mut child, address) = Running::serve(&database, two_calls);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    let user = service.create("google-oauth2", "g1").await;
    let (held, writes) = two_waiting_writes(&service, &database, &user).await;

    for write in writes {
        write.abort();
        // The server logs this after it has released all that the call held.
        child.stderr_until(|line| {
            line.contains("UpdateUser") && line.contains(r#""code":"Cancelled""#)
        });
    }

    assert_eq!(refusal(read(&service, &user).await), OVERLOADED);
    db_release(held).await;
    // No response shows when the writes end. A call may be refused until both have.
    let written = async { while !read(&service, &user).await.is_ok_and(|user| user.blocked) {} };
    timeout(Duration::from_secs(30), written).await.expect("the write should be carried out");
}
