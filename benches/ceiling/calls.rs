//! The calls of each kind.

use std::sync::Arc;

use identity_link::grpc::proto as pb;
use identity_link_test_support::{identity_ref, link_identity, object, unlink};
use prost::Message;
use serde_json::json;

use super::{
    arms::Rpcs,
    client::{Answer, Client, Rpc},
    load::{Call, Draw},
    population::{PROVIDER, email, fresh, id, own_pair, pair},
};

/// How many ids one call of `ResolveUsers` has.
pub(super) const RESOLVED: u64 = 100;

/// A call of this kind by so many tasks, in a database of so many users.
pub(super) fn call(rpcs: Rpcs, client: Client, users: u64, tasks: usize) -> Call {
    let user = move |random: u64| 1 + random % users;
    match rpcs {
        Rpcs::HealthCheck => simple(client, Rpc::at("/grpc.health.v1.Health/Check"), |_| ()),
        Rpcs::GetUser => simple(client, Rpc::of_identities("GetUser"), move |random| {
            pb::GetUserRequest { user_id: id(user(random)) }
        }),
        Rpcs::FindByIdentity => {
            simple(client, Rpc::of_identities("FindByIdentity"), move |random| {
                pb::FindByIdentityRequest { identity: identity_ref(PROVIDER, &id(user(random))) }
            })
        }
        Rpcs::FindByEmail => simple(client, Rpc::of_identities("FindByEmail"), move |random| {
            pb::FindByEmailRequest { email: email(user(random)), ..Default::default() }
        }),
        Rpcs::Resolve100 => simple(client, Rpc::of_identities("ResolveUsers"), move |random| {
            let mut draw = Draw(random);
            let user_ids = (0..RESOLVED).map(|_| id(user(draw.next()))).collect();
            pb::ResolveUsersRequest { user_ids }
        }),
        Rpcs::CreateUser => simple(client, Rpc::of_identities("CreateUser"), create),
        Rpcs::LinkAndUnlink => link_and_unlink(client, users, tasks),
    }
}

/// A call of one rpc, with a message that a random number chooses.
fn simple<M: Message + 'static>(
    client: Client,
    rpc: Rpc,
    message: impl Fn(u64) -> M + Send + Sync + 'static,
) -> Call {
    let shared = Arc::new((client, rpc));
    Arc::new(move |task, random| {
        let (shared, message) = (Arc::clone(&shared), message(random));
        Box::pin(async move { shared.0.call(task, &shared.1, &message).await })
    })
}

/// A user with an account that is new each time.
pub(super) fn create(random: u64) -> pb::CreateUserRequest {
    let subject = fresh(random);
    let identity = pb::NewIdentity {
        email: format!("{subject}@example.com"),
        email_verified: true,
        profile_data: object(
            json!({"name": "John Doe", "given_name": "John", "family_name": "Doe"}),
        ),
        identity_ref: identity_ref(PROVIDER, &subject),
        ..Default::default()
    };
    let user_metadata = object(json!({"color": "red"}));
    pb::CreateUserRequest { identity: Some(identity), user_metadata, ..Default::default() }
}

/// Links a pair of users that no other task links, and unlinks it.
fn link_and_unlink(client: Client, users: u64, tasks: usize) -> Call {
    let rpcs = [Rpc::of_identities("Link"), Rpc::of_identities("Unlink")];
    let shared = Arc::new((client, rpcs));
    Arc::new(move |task, random| {
        let shared = Arc::clone(&shared);
        let (primary, secondary) = pair(users, own_pair(task, tasks, random));
        Box::pin(async move {
            let (client, [link, unlinking]) = &*shared;
            let (primary, secondary) = (id(primary), id(secondary));
            let linked = link_identity(&primary, PROVIDER, &secondary);
            assert_eq!(client.call(task, link, &linked).await, Answer::Ok);
            let unlinked = unlink(&primary, PROVIDER, &secondary);
            client.call(task, unlinking, &unlinked).await
        })
    })
}
