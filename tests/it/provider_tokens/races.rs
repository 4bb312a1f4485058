//! Refreshes at the same time as others, and as everything that moves or ends an identity.

use rustix::process::Signal;
use tonic::transport::Endpoint;

use super::*;
use crate::support::child::Running;

/// R50: a refresh token that is sent twice looks stolen to a provider, which then ends the grant.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hundred_callers_on_two_servers_make_one_request() {
    let (fake, first) = fake_and_server().await;
    let second = server_of(&fake, &first.database).await;
    fake.tokens_live(10);
    let user = signed_in(&first.service()).await;
    fake.tokens_live(600);
    let release = fake.web.hold("/token");

    let callers: Vec<_> = (0..100)
        .map(|at| {
            let service = if at % 2 == 0 { first.service() } else { second.service() };
            let user = user.clone();
            tokio::spawn(async move { token(&service, &user).await.unwrap() })
        })
        .collect();
    fake.web.until_asked_for("/token", 2).await;
    // While they wait, no connection and no slot is held: other calls are served.
    assert_eq!(first.service().user(&user).await.id, user);
    release.notify_one();
    let mut tokens = Vec::new();
    for caller in callers {
        tokens.push(caller.await.unwrap());
    }

    tokens.dedup();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert_eq!(fake.refreshes(), 1);
    assert_eq!(fake.good_grants(), 1);
}

/// R51: the answer is judged after the wait: the identity may belong to another user by then.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_loses_the_identity_during_a_refresh_gets_no_token() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let alice = signed_in(&service).await;
    let ann = service.create("github", "ann").await.id;
    fake.tokens_live(600);

    for (refused, link) in
        [("FailedPrecondition USER_ABSORBED", true), ("NotFound IDENTITY_NOT_FOUND", false)]
    {
        let stale = "UPDATE provider_tokens SET expire_time = now()";
        server.database.db_execute(stale).await;
        let (release, refreshes) = (fake.web.hold("/token"), fake.web.asked_for("/token").len());
        let (caller, owner) = (server.service(), if link { alice.clone() } else { ann.clone() });
        let waiting = tokio::spawn(async move { token(&caller, &owner).await });
        fake.web.until_asked_for("/token", refreshes + 1).await;
        match link {
            true => drop(service.link(link_user(&ann, &alice)).await.unwrap()),
            false => drop(service.unlink(unlink(&ann, "fake", "alice")).await.unwrap()),
        }
        release.notify_one();

        assert_eq!(refusal(waiting.await.unwrap()), refused);
        // The refreshed token is the next holder's.
        let owner = if link { &ann } else { &alice };
        assert!(token(&service, owner).await.unwrap().starts_with("access-"));
        assert_eq!(fake.good_grants(), 1);
    }
    assert_eq!(fake.refreshes(), 2);
}

/// P56 and R51: what a refresh brings after the deletion is revoked too.
#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_during_a_refresh_leaves_no_token_behind() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let alice = signed_in(&service).await;
    let release = fake.web.hold("/token");
    let (caller, owner) = (server.service(), alice.clone());
    let waiting = tokio::spawn(async move { token(&caller, &owner).await });
    fake.web.until_asked_for("/token", 2).await;

    service.delete(&alice).await;
    fake.web.until_asked_for("/revoke", 1).await;
    release.notify_one();

    assert_eq!(refusal(waiting.await.unwrap()), "NotFound USER_NOT_FOUND");
    fake.web.until_asked_for("/revoke", 2).await;
    assert_eq!(fake.good_grants(), 0);
    assert_eq!(db_kept(&server.database).await, [""; 0]);
}

/// R51: a flow that ends during a refresh has the last word.
#[tokio::test(flavor = "multi_thread")]
async fn a_flow_during_a_refresh_replaces_what_the_refresh_brings() {
    let (fake, server) = fake_and_server().await;
    let service = server.service();
    fake.tokens_live(10);
    let alice = signed_in(&service).await;
    fake.tokens_live(600);
    let release = fake.web.hold("/token");
    let (caller, owner) = (server.service(), alice.clone());
    let waiting = tokio::spawn(async move { token(&caller, &owner).await });
    fake.web.until_asked_for("/token", 2).await;
    signed_in(&service).await;
    release.notify_one();

    assert_eq!(waiting.await.unwrap().unwrap(), FIRST);
    assert_eq!(token(&service, &alice).await.unwrap(), FIRST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_flows_that_end_at_once_leave_one_of_their_tokens() {
    let (fake, first) = fake_and_server().await;
    let second = server_of(&fake, &first.database).await;
    for _ in 0..5 {
        let flows = [first.service(), second.service(), first.service(), second.service()];
        let flows = flows.map(|service| tokio::spawn(async move { signed_in(&service).await }));
        let mut users = Vec::new();
        for flow in flows {
            users.push(flow.await.unwrap());
        }
        users.dedup();
        assert_eq!(users.len(), 1);
        assert_eq!(token(&first.service(), &users[0]).await.unwrap(), FIRST);
        assert_eq!(db_kept(&first.database).await, ["fake|alice"]);
    }
    first.database.db_assert_invariants().await;
}

/// R50: another server continues after the lease.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_during_a_refresh_delays_the_next_one_only() {
    let (fake, server) = fake_and_server().await;
    let toml = keeping(&fake.issuer, &first_key(&keys(&server.database)));
    let (child, address) = Running::serve(&server.database, |own| own + &toml);
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
    let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
    fake.rotates_no_tokens();
    fake.tokens_live(10);
    let alice = signed_in(&server.service()).await;
    fake.tokens_live(600);
    let _never = fake.web.hold("/token");
    let owner = alice.clone();
    let killed = tokio::spawn(async move { token(&service, &owner).await });
    fake.web.until_asked_for("/token", 2).await;
    let other = server.service();
    let waiting = tokio::spawn(async move { token(&other, &alice).await });

    child.signal(Signal::KILL);
    assert!(killed.await.unwrap().is_err());

    assert!(waiting.await.unwrap().unwrap().starts_with("access-"));
    assert_eq!(fake.refreshes(), 2);
}
