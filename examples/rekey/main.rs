//! A shop keeps its orders under user ids, while users become one and come apart again. This small
//! service follows the feed of identity-link, and keeps each order with the user that it belongs to
//! now.
//!
//! It may be killed at any moment, and started again, or twice: the position in the feed is written
//! in the transaction that changes the orders.
//!
//! ```sh
//! identity-link token --service shop --scope "read:events read:users" > shop.token
//! cargo run --example rekey -- --database postgres://shop@localhost/shop --token-file shop.token
//! ```

mod holders;
mod identity;
mod shop;

use std::{
    convert::Infallible,
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use tokio::time::sleep;
use tonic::{Status, transport::Endpoint};
use tonic_types::StatusExt as _;

use self::{holders::Holders, identity::Identity, shop::Shop};

/// The first pause after an error; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Keeps the orders of a shop with the users that they belong to
#[derive(Parser)]
struct Arguments {
    /// The URL at which identity-link serves gRPC
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:50051")]
    identity_link: Endpoint,
    /// A file with a token that has the scopes read:events and read:users; it is read again for
    /// each call
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The shop's own database
    #[arg(long, value_name = "URL")]
    database: String,
}

/// Why following stopped. No reason is final: the service tries again after each.
#[derive(Debug, thiserror::Error)]
enum Stopped {
    #[error("identity-link: {0}")]
    Identity(#[from] Box<Status>),
    #[error("identity-link: no message for {0:?}")]
    Silence(Duration),
    #[error("the token: {0}")]
    Token(#[from] io::Error),
    #[error("the shop's database: {0}")]
    Connection(#[from] diesel::ConnectionError),
    #[error("the shop's database: {0}")]
    Shop(#[from] diesel::result::Error),
    #[error("another process has continued from this position")]
    Overtaken,
}

impl Stopped {
    /// Whether the feed does not have the position any more: it has expired, or is from another
    /// feed.
    fn is_position_lost(&self) -> bool {
        let Self::Identity(status) = self else { return false };
        let reason = status.get_details_error_info().map(|info| info.reason);
        reason.is_some_and(|reason| {
            ["POSITION_EXPIRED", "POSITION_INVALID"].contains(&reason.as_str())
        })
    }
}

impl From<Status> for Stopped {
    fn from(status: Status) -> Self {
        Self::Identity(Box::new(status))
    }
}

#[tokio::main]
async fn main() {
    let Arguments { identity_link, token_file, database } = Arguments::parse();
    let identity = Identity::new(&identity_link, token_file);
    let (mut pause, mut is_position_lost) = (FIRST_PAUSE, false);
    loop {
        let begun = Instant::now();
        let Err(stopped) = follow(&identity, &database, is_position_lost).await;
        is_position_lost = stopped.is_position_lost();
        if begun.elapsed() > LONGEST_PAUSE {
            pause = FIRST_PAUSE;
        }
        eprintln!("{stopped}; trying again in {pause:?}");
        sleep(pause).await;
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
}

/// Follows the feed from the stored position, until a call fails.
async fn follow(
    identity: &Identity,
    database: &str,
    is_position_lost: bool,
) -> Result<Infallible, Stopped> {
    let mut shop = Shop::open(database).await?;
    let mut position = match shop.position().await? {
        Some(position) if !is_position_lost => position,
        _ => bootstrap(identity, &mut shop).await?,
    };
    let mut events = identity.watch(&position).await?;
    loop {
        let message = identity::next(&mut events).await?;
        if message.position != position {
            let mut holders = Holders::default();
            message.events.into_iter().for_each(|event| holders.note(event));
            shop.go_on(&position, &message.position, &holders).await?;
            position = message.position;
        }
    }
}

/// Begins anew: first it reads the position of the feed, and then the holders of all orders. Events
/// in between are delivered again, with the same result.
async fn bootstrap(identity: &Identity, shop: &mut Shop) -> Result<String, Stopped> {
    let position = identity.position().await?;
    let holders = identity.holders_of(shop.ids().await?).await?;
    shop.begin(&position, &holders).await?;
    Ok(position)
}
