//! Look-ups that arrive together share a statement, and each gets its own result.

use futures_util::future::join_all;
use identity_link::grpc::proto::{FindByIdentityResponse, User};
use tokio::task::JoinHandle;
use tonic::Status;

use crate::support::{standstill::Held, timed::timed_client, tokens::Token, *};

type LookUp = JoinHandle<Result<FindByIdentityResponse, Status>>;

/// So many waiting look-ups that a second statement begins beside the first one.
const MANY: usize = 40;

fn look_up(caller: &Caller, subject: &str) -> LookUp {
    let (caller, request) = (caller.clone(), owner_of("github", subject));
    tokio::spawn(async move { caller.find_by_identity(request).await })
}

async fn owner(look_up: LookUp) -> User {
    look_up.await.unwrap().unwrap().user.unwrap()
}

/// Users with these subjects at GitHub.
async fn db_users(server: &TestServer, count: usize) -> Vec<User> {
    let service = server.service();
    let creates = (0..count).map(|n| {
        let service = service.clone();
        async move { service.create("github", &n.to_string()).await }
    });
    join_all(creates).await
}

/// Look-ups of these users, of which the first statement waits for the table, and so does a second
/// one for most of the others.
async fn db_waiting_look_ups(server: &TestServer, users: usize) -> (Held, Vec<LookUp>) {
    let service = server.service();
    let held = server.database.db_hold_table("users").await;
    let first = look_up(&service, "0");
    server.database.db_until_waiting(1).await;
    let rest = (1..users).map(|n| look_up(&service, &n.to_string()));
    let look_ups = [first].into_iter().chain(rest).collect();
    server.database.db_until_waiting(2).await;
    (held, look_ups)
}

#[tokio::test(flavor = "multi_thread")]
async fn look_ups_that_wait_for_a_statement_share_the_next_one() {
    let server = TestServer::start().await;
    let users = db_users(&server, MANY).await;
    let (held, look_ups) = db_waiting_look_ups(&server, MANY).await;

    // The first look-up, and those of the others that had arrived when 32 waited.
    assert_eq!(server.database.db_waiting().await, 2);
    held.db_release().await;

    for (user, look_up) in users.iter().zip(look_ups) {
        assert_eq!(owner(look_up).await, *user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_has_gone_takes_no_other_along() {
    let server = TestServer::start().await;
    let users = db_users(&server, MANY).await;
    let (held, look_ups) = db_waiting_look_ups(&server, MANY).await;

    for look_up in look_ups.iter().step_by(2) {
        look_up.abort();
    }
    held.db_release().await;

    for (user, look_up) in users.iter().zip(look_ups).skip(1).step_by(2) {
        assert_eq!(owner(look_up).await, *user);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_caller_has_its_own_deadline() {
    let server = TestServer::start().await;
    let users = db_users(&server, 2).await;
    let held = server.database.db_hold_table("users").await;
    let patient = look_up(&server.service(), "0");
    server.database.db_until_waiting(1).await;

    let token = Token::of("services", "backend").sign();
    let mut impatient = timed_client(server.address, &token, "100m");
    let refused = impatient.find_by_identity(owner_of("github", "1")).await;
    assert_eq!(refusal(refused), "DeadlineExceeded DEADLINE");

    held.db_release().await;
    assert_eq!(owner(patient).await, users[0]);
}

/// One row cannot be read: its reader alone gets a fault.
#[tokio::test(flavor = "multi_thread")]
async fn a_bad_row_is_the_fault_of_one_look_up() {
    let server = TestServer::start().await;
    let users = db_users(&server, MANY).await;
    let bad = &users[20];
    server
        .database
        .db_execute(&format!(
            "ALTER TABLE users DROP CONSTRAINT users_primary_is_own_identity; \
             UPDATE users SET primary_provider = 'NO PROVIDER' WHERE id = '{}'",
            bad.id
        ))
        .await;
    let (held, look_ups) = db_waiting_look_ups(&server, MANY).await;
    held.db_release().await;

    for (user, look_up) in users.iter().zip(look_ups) {
        match user.id == bad.id {
            true => assert_eq!(refusal(look_up.await.unwrap()), "Internal INTERNAL"),
            false => assert_eq!(owner(look_up).await, *user),
        }
    }
}

/// The statement itself fails at one row: the others are looked up without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_one_row_breaks_fails_for_one_look_up() {
    let server = TestServer::start().await;
    let users = db_users(&server, MANY).await;
    let broken = &users[20];
    server
        .database
        .db_execute(&format!(
            "ALTER TABLE identities RENAME TO whole; \
             CREATE VIEW identities AS SELECT * FROM whole \
               WHERE 1 / (CASE WHEN home_id = '{}' THEN 0 ELSE 1 END) = 1",
            broken.id
        ))
        .await;
    let (held, look_ups) = db_waiting_look_ups(&server, MANY).await;
    held.db_release().await;

    for (user, look_up) in users.iter().zip(look_ups) {
        match user.id == broken.id {
            true => assert_eq!(refusal(look_up.await.unwrap()), "Internal INTERNAL"),
            false => assert_eq!(owner(look_up).await, *user),
        }
    }
}

/// One account name in two tenants is two users, also when both are looked up at once.
#[tokio::test(flavor = "multi_thread")]
async fn look_ups_of_two_tenants_share_no_statement() {
    let server = TestServer::start().await;
    let other = server.caller(&Token::of("services", "backend").tenant("other"));
    let tenants = [server.service(), other];
    let mut users = Vec::new();
    for caller in &tenants {
        users.push(caller.create("github", "0").await);
    }
    assert_ne!(users[0].id, users[1].id);

    let look_ups: Vec<_> = (0..2 * MANY).map(|n| look_up(&tenants[n % 2], "0")).collect();

    for (n, look_up) in look_ups.into_iter().enumerate() {
        assert_eq!(owner(look_up).await, users[n % 2]);
    }
}

/// A look-up that begins after a change was acknowledged sees the change, whatever else is looked
/// up at that time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_look_up_sees_each_change_that_was_acknowledged_before_it() {
    let server = TestServer::start().await;
    let users = db_users(&server, 8).await;
    let service = server.service();
    let lanes = users.iter().enumerate().map(|(n, user)| {
        let (service, subject, mut version) = (service.clone(), n.to_string(), user.version);
        let id = user.id.clone();
        async move {
            for round in 0..25 {
                service.update_user(block(&id, round % 2 == 0)).await.unwrap();
                version += 1;
                let (seen, also) =
                    tokio::join!(look_up(&service, &subject), look_up(&service, &subject));
                for seen in [seen, also] {
                    assert_eq!(seen.unwrap().unwrap().user.unwrap().version, version);
                }
            }
        }
    });
    join_all(lanes).await;
}
