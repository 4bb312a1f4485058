//! Sign-ins that race.

use super::*;

const ROUNDS: usize = 4;

/// A sign-in, whose outcome is the id of its user, or `candidates`.
fn arrival(service: &Caller, account: pb::ProvenAccount) -> Racer {
    let service = service.clone();
    racer_as(async move { service.signs_in(account).await }, |decision| {
        decision.user.as_ref().map_or_else(|| "candidates".to_owned(), |user| user.id.clone())
    })
}

/// R08: first sign-ins with one account.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_sign_ins_with_one_account_lead_to_one_user() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let account = || account("github", &format!("h{round}"), "");
        let racers = (0..races.number(2..=8)).map(|_| arrival(&service, account())).collect();
        let users = races.at_once(racers).await;
        assert_eq!(count(&users, &users[0]), users.len(), "{users:?}");
        assert_eq!(service.owner("github", &format!("h{round}")).await, users[0]);
    }
    server.database.db_assert_invariants().await;
}

/// R09, A41: sign-ins that spell the address differently wait for the same lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn first_sign_ins_at_two_providers_with_one_email_lead_to_one_user() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let emails = [("github", "Ann", "EXAMPLE.com"), ("google-oauth2", "ann", "example.com")];
        let accounts = emails.map(|(provider, name, domain)| {
            account(provider, &round.to_string(), &format!("{name}{round}@{domain}"))
        });
        let users = races.at_once(accounts.map(|account| arrival(&service, account)).into()).await;
        assert_eq!(users[0], users[1]);
        assert_eq!(service.user(&users[0]).await.identities.len(), 2);
    }
    server.database.db_assert_invariants().await;
}

/// R15, A18: a ticket makes one new user or one link, and not both.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_ticket_that_is_used_by_many_is_used_once() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (email, subject) = (format!("ann{round}@example.com"), format!("{round}"));
        let ann = who(&service.arrives("google-oauth2", &subject, &email).await).to_owned();
        let ticket = service.arrives("apple", &subject, &email).await.ticket;
        let own = |_| {
            let (service, ticket) = (service.clone(), ticket.clone());
            racer_as(async move { service.goes_on(&ticket).await }, |_| "own".to_owned())
        };
        let linked = |_| {
            let (service, request) = (service.clone(), link_by(&ann, &ticket));
            racer_as(async move { service.link(request).await }, |linked| {
                format!("{:?}", linked.outcome())
            })
        };

        let racers =
            (0..races.number(1..=4)).map(own).chain((0..races.number(1..=4)).map(linked)).collect();
        let outcomes = races.at_once(racers).await;

        assert_eq!(count(&outcomes, "own") + count(&outcomes, "Attached"), 1, "{outcomes:?}");
        let owner = service.owner("apple", &subject).await;
        assert_eq!(owner == ann, count(&outcomes, "Attached") == 1);
    }
    server.database.db_assert_invariants().await;
}

/// R10: a decision by an email depends on what the email is at that time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_email_that_becomes_unverified_meanwhile_links_before_that_or_not_at_all() {
    let mut races = Races::begin();
    let server = TestServer::start().await;
    let service = server.service();
    for round in 0..ROUNDS {
        let (email, subject) = (format!("ann{round}@example.com"), format!("{round}"));
        let ann = who(&service.arrives("google-oauth2", &subject, &email).await).to_owned();
        let doubted = pb::ProvenAccount {
            email_verified: false,
            ..account("google-oauth2", &subject, &email)
        };

        let users = races
            .at_once(vec![
                arrival(&service, doubted),
                arrival(&service, account("github", &subject, &email)),
            ])
            .await;

        assert_eq!(users[0], ann);
        let user = service.user(&ann).await;
        // The versions show that an account was linked only while the email was verified.
        let linked = user.identities.len() == 2;
        assert_eq!(linked, users[1] == ann, "{users:?}");
        assert_eq!(user.version, if linked { 3 } else { 2 });
        assert!(!user.identities[0].email_verified);
        if linked {
            let links = service.list_links(links_of(&ann)).await.unwrap().links;
            assert!(links[0].require_shared_verified_email);
        }
    }
    server.database.db_assert_invariants().await;
}
