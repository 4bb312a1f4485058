//! Links of the same users.

use super::*;
use crate::support::tokens::Token;

/// R01: links of one user into many others.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_is_absorbed_by_one_of_many_others() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let s = created(&service, "sms", &format!("s{round}")).await;
        let mut others = Vec::new();
        for n in 0..races.number(2..=6) {
            others.push(created(&service, "github", &format!("{round}-{n}")).await);
        }

        let outcomes = races
            .at_once(others.iter().map(|id| link(&service, link_user(id, &s))).collect())
            .await;

        assert_eq!(count(&outcomes, "ABSORBED"), 1, "{outcomes:?}");
        assert_eq!(
            count(&outcomes, "FailedPrecondition USER_ABSORBED"),
            others.len() - 1,
            "{outcomes:?}"
        );
        let winner = outcomes.iter().position(|outcome| outcome == "ABSORBED").unwrap();
        assert_eq!(service.resolved(&[&s]).await, [format!("ABSORBED {}", others[winner])]);
    }
    server.database.db_assert_invariants().await;
}

/// R01: links of one account into two users.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_unowned_identity_is_attached_to_one_of_two_users() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, h) = (format!("g{round}"), format!("h{round}"));
        let (a, b) =
            (created(&service, "google-oauth2", &g).await, created(&service, "github", &h).await);
        // Each caller has a token of its own: if both had one, the second call would be a replay.
        let s = format!("s{round}");
        let proof = || Token::of("sms", &s).sign();

        let outcomes = races
            .at_once(vec![
                link(&server.person("google-oauth2", &g), link_with(&proof())),
                link(&server.person("github", &h), link_with(&proof())),
            ])
            .await;

        assert_eq!(count(&outcomes, "ATTACHED"), 1, "{outcomes:?}");
        let (winner, loser) = if outcomes[0] == "ATTACHED" { (&a, &b) } else { (&b, &a) };
        match outcomes.iter().find(|outcome| *outcome != "ATTACHED").unwrap().as_str() {
            // Judged before the other user had the account.
            "AlreadyExists IDENTITY_TAKEN" => {
                assert_eq!(service.owner("sms", &s).await, *winner);
                assert_eq!(service.resolved(&[loser]).await, [format!("CURRENT {loser}")]);
            }
            // Judged after that: its token is from before the account came to the other user.
            "FailedPrecondition LINK_TOKEN_INVALID" => {
                assert_eq!(service.resolved(&[loser]).await, [format!("CURRENT {loser}")]);
            }
            other => panic!("{other}"),
        }
    }
    server.database.db_assert_invariants().await;
}

/// R02: two users that absorb each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_users_that_absorb_each_other_become_one() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, h) = (format!("g{round}"), format!("h{round}"));
        let (a, b) =
            (created(&service, "google-oauth2", &g).await, created(&service, "github", &h).await);
        let by_service = races.coin();

        let outcomes = races
            .at_once(if by_service {
                vec![link(&service, link_user(&a, &b)), link(&service, link_user(&b, &a))]
            } else {
                vec![
                    link(
                        &server.person("google-oauth2", &g),
                        link_with(&server.proof("github", &h)),
                    ),
                    link(
                        &server.person("github", &h),
                        link_with(&server.proof("google-oauth2", &g)),
                    ),
                ]
            })
            .await;

        // A person gets ALREADY_LINKED whichever link came first, since the person signed in after
        // it.
        let second = if by_service { "FailedPrecondition USER_ABSORBED" } else { "ALREADY_LINKED" };
        assert_eq!(
            (count(&outcomes, "ABSORBED"), count(&outcomes, second)),
            (1, 1),
            "{outcomes:?}"
        );
        let root = if outcomes[0] == "ABSORBED" { &a } else { &b };
        let holders = service.resolved(&[&a, &b]).await;
        assert_eq!(count(&holders, &format!("CURRENT {root}")), 1, "{holders:?}");
        assert_eq!(count(&holders, &format!("ABSORBED {root}")), 1, "{holders:?}");
    }
    server.database.db_assert_invariants().await;
}

/// R02, A35: links in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ring_of_links_leaves_one_root_in_each_piece() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..5 {
        let size = races.number(3..=8);
        let mut ids = Vec::new();
        for n in 0..size {
            ids.push(created(&service, "github", &format!("{round}-{n}")).await);
        }
        let ring =
            (0..size).map(|n| link(&service, link_user(&ids[n], &ids[(n + 1) % size]))).collect();

        let outcomes = races.at_once(ring).await;

        let roots = service.resolved(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let live = roots.iter().filter(|state| state.starts_with("CURRENT")).count();
        assert_eq!(live, size - count(&outcomes, "ABSORBED"), "{outcomes:?}");
        assert!(live > 0);
    }
    server.database.db_assert_invariants().await;
}
