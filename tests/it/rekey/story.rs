//! The stories, each for the service in any language.

use identity_link::grpc::proto as pb;
use rustix::process::Signal;

use super::{
    people::People,
    shop::{Shop, Start},
};
use crate::support::{tokens::Token, *};

const PEOPLE: usize = 16;
const ROUNDS: usize = 10;

/// F25: a consumer of the feed is killed between what it does and what it notes.
pub(super) async fn killed_again_and_again(start: Start) {
    let mut races = Races::begin();
    let server = TestServer::start_feed().await;
    let shop = Shop::open(&server, start).await;
    let service = server.service();
    let mut people = People::gather(PEOPLE, &service, races.lots()).await;
    shop.db_place_orders(&people.ids).await;
    // There are events before the first position, and the first token has expired.
    for _ in 0..20 {
        people.something().await;
    }
    let token = Token::of("services", "shop").scope("read:events read:users");
    shop.give_token(
        &token.clone().issued_ago(1000).with("exp", token.claims["iat"].as_i64().unwrap() - 400),
    );

    for round in 0..ROUNDS {
        let before = shop.db_position().await;
        people.join().await;
        let mut running = shop.start();
        if round == 0 {
            running.stderr_until(|line| line.contains("the bearer token was not accepted"));
            shop.give_token(&token);
        }
        if races.coin() {
            shop.db_until_position(|position| before.as_deref() != Some(position)).await;
        }
        for _ in 0..races.number(5..=30) {
            people.something().await;
            if races.coin() {
                shop.db_place_order(&service, &people.one()).await;
            }
        }
        if races.coin() {
            // Killed in the middle of a transaction.
            let held = shop.database.db_hold_table("orders").await;
            people.last_link().await;
            shop.database.db_until_waiting(1).await;
            running.signal(Signal::KILL);
            held.db_release().await;
        } else {
            running.signal(Signal::KILL);
        }
        drop(running);
        for _ in 0..races.number(0..=10) {
            people.something().await;
        }
        if round == ROUNDS / 2 {
            // The shop is set back to a state without a valid position.
            shop.database.db_execute("UPDATE feed_position SET position = 'lost'").await;
            shop.db_place_orders(&people.ids).await;
        }
    }
    let running = shop.start();
    let end = people.last_link().await;
    shop.db_until_position(|position| position == end).await;
    drop(running);

    let orders = shop.db_orders().await;
    let resolved = service
        .resolve_users(resolve(orders.iter().map(|(id, _)| id.as_str())))
        .await
        .unwrap()
        .users;
    let truth: Vec<(String, String)> = resolved.into_iter().map(whose).collect();
    assert_eq!(orders, truth);
    let any = |is_it: fn(&(String, String)) -> bool| truth.iter().any(is_it);
    let kinds = [
        any(|(_, user)| user == "-"),
        any(|(id, user)| id == user),
        any(|(id, user)| user != "-" && id != user),
    ];
    assert_eq!(
        kinds, [true; 3],
        "orders should be of deleted users, of live ones, and of absorbed ones: {truth:?}"
    );
}

/// An order is placed while its user becomes another one's.
pub(super) async fn order_placed_meanwhile(start: Start) {
    let mut races = Races::begin();
    let server = TestServer::start_feed().await;
    let shop = Shop::open(&server, start).await;
    let service = server.service();
    let mut people = People::gather(0, &service, races.lots()).await;
    shop.give_token(&Token::of("services", "shop").scope("read:events read:users"));
    let _running = shop.start();
    shop.db_until_position(|_| true).await;
    let before = people.last_link().await;
    shop.db_until_position(|position| position == before).await;
    let ([one, other], absorbed) = (people.two().await, people.ids[1].clone());

    let known = shop.db_position().await.unwrap();
    let placing = shop.db_placing(&other, &other, &known).await;
    let placed = shop.database.db_hold_statement(&placing).await;
    people.link(&one, &other).await.unwrap();
    shop.database.db_until_waiting(1).await;
    placed.db_release().await;
    let after = people.last_link().await;
    shop.db_until_position(|position| position == after).await;
    assert_eq!(
        shop.db_orders().await,
        [(other.clone(), one.clone())],
        "the shop's service waits for the order"
    );

    let late = shop.db_placing(&other, &other, &known).await;
    shop.database.db_execute(&late).await;
    assert_eq!(shop.db_orders().await.len(), 1, "an order with an old position is not placed");
    shop.db_place_order(&service, &absorbed).await;
    assert_eq!(shop.db_orders().await[1], (absorbed, people.ids[0].clone()));
}

/// The order as `rekey` should leave it: the id under which it was placed, and the id of that
/// user's holder.
fn whose(user: pb::ResolvedUser) -> (String, String) {
    let holder = if user.user_id.is_empty() { "-".to_owned() } else { user.user_id };
    (user.requested_id, holder)
}
