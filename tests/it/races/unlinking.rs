//! Unlinks that race with links and sign-ins.

use super::*;

/// R04: unlinks of the last two identities that can sign in.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_the_last_two_identities_one_stays() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        // The wallet is primary and cannot sign in. One of the other two identities may go, but not
        // both.
        let (w, g, h) = (format!("w{round}"), format!("g{round}"), format!("h{round}"));
        let id = created(&service, "google-oauth2", &g).await;
        let person = server.person("google-oauth2", &g);
        for (provider, subject) in [("wallet", &w), ("github", &h)] {
            person.link(link_with(&server.proof(provider, subject))).await.unwrap();
        }
        let identity = identity_ref("wallet", &w);
        person
            .set_primary_identity(pb::SetPrimaryIdentityRequest { identity, ..Default::default() })
            .await
            .unwrap();

        let outcomes = races
            .at_once(vec![
                detach(&service, unlink(&id, "google-oauth2", &g)),
                detach(&service, unlink(&id, "github", &h)),
            ])
            .await;

        assert_eq!(count(&outcomes, "OK"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "FailedPrecondition LAST_IDENTITY"), 1, "{outcomes:?}");
        assert_eq!(service.user(&id).await.identities.len(), 2);
    }
    server.database.db_assert_invariants().await;
}

/// R07: a link and an unlink of one identity.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_and_an_unlink_of_one_identity_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (a, b) = (
            created(&service, "google-oauth2", &format!("a{round}")).await,
            created(&service, "github", &format!("b{round}")).await,
        );
        let s = format!("s{round}");
        let id = created(&service, "sms", &s).await;
        service.link(link_user(&a, &id)).await.unwrap();

        let outcomes = races
            .at_once(vec![
                link(&service, link_identity(&b, "sms", &s)),
                detach(&service, unlink(&a, "sms", &s)),
            ])
            .await;

        assert_eq!(outcomes[0], "ABSORBED");
        let states = service.resolved(&[&a, &b, &id]).await;
        match outcomes[1].as_str() {
            // The unlink came first: B absorbed only the phone's user.
            "OK" => assert_eq!(
                states,
                [format!("CURRENT {a}"), format!("CURRENT {b}"), format!("ABSORBED {b}")]
            ),
            // The link came first: B absorbed A with all its identities.
            "FailedPrecondition USER_ABSORBED" => {
                assert_eq!(
                    states,
                    [format!("ABSORBED {b}"), format!("CURRENT {b}"), format!("ABSORBED {b}")]
                );
            }
            other => panic!("{other}"),
        }
    }
    server.database.db_assert_invariants().await;
}

/// R07: a release of the account, and its next sign-in and its next link, which wait for the
/// release.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_release_a_sign_in_and_a_link_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (a, s) =
            (created(&service, "google-oauth2", &format!("a{round}")).await, format!("s{round}"));
        let b = created(&service, "github", &format!("b{round}")).await;
        let person = server.person("google-oauth2", &format!("a{round}"));
        person.link(link_with(&server.proof("sms", &s))).await.unwrap();
        let other = server.person("github", &format!("b{round}"));
        let sign_in = {
            let (service, request) = (service.clone(), sign_in("sms", &s));
            racer(async move { service.resolve_sign_in(request).await })
        };

        let outcomes = races
            .at_once(vec![
                detach(&service, release(&a, "sms", &s)),
                sign_in,
                link(&other, link_with(&server.later_proof("sms", &s))),
            ])
            .await;

        assert_eq!(outcomes[1], "OK", "{outcomes:?}");
        assert!(
            ["ATTACHED", "ABSORBED", "AlreadyExists IDENTITY_TAKEN"]
                .contains(&outcomes[2].as_str()),
            "{outcomes:?}"
        );
        let owner = service.owner("sms", &s).await;
        match outcomes[0].as_str() {
            "OK" => assert_ne!(owner, a, "{outcomes:?}"),
            // The link came first: B absorbed A with all its identities.
            "FailedPrecondition USER_ABSORBED" => assert_eq!(owner, b, "{outcomes:?}"),
            other => panic!("{other}"),
        }
    }
    server.database.db_assert_invariants().await;
}
