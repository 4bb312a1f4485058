//! Deletions, and what is linked meanwhile.

use super::*;

fn delete(caller: &Caller, user_id: &str) -> Racer {
    let (caller, user_id) = (caller.clone(), user_id.to_owned());
    racer(async move { caller.delete_user(pb::DeleteUserRequest { user_id, ..Default::default() }).await })
}

/// R06.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_and_a_deletion_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, s) = (format!("g{round}"), format!("s{round}"));
        let (a, b) = (created(&service, "google-oauth2", &g).await, created(&service, "sms", &s).await);
        let deletes_secondary = races.coin();
        let deleted = if deletes_secondary { &b } else { &a };
        let by_token = races.coin();
        let (caller, request) = if by_token {
            (server.person("google-oauth2", &g), link_with(&server.proof("sms", &s)))
        } else {
            (service.clone(), link_user(&a, &b))
        };

        let outcomes = races.at_once(vec![link(&caller, request), delete(&service, deleted)]).await;

        let told: [&str; 2] = [&outcomes[0], &outcomes[1]];
        let states = service.resolved(&[&a, &b]).await;
        match told {
            // The link came first, and who was absorbed, or has absorbed, is not deleted.
            ["ABSORBED", "FailedPrecondition USER_ABSORBED"] if deletes_secondary => {}
            ["ABSORBED", "FailedPrecondition ABSORBED_USERS_EXIST"] if !deletes_secondary => {}
            ["NotFound USER_NOT_FOUND" | "FailedPrecondition LINK_TOKEN_INVALID", "OK"] => {
                assert!(states[usize::from(deletes_secondary)].starts_with("DELETED"), "{states:?}");
                continue;
            }
            _ => panic!("round {round}: {outcomes:?}"),
        }
        assert_eq!(states, [format!("CURRENT {a}"), format!("ABSORBED {a}")]);
    }
    server.database.db_assert_invariants().await;
}
