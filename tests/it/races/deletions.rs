//! Deletions that race with links, undos and retries.

use uuid::Uuid;

use super::*;

fn deletion(caller: &Caller, user_id: &str, include_absorbed: bool) -> Racer {
    let (caller, user_id) = (caller.clone(), user_id.to_owned());
    let request = pb::DeleteUserRequest { user_id, include_absorbed, ..Default::default() };
    racer(async move { caller.delete_user(request).await })
}

/// R06: a link and a deletion.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_link_and_a_deletion_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, s) = (format!("g{round}"), format!("s{round}"));
        let (a, b) =
            (created(&service, "google-oauth2", &g).await, created(&service, "sms", &s).await);
        let deletes_secondary = races.coin();
        let deleted = if deletes_secondary { &b } else { &a };
        let by_token = races.coin();
        let (caller, request) = if by_token {
            (server.person("google-oauth2", &g), link_with(&server.proof("sms", &s)))
        } else {
            (service.clone(), link_user(&a, &b))
        };

        let outcomes =
            races.at_once(vec![link(&caller, request), deletion(&service, deleted, false)]).await;

        let told: [&str; 2] = [&outcomes[0], &outcomes[1]];
        let states = service.resolved(&[&a, &b]).await;
        match told {
            // The link came first, and a user that is absorbed or has absorbed another one is not
            // deleted.
            ["ABSORBED", "FailedPrecondition USER_ABSORBED"] if deletes_secondary => {}
            ["ABSORBED", "FailedPrecondition ABSORBED_USERS_EXIST"] if !deletes_secondary => {}
            ["NotFound USER_NOT_FOUND" | "FailedPrecondition LINK_TOKEN_INVALID", "OK"] => {
                assert!(
                    states[usize::from(deletes_secondary)].starts_with("DELETED"),
                    "{states:?}"
                );
                continue;
            }
            _ => panic!("round {round}: {outcomes:?}"),
        }
        assert_eq!(states, [format!("CURRENT {a}"), format!("ABSORBED {a}")]);
    }
    server.database.db_assert_invariants().await;
}

/// R06: an undo and a deletion.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_undo_and_a_deletion_happen_one_after_the_other() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let a = created(&service, "google-oauth2", &format!("g{round}")).await;
        let b = created(&service, "sms", &format!("s{round}")).await;
        let id = linked(&service, &a, &b).await;
        let (deletes_secondary, include_absorbed) = (races.coin(), races.coin());
        let mut racers =
            vec![deletion(&service, if deletes_secondary { &b } else { &a }, include_absorbed)];
        racers.extend((0..races.number(1..=4)).map(|_| undo(&service, undo_of(&id))));

        let outcomes = races.at_once(racers).await;

        let undone = count(&outcomes[1..], "OK");
        let not_found = count(&outcomes[1..], "NotFound LINK_NOT_FOUND");
        assert_eq!(undone + not_found, outcomes.len() - 1, "{outcomes:?}");
        let (a_lives, b_lives) = match outcomes[0].as_str() {
            // The undo came first, so only one of the two users is deleted.
            "OK" if deletes_secondary => (true, false),
            "OK" if undone > 0 => (false, true),
            // The deletion came first.
            "OK" if include_absorbed => (false, false),
            "FailedPrecondition USER_ABSORBED" if deletes_secondary => (true, true),
            "FailedPrecondition ABSORBED_USERS_EXIST"
                if !deletes_secondary && !include_absorbed =>
            {
                (true, true)
            }
            _ => panic!("round {round}: {outcomes:?}"),
        };
        // While the data of a deleted user is being erased, no caller sees its links.
        let is_erased = outcomes[0] == "OK" && a_lives;
        assert!(!a_lives || is_erased || not_found == 0, "{outcomes:?}");
        if a_lives {
            service.undo_link(undo_of(&id)).await.unwrap();
        }
        let state = |lives: bool, id: &str| {
            if lives { format!("CURRENT {id}") } else { "DELETED ".to_owned() }
        };
        assert_eq!(
            service.resolved(&[&a, &b]).await,
            [state(a_lives, &a), state(b_lives, &b)],
            "{outcomes:?}"
        );
    }
    server.database.db_assert_invariants().await;
}

/// R06: deletions by the person itself and by services.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_deletions_one_deletes() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let g = format!("g{round}");
        let a = created(&service, "google-oauth2", &g).await;
        let b = created(&service, "sms", &format!("s{round}")).await;
        linked(&service, &a, &b).await;
        let callers: Vec<Caller> = (0..races.number(2..=8))
            .map(
                |_| if races.coin() { service.clone() } else { server.person("google-oauth2", &g) },
            )
            .collect();

        let outcomes =
            races.at_once(callers.iter().map(|caller| deletion(caller, &a, true)).collect()).await;

        assert_eq!(count(&outcomes, "OK"), 1, "{outcomes:?}");
        assert_eq!(count(&outcomes, "NotFound USER_NOT_FOUND"), outcomes.len() - 1, "{outcomes:?}");
        assert_eq!(service.resolved(&[&a, &b]).await, ["DELETED ", "DELETED "]);
    }
    server.database.db_assert_invariants().await;
}

/// R06: a stored response, and what is kept of an earlier change, are removed with each user that
/// they concern.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_stored_response_outlives_a_deletion() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let a = created(&service, "google-oauth2", &format!("g{round}")).await;
        let b = created(&service, "sms", &format!("s{round}")).await;
        let id = linked(&service, &a, &b).await;
        let new_id = || Uuid::new_v4().to_string();
        let update = pb::UpdateUserRequest { request_id: new_id(), ..block(&a, false) };
        service.update_user(update.clone()).await.unwrap();
        let (kind, deletes_secondary) = (races.number(0..=2), races.coin());
        if kind == 0 {
            service.undo_link(undo_of(&id)).await.unwrap();
        }
        let again = |_| match kind {
            0 => undo(&service, pb::UndoLinkRequest { request_id: new_id(), ..undo_of(&id) }),
            1 => link(&service, pb::LinkRequest { request_id: new_id(), ..link_user(&a, &b) }),
            _ => {
                let (service, update) = (service.clone(), update.clone());
                racer(async move { service.update_user(update).await })
            }
        };
        let deleted = if kind == 0 && deletes_secondary { &b } else { &a };
        let mut racers = vec![deletion(&service, deleted, true)];
        racers.extend((0..races.number(2..=8)).map(again));

        let outcomes = races.at_once(racers).await;

        assert_eq!(outcomes[0], "OK");
        let (told, gone) = match kind {
            0 => ("OK", "NotFound LINK_NOT_FOUND"),
            1 => ("ALREADY_LINKED", "NotFound USER_NOT_FOUND"),
            _ => ("OK", "NotFound USER_NOT_FOUND"),
        };
        assert_eq!(
            count(&outcomes[1..], told) + count(&outcomes[1..], gone),
            outcomes.len() - 1,
            "{outcomes:?}"
        );
    }
    server.database.db_assert_invariants().await;
}
