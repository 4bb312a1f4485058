//! Undos that race with other changes of the same users.

use identity_link::grpc::proto::metadata_merge as mm;
use serde_json::json as value;

use super::*;

/// One user absorbs another with its metadata. Returns the link's id.
async fn absorbed(service: &Caller, primary: &str, secondary: &str) -> String {
    let all = merge(mm::Conflict::SecondaryWins, mm::Arrays::Concatenate);
    let request = pb::LinkRequest { user_metadata: all, ..link_user(primary, secondary) };
    service.link(request).await.unwrap().link.unwrap().id
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_link_undone_many_times_at_once_is_undone_once() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let a = created(&service, "google-oauth2", &format!("a{round}")).await;
        let b = created(&service, "sms", &format!("b{round}")).await;
        let id = absorbed(&service, &a, &b).await;
        let callers = races.number(2..=12);

        let outcomes =
            races.at_once((0..callers).map(|_| undo(&service, undo_of(&id))).collect()).await;

        assert_eq!(count(&outcomes, "OK"), callers, "{outcomes:?}");
        assert_eq!(
            [service.user(&a).await.version, service.user(&b).await.version],
            [3, 3],
            "each changed twice"
        );
    }
    server.database.db_assert_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_user_whose_link_is_undone_and_unlinked_at_once_comes_back_and_leaves_nothing_behind() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let [g, s, o] = ["g", "s", "o"].map(|name| format!("{name}{round}"));
        let a = created(&service, "google-oauth2", &g).await;
        let b = created(&service, "sms", &s).await;
        server.person("sms", &s).link(link_with(&server.proof("okta", &o))).await.unwrap();
        let id = linked(&service, &a, &b).await;
        let undos = races.number(1..=3);
        let mut racers: Vec<Racer> = (0..undos).map(|_| undo(&service, undo_of(&id))).collect();
        racers.push(detach(&service, unlink(&a, "sms", &s)));
        if races.coin() {
            racers.push(detach(&service, unlink(&a, "okta", &o)));
        }

        let outcomes = races.at_once(racers).await;

        let (undone, unlinked) = outcomes.split_at(undos);
        assert_eq!(count(undone, "OK"), undos, "{outcomes:?}");
        let left_alone = count(unlinked, "OK");
        assert_eq!(
            left_alone + count(unlinked, "NotFound IDENTITY_NOT_FOUND"),
            unlinked.len(),
            "{outcomes:?}"
        );
        assert_eq!(
            service.resolved(&[&a, &b]).await,
            [format!("CURRENT {a}"), format!("CURRENT {b}")]
        );
        assert_eq!(identities(&service.user(&a).await), [format!("google-oauth2|{g}")]);
        // The identity that leaves last brings its user back.
        let others = [service.owner("sms", &s).await, service.owner("okta", &o).await];
        assert!(others.contains(&b) && !others.contains(&a), "{outcomes:?}");
        assert_eq!(
            service.user(&b).await.identities.len(),
            if left_alone == 0 { 2 } else { 1 },
            "{outcomes:?}"
        );
    }
    server.database.db_assert_invariants().await;
}

/// S absorbs T, and P absorbs S. Then all at once both links are undone, their identities are
/// unlinked, and Q absorbs P with its metadata. In whichever order that happens, undoing the
/// remaining links gives every user back what it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_chain_that_changes_in_many_ways_at_once_comes_apart_whole() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let mut ids = Vec::new();
        for (provider, name) in
            [("google-oauth2", "p"), ("sms", "s"), ("github", "t"), ("okta", "q")]
        {
            let subject = format!("{name}{round}");
            let metadata = value!({"who": name, "list": [name], name: {"own": name}});
            let user = service.create_with(provider, &subject, |request| {
                request.user_metadata = object(metadata);
            });
            ids.push(user.await.id);
        }
        let [p, s, t, q] = [&ids[0], &ids[1], &ids[2], &ids[3]];
        let before: Vec<_> = shown(&service, &ids).await;
        let inner = absorbed(&service, s, t).await;
        let outer = absorbed(&service, p, s).await;
        let (grow, p_id, q_id) = (service.clone(), p.clone(), q.clone());

        let mut racers = vec![undo(&service, undo_of(&inner)), undo(&service, undo_of(&outer))];
        if races.coin() {
            racers.push(detach(&service, unlink(p, "sms", &format!("s{round}"))));
        }
        if races.coin() {
            racers.push(detach(&service, unlink(p, "github", &format!("t{round}"))));
        }
        if races.coin() {
            racers.push(Box::pin(async move {
                let all = merge(mm::Conflict::SecondaryWins, mm::Arrays::Concatenate);
                let request = pb::LinkRequest { user_metadata: all, ..link_user(&q_id, &p_id) };
                grow.link(request).await.map_or_else(
                    |status| refusal::<()>(Err(status)),
                    |answer| answer.link.unwrap().id,
                )
            }));
        }
        let grows = racers.len();
        let outcomes = races.at_once(racers).await;

        let late = outcomes.get(grows - 1).filter(|outcome| outcome.len() == 36);
        for link in [Some(&inner), Some(&outer), late].into_iter().flatten() {
            let undone = service.undo_link(undo_of(link)).await;
            undone.unwrap_or_else(|status| panic!("round {round}: {outcomes:?}: {status:?}"));
        }
        assert_eq!(shown(&service, &ids).await, before, "round {round}: {outcomes:?}");
    }
    server.database.db_assert_invariants().await;
}

/// What these users show, without versions and times.
async fn shown(service: &Caller, ids: &[String]) -> Vec<String> {
    let mut shown = Vec::new();
    for id in ids {
        let user = service.user(id).await;
        shown.push(format!("{} {:?} {}", user.id, identities(&user), json(&user.user_metadata)));
    }
    shown
}
