//! What a link depends on: its token, and the email that both sides share.

use super::*;

/// R15, with one primary user: the other calls are retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_call_twenty_times_at_once_makes_one_link() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    created(&service, "google-oauth2", "g1").await;
    created(&service, "sms", "s1").await;
    let person = server.person("google-oauth2", "g1");
    for (provider, subject, first) in [("sms", "s1", "ABSORBED"), ("github", "h1", "ATTACHED")] {
        let token = server.proof(provider, subject);
        let outcomes =
            races.at_once((0..20).map(|_| link(&person, link_with(&token))).collect()).await;
        assert_eq!(
            (count(&outcomes, first), count(&outcomes, "ALREADY_LINKED")),
            (1, 19),
            "{outcomes:?}"
        );
    }
    assert_eq!(server.database.db_texts("SELECT id::text FROM links").await.len(), 2);
    server.database.db_assert_invariants().await;
}

/// R01 and R15, with as many primary users as callers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_token_sent_by_many_makes_one_link() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..10 {
        let (s, owned) = (format!("s{round}"), races.coin());
        if owned {
            created(&service, "sms", &s).await;
        }
        let (mut ids, mut racers) = (Vec::new(), Vec::new());
        let token = server.proof("sms", &s);
        for n in 0..races.number(2..=20) {
            let subject = format!("g{round}-{n}");
            ids.push(created(&service, "google-oauth2", &subject).await);
            racers.push(link(&server.person("google-oauth2", &subject), link_with(&token)));
        }

        let outcomes = races.at_once(racers).await;

        let won = if owned { "ABSORBED" } else { "ATTACHED" };
        assert_eq!(count(&outcomes, won), 1, "{outcomes:?}");
        // A caller that found the account without an owner gets IDENTITY_TAKEN. For the others the
        // token is used.
        let taken = if owned { 0 } else { count(&outcomes, "AlreadyExists IDENTITY_TAKEN") };
        let used = count(&outcomes, "FailedPrecondition LINK_TOKEN_INVALID");
        assert_eq!(1 + taken + used, ids.len(), "{outcomes:?}");
        let winner = outcomes.iter().position(|outcome| outcome == won).unwrap();
        assert_eq!(service.owner("sms", &s).await, ids[winner]);
    }
    assert_eq!(server.database.db_texts("SELECT id::text FROM links").await.len(), 10);
    server.database.db_assert_invariants().await;
}

/// R10: the rival takes the shared email away from one of the two sides.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_on_a_shared_email_and_an_unlink_of_that_email_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let email = format!("ann{round}@example.com");
        let (g, h, s) = (format!("g{round}"), format!("h{round}"), format!("s{round}"));
        // Two users share the email: one by an identity that was linked to it, the other by its
        // own.
        let by_linked = created(&service, "google-oauth2", &g).await;
        let linked = service.create_with("github", &h, verified(&email)).await.id;
        service.link(link_user(&by_linked, &linked)).await.unwrap();
        let by_own = service.create_with("auth0", &s, verified(&email)).await.id;
        let primary_loses_it = races.coin();
        let (primary, secondary) =
            if primary_loses_it { (&by_linked, &by_own) } else { (&by_own, &by_linked) };
        let demanding = pb::LinkRequest {
            require_shared_verified_email: true,
            ..link_user(primary, secondary)
        };
        let rival = {
            let (service, request) = (service.clone(), unlink(&by_linked, "github", &h));
            racer_as(async move { service.unlink(request).await }, |answer| {
                identities(answer.user.as_ref().unwrap()).join(" ")
            })
        };

        let outcomes = races.at_once(vec![link(&service, demanding), rival]).await;

        let (alone, both) = (format!("google-oauth2|{g}"), format!("google-oauth2|{g} auth0|{s}"));
        match [outcomes[0].as_str(), outcomes[1].as_str()] {
            ["FailedPrecondition EMAIL_NOT_SHARED", left] if left == alone => {}
            // The link came first. The unlinked identity left the user of both, or a user that was
            // absorbed by then.
            ["ABSORBED", left] if primary_loses_it && left == both => {}
            ["ABSORBED", "FailedPrecondition USER_ABSORBED"] if !primary_loses_it => {}
            _ => panic!("round {round}, the primary loses it: {primary_loses_it}: {outcomes:?}"),
        }
    }
    server.database.db_assert_invariants().await;
}
