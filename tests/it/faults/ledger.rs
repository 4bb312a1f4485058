//! What the server has acknowledged, compared with what it stores.

use std::collections::{BTreeMap, BTreeSet};

use identity_link::grpc::proto as pb;

use crate::support::{
    Caller,
    cluster::Database,
    events::{events, line},
    fold::Folded,
};

/// The acknowledged changes of users that no other client changes.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Each change as the line of its event.
    changes: Vec<String>,
    /// What a look-up of each user returns, by the user's id.
    users: BTreeMap<String, pb::User>,
}

impl Ledger {
    /// How many changes were acknowledged.
    pub(super) fn len(&self) -> usize {
        self.changes.len()
    }

    /// Adds what another writer has had acknowledged.
    pub(super) fn add(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.users.extend(other.users);
    }

    pub(super) fn created(&mut self, user: &pb::User) {
        self.changes.push(format!("created {} 0>1", user.id));
        self.users.insert(user.id.clone(), user.clone());
    }

    /// A user of version 1 absorbed another one.
    pub(super) fn linked(&mut self, user: &pb::User, absorbed: &str) {
        self.changes.push(format!("linked {} 1>2 {absorbed} 1>2", user.id));
        self.users.insert(user.id.clone(), user.clone());
        self.users.insert(absorbed.to_owned(), user.clone());
    }

    /// That link has ended by an `unlinked` or an `undone`.
    pub(super) fn parted(&mut self, kind: &str, user: &pb::User, restored: &pb::User) {
        self.changes.push(format!("{kind} {} 2>3 {} 2>3", user.id, restored.id));
        self.users.insert(user.id.clone(), user.clone());
        self.users.insert(restored.id.clone(), restored.clone());
    }

    /// Asserts that the database has each acknowledged change once, and no other: in the feed, in
    /// the tables, and in what a look-up returns. All calls must have been acknowledged.
    pub(super) async fn db_assert_kept(&self, service: &Caller, database: &Database) {
        let stored = database.db_texts("SELECT count(*)::text FROM events").await;
        let stored: usize = stored[0].parse().unwrap();
        let events = events(service, stored).await;
        let lines: Vec<String> = events.iter().map(line).collect();
        let (stored, acknowledged) = (counted(&lines), counted(&self.changes));
        let lost: Vec<_> = acknowledged.difference(&stored).collect();
        assert!(lost.is_empty(), "acknowledged, and lost: {lost:#?}");
        let extra: Vec<_> = stored.difference(&acknowledged).collect();
        assert!(extra.is_empty(), "made twice, or not acknowledged: {extra:#?}");

        let mut folded = Folded::default();
        for event in &events {
            folded.take_in_order(event);
        }
        folded.db_assert_is_all(database).await;
        for (id, user) in &self.users {
            assert_eq!(&service.user(id).await, user, "{id}");
        }
        database.db_assert_invariants().await;
    }
}

/// Each line with the number of its occurrence.
fn counted(lines: &[String]) -> BTreeSet<(&str, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let numbered = lines.iter().map(|line| {
        let count = counts.entry(line).or_default();
        *count += 1;
        (line.as_str(), *count)
    });
    numbered.collect()
}
