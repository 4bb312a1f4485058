//! Changes of the primary identity that race with unlinks and links.

use super::*;

fn set_primary(caller: &Caller, user_id: &str, provider: &str, subject: &str) -> Racer {
    let (caller, user_id, identity) =
        (caller.clone(), user_id.to_owned(), identity_ref(provider, subject));
    let request = pb::SetPrimaryIdentityRequest { user_id, identity, ..Default::default() };
    racer(async move { caller.set_primary_identity(request).await })
}

/// A user with a Google account and a phone.
async fn of_two(server: &TestServer, g: &str, s: &str) -> String {
    let id = created(&server.service(), "google-oauth2", g).await;
    server.person("google-oauth2", g).link(link_with(&server.proof("sms", s))).await.unwrap();
    id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_identity_is_not_unlinked_and_an_unlinked_identity_does_not_become_primary() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, s) = (format!("g{round}"), format!("s{round}"));
        let id = of_two(&server, &g, &s).await;
        let setters = races.number(1..=3);
        let mut racers: Vec<Racer> =
            (0..setters).map(|_| set_primary(&service, &id, "sms", &s)).collect();
        racers.extend((0..races.number(1..=3)).map(|_| detach(&service, unlink(&id, "sms", &s))));

        let outcomes = races.at_once(racers).await;

        let (set, unlinked) = outcomes.split_at(setters);
        let left = count(unlinked, "OK");
        let shown = identities(&service.user(&id).await);
        if left == 0 {
            assert_eq!(count(set, "OK"), set.len(), "{outcomes:?}");
            assert_eq!(
                count(unlinked, "FailedPrecondition PRIMARY_IDENTITY"),
                unlinked.len(),
                "{outcomes:?}"
            );
            assert_eq!(shown, [format!("sms|{s}"), format!("google-oauth2|{g}")]);
        } else {
            assert_eq!(
                (left, count(&outcomes, "NotFound IDENTITY_NOT_FOUND")),
                (1, outcomes.len() - 1),
                "{outcomes:?}"
            );
            assert_eq!(shown, [format!("google-oauth2|{g}")]);
        }
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_absorbed_user_comes_back_with_the_primary_identity_that_a_call_has_set() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (g, s) = (format!("g{round}"), format!("s{round}"));
        let id = of_two(&server, &g, &s).await;
        let other = created(&service, "github", &format!("h{round}")).await;
        let absorbing = link(&service, link_user(&other, &id));

        let outcomes = races.at_once(vec![absorbing, set_primary(&service, &id, "sms", &s)]).await;

        assert_eq!(outcomes[0], "ABSORBED");
        let link_id = service.list_links(links_of(&id)).await.unwrap().links[0].id.clone();
        let back = service.undo_link(undo_of(&link_id)).await.unwrap().restored_user.unwrap();
        let first = match outcomes[1].as_str() {
            "OK" => format!("sms|{s}"),
            "FailedPrecondition USER_ABSORBED" => format!("google-oauth2|{g}"),
            other => panic!("{other}"),
        };
        assert_eq!(identities(&back)[0], first);
    }
    server.database.db_assert_invariants().await;
}
