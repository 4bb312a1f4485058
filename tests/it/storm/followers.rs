//! The followers of the feed during the storm.

use std::{collections::BTreeSet, sync::Arc};

use identity_link::grpc::proto::{self as pb, event::Detail};
use tokio::task::JoinHandle;

use crate::support::{
    events::{Watcher, watch_after, watch_from},
    fold::Folded,
    *,
};

/// The account of the user that is created after the storm.
const LAST: (&str, &str) = ("github", "the last one");

/// Three followers from the beginning on. One of them is killed and resumes again and again.
pub(super) struct Followers(Vec<JoinHandle<Vec<pb::Event>>>);

impl Followers {
    /// Begins to watch.
    pub(super) fn begin(server: &Arc<TestServer>, lots: Lots) -> Self {
        let followers = [None, None, Some(lots)];
        let follow = |lots| tokio::spawn(follow(Arc::clone(server), lots));
        Self(followers.into_iter().map(follow).collect())
    }

    /// Checks that the followers got every event once and in order.
    pub(super) async fn db_assert_all_was_told(self, server: &TestServer) {
        server.service().create(LAST.0, LAST.1).await;
        let mut told = Vec::new();
        for follower in self.0 {
            told.push(follower.await.unwrap());
        }

        let first = &told[0];
        for other in &told[1..] {
            assert!(
                first == other,
                "one follower got {} events, another {}",
                first.len(),
                other.len()
            );
        }
        let kept = server.database.db_texts("SELECT count(*)::text FROM events").await;
        assert_eq!(kept, [first.len().to_string()]);
        let positions: BTreeSet<&String> = first.iter().map(|event| &event.position).collect();
        assert_eq!(positions.len(), first.len(), "each event has a position of its own");
        let mut folded = Folded::default();
        for event in first {
            folded.take_in_order(event);
        }
        folded.db_assert_is_all(&server.database).await;
    }
}

/// Watches until the last user is created. With lots, the follower is killed whenever they say so,
/// and resumes after the last event that it processed.
async fn follow(server: Arc<TestServer>, mut lots: Option<Lots>) -> Vec<pb::Event> {
    let service = server.service();
    let mut told: Vec<pb::Event> = Vec::new();
    loop {
        let start = match told.last() {
            Some(last) => watch_after(&last.position),
            None => watch_from(pb::FeedEnd::Oldest),
        };
        let mut watcher = Watcher::begin(&service, start).await;
        let mut is_alive = true;
        while is_alive {
            for event in watcher.next().await.unwrap().events {
                let is_last = is_last(&event);
                told.push(event);
                if is_last {
                    return told;
                }
                is_alive = lots.as_mut().is_none_or(|lots| lots.number(0..=9) > 0);
                if !is_alive {
                    break;
                }
            }
        }
    }
}

fn is_last(event: &pb::Event) -> bool {
    let Some(Detail::UserCreated(created)) = &event.detail else { return false };
    created
        .identities
        .iter()
        .any(|identity| (identity.provider.as_str(), identity.subject.as_str()) == LAST)
}
