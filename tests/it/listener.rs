//! The listener: what it lets in, for how long, and that whoever attacks it harms nobody else.

mod floods;
mod limits;
mod messages;
mod tls;

use std::cell::Cell;

use crate::support::TestServer;

/// Lets an attack run, while somebody else's calls go on: each of them is answered, one of them
/// after the attack.
async fn while_attacked<T>(server: &TestServer, attack: impl Future<Output = T>) -> T {
    let service = server.service();
    let user = service.create("google-oauth2", &uuid::Uuid::new_v4().to_string()).await;
    let over = Cell::new(false);
    let attack = async {
        let outcome = attack.await;
        over.set(true);
        outcome
    };
    let calls = async {
        loop {
            let is_last = over.get();
            assert_eq!(service.user(&user.id).await, user);
            if is_last {
                return;
            }
        }
    };
    let (outcome, ()) = tokio::join!(attack, calls);
    outcome
}
