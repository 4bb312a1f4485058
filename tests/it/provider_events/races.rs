//! Logouts beside what moves their account: once a logout is acknowledged, no older token works.

use super::*;

/// J55: a logout beside a link, an unlink, a creation and a deletion of its account.
#[tokio::test]
async fn no_older_token_works_after_an_acknowledged_logout() {
    let (fake, server) = fake_and_server("events = \"rpc\"").await;
    let service = server.service();
    for round in 0..6 {
        let name = format!("alice-{round}");
        let ann = service.create("google-oauth2", &format!("ann-{round}")).await.id;
        let (old, new) = (bearer(&fake, &name, 0), bearer(&fake, &name, 20));
        let end = async || log_out(&server, &logout_token(&fake, &name).sign()).await.unwrap();

        // Before it has a user.
        let sign_in = service.resolve_sign_in(sign_in("fake", &name));
        let (_, signed_in) = tokio::join!(end(), sign_in);
        signed_in.unwrap();
        assert_eq!(reads(&server, &old).await, WITHDRAWN, "after a sign-in");
        let own = reads(&server, &new).await;

        let (_, linked) = tokio::join!(end(), service.link(link_user(&ann, &own)));
        linked.unwrap();
        assert_eq!(reads(&server, &old).await, WITHDRAWN, "after a link");
        let (_, unlinked) = tokio::join!(end(), service.unlink(unlink(&ann, "fake", &name)));
        unlinked.unwrap();
        assert_eq!(reads(&server, &old).await, WITHDRAWN, "after an unlink");

        let proof = link_with(&old.sign());
        let person = server.person("google-oauth2", "someone");
        if round == 0 {
            service.create("google-oauth2", "someone").await;
        }
        assert_eq!(refusal(person.link(proof).await), NO_PROOF);
    }
}

/// J53: two replicas that get one token at the same time carry it out once, and of two tokens with one
/// `jti` they accept one, whichever accounts they are about.
#[tokio::test]
async fn two_replicas_carry_out_a_jti_once() {
    let (fake, here) = fake_and_server("events = \"rpc\"").await;
    let toml = client(&fake, "events = \"rpc\"") + &issuer(&fake);
    let there = TestServer::start_with(here.database.clone(), |own| own + &toml).await;
    let service = here.service();
    for name in ["alice", "bob"] {
        service.create("fake", name).await;
    }
    for round in 1..=8 {
        let token = logout_token(&fake, "alice").sign();
        let (one, other) = tokio::join!(log_out(&here, &token), log_out(&there, &token));
        one.and(other).unwrap();
        assert_eq!(db_reported(&here).await.len(), 2 * round - 1);

        let of = |name| logout_token(&fake, name).with("jti", format!("jti-{round}")).sign();
        let (hers, his) = (of("alice"), of("bob"));
        let (one, other) = tokio::join!(log_out(&here, &hers), log_out(&there, &his));
        let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
        let [refused] = refused.try_into().unwrap_or_else(|all| panic!("one of {all:?}"));
        assert_eq!(refusal::<()>(Err(refused)), REFUSED);
        assert_eq!(db_reported(&here).await.len(), 2 * round);
    }
}
