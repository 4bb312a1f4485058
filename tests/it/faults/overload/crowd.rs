//! Clients that call in a closed loop, each as a person of its own: nine reads, and then a link.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::join_all, stream};
use tonic::{Status, transport::Channel};
use tonic_types::StatusExt as _;

use crate::{
    management::channel,
    support::{tokens::Token, *},
};

/// How many clients share a connection. A server takes at most 200 calls at once on each.
const PER_CONNECTION: usize = 100;
/// How many calls are made at once before and after the phases, which is no load.
const A_FEW: usize = 4;
/// Every how many calls a client links an account, and how many it links at most: a user has at most
/// a hundred identities.
const LINK_EVERY: usize = 10;
const MOST_LINKS: usize = 90;

/// The time for which recovery is judged as a whole.
const WINDOW: Duration = Duration::from_millis(250);

/// The clients.
pub(super) struct Crowd {
    clients: Vec<Client>,
}

/// A person who calls, and what it knows of its user.
struct Client {
    name: String,
    person: Caller,
    user_id: String,
    calls: usize,
    /// The accounts of its user: its own, and those whose link was acknowledged.
    accounts: Vec<String>,
    /// Whether its last link was refused: it then repeats it.
    refused_link: bool,
}

/// A call that ended.
struct Ended {
    /// When it ended, after the beginning of its phase.
    at: Duration,
    /// How long it took.
    took: Duration,
    /// Whether it was carried out, and not refused.
    is_admitted: bool,
}

/// The answers of one phase.
#[derive(Default)]
pub(super) struct Heard(Vec<Ended>);

impl Heard {
    /// How long each call took that was carried out, from the shortest.
    pub(super) fn admitted(&self) -> Vec<Duration> {
        times(self.0.iter().filter(|call| call.is_admitted))
    }

    /// How long each call took that was refused, from the shortest.
    pub(super) fn refused(&self) -> Vec<Duration> {
        times(self.0.iter().filter(|call| !call.is_admitted))
    }

    /// When the first quarter of a second began in which no call was refused, and at least half of the
    /// calls took no longer than `long`; [`Duration::MAX`] if there is none.
    pub(super) fn recovered(&self, long: Duration) -> Duration {
        let window = |call: &Ended| call.at.as_millis() / WINDOW.as_millis();
        let is_good = |number: &u32| {
            let calls = || self.0.iter().filter(|call| window(call) == u128::from(*number));
            let times = times(calls());
            let is_quick = !times.is_empty() && percentile(&times, 50) <= long;
            is_quick && calls().all(|call| call.is_admitted)
        };
        let end = self.0.iter().map(window).max().unwrap_or_default();
        let good = (0..=u32::try_from(end).unwrap()).find(is_good);
        good.map_or(Duration::MAX, |number| WINDOW * number)
    }
}

fn times<'a>(calls: impl Iterator<Item = &'a Ended>) -> Vec<Duration> {
    let mut times: Vec<Duration> = calls.map(|call| call.took).collect();
    times.sort_unstable();
    times
}

/// The time within which so many of a hundred calls ended; zero without calls.
pub(super) fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let at = (sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1));
    sorted.get(at).copied().unwrap_or_default()
}

impl Crowd {
    /// So many people, each with a user.
    pub(super) async fn gather(address: SocketAddr, count: usize) -> Self {
        let connections = count.div_ceil(PER_CONNECTION);
        let channels: Vec<Channel> = (0..connections).map(|_| channel(address)).collect();
        let token = Token::of("services", "backend").sign();
        let clients = (0..count).map(|number| {
            let (name, channel) = (format!("c{number}"), channels[number % connections].clone());
            let service = Caller::new(channel.clone(), Some(token.clone()));
            async move {
                let user_id = service.create("google-oauth2", &name).await.id;
                Client::new(name, channel, user_id)
            }
        });
        Self { clients: stream::iter(clients).buffered(A_FEW).collect().await }
    }

    /// Makes so many of the clients call for this time, without a pause, each after its last call
    /// was answered.
    pub(super) async fn call(&mut self, clients: usize, time: Duration) -> Heard {
        let begun = Instant::now();
        let resting = self.clients.split_off(clients);
        let calling = std::mem::take(&mut self.clients).into_iter().map(|client| {
            tokio::spawn(async move { client.call_until(begun, begun + time).await })
        });
        let mut all = Heard::default();
        for outcome in join_all(calling).await {
            let (client, heard) = outcome.unwrap();
            self.clients.push(client);
            all.0.extend(heard.0);
        }
        self.clients.extend(resting);
        all
    }

    /// Each acknowledged link is there. Returns their number.
    pub(super) async fn expect_all_links(&self) -> usize {
        let links = self.clients.iter().map(async |client| {
            let user = client.person.user("").await;
            assert_eq!(identities(&user), client.accounts);
            client.accounts.len() - 1
        });
        stream::iter(links).buffered(A_FEW).collect::<Vec<_>>().await.into_iter().sum()
    }
}

impl Client {
    fn new(name: String, channel: Channel, user_id: String) -> Self {
        // Dated two seconds ahead, as the leeway permits, so that it is later than its links.
        let token = Token::of("google-oauth2", &name).issued_ago(-2).sign();
        let accounts = vec![format!("google-oauth2|{name}")];
        let person = Caller::new(channel, Some(token));
        Self { name, person, user_id, calls: 0, accounts, refused_link: false }
    }

    async fn call_until(mut self, begun: Instant, end: Instant) -> (Self, Heard) {
        let mut heard = Heard::default();
        while Instant::now() < end {
            let called = Instant::now();
            let outcome = self.call_once().await;
            let (at, took) = (begun.elapsed(), called.elapsed());
            heard.0.push(Ended { at, took, is_admitted: outcome.is_ok() });
            if let Err(refused) = outcome {
                let details = refused.get_error_details();
                assert!(details.retry_info().unwrap().retry_delay.is_some(), "{refused:?}");
                assert_eq!(refusal::<()>(Err(refused)), "ResourceExhausted OVERLOADED");
            }
        }
        (self, heard)
    }

    /// A read of the own user, or a link to it. The answer is that of the acknowledged changes.
    async fn call_once(&mut self) -> Result<(), Status> {
        self.calls += 1;
        let is_link = self.refused_link || self.calls.is_multiple_of(LINK_EVERY);
        if !is_link || self.accounts.len() > MOST_LINKS {
            let user = self.person.get_user(get("")).await?.user.unwrap();
            assert_eq!((&user.id, identities(&user)), (&self.user_id, self.accounts.clone()));
            return Ok(());
        }
        let account = format!("{}-{}", self.name, self.accounts.len());
        self.refused_link = true;
        let linked = self.person.link(link_with(&Token::of("sms", &account).sign())).await?;
        self.refused_link = false;
        self.accounts.push(format!("sms|{account}"));
        assert_eq!(identities(&linked.user.unwrap()), self.accounts);
        Ok(())
    }
}
