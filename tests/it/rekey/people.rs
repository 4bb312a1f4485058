//! The users who own the orders, and what happens to them.

use identity_link::grpc::proto::{self as pb, event::Detail};
use tonic::{Code, Status};

use crate::support::{
    events::{Watcher, watch_from},
    *,
};

/// The codes with which a call of this test may be refused, because another call has overtaken it.
const GOOD_REASONS: [Code; 4] =
    [Code::AlreadyExists, Code::FailedPrecondition, Code::InvalidArgument, Code::NotFound];

/// Some users.
pub(super) struct People<'a> {
    service: &'a Caller,
    /// The lots that decide what happens to the users.
    pub lots: Lots,
    /// Their ids, in the order of their creation. The subject of each is its index.
    pub ids: Vec<String>,
    links: Vec<String>,
}

impl<'a> People<'a> {
    /// Creates this many users.
    pub(super) async fn gather(count: usize, service: &'a Caller, lots: Lots) -> Self {
        let mut people = Self { service, lots, ids: Vec::new(), links: Vec::new() };
        for _ in 0..count {
            people.join().await;
        }
        people
    }

    /// Creates one more user. Returns its id.
    pub(super) async fn join(&mut self) -> String {
        let id = self.service.create("github", &self.ids.len().to_string()).await.id;
        self.ids.push(id.clone());
        id
    }

    /// The id of one of the users.
    pub(super) fn one(&mut self) -> String {
        self.lots.one_of(&self.ids).clone()
    }

    /// Changes some of the users in a random way. The change may be refused.
    pub(super) async fn something(&mut self) {
        let (one, other) = (self.one(), self.one());
        let outcome = match self.lots.number(0..=20) {
            0 => self.service.delete_user(delete(&one)).await.map(drop),
            1..=5 if !self.links.is_empty() => {
                let link_id = self.lots.one_of(&self.links).clone();
                self.service
                    .undo_link(pb::UndoLinkRequest { link_id, ..Default::default() })
                    .await
                    .map(drop)
            }
            6..=10 => self.unlink().await,
            _ => self.link(&one, &other).await.map(drop),
        };
        assert!(
            outcome.as_ref().err().is_none_or(|status| GOOD_REASONS.contains(&status.code())),
            "{outcome:?}"
        );
    }

    /// Creates two users. Returns their ids.
    pub(super) async fn two(&mut self) -> [String; 2] {
        [self.join().await, self.join().await]
    }

    /// Links two new users. Returns the position of that event.
    pub(super) async fn last_link(&mut self) -> String {
        let [one, other] = self.two().await;
        let link = self.link(&one, &other).await.unwrap();
        let mut watcher = Watcher::begin(self.service, watch_from(pb::FeedEnd::Oldest)).await;
        loop {
            let events = watcher.next().await.unwrap().events;
            let is_it = |e: &&pb::Event| matches!(&e.detail, Some(Detail::UserLinked(linked)) if linked.link_id == link);
            if let Some(event) = events.iter().find(is_it) {
                return event.position.clone();
            }
        }
    }

    /// Links two users. Returns the id of the link.
    pub(super) async fn link(&mut self, user: &str, secondary: &str) -> Result<String, Status> {
        let link = self.service.link(link_user(user, secondary)).await?.link.unwrap();
        self.links.push(link.id.clone());
        Ok(link.id)
    }

    /// Unlinks one of the users' first identities from its owner.
    async fn unlink(&mut self) -> Result<(), Status> {
        let subject = self.lots.number(0..=self.ids.len() - 1).to_string();
        let owner =
            self.service.find_by_identity(owner_of("github", &subject)).await?.user.unwrap();
        self.service.unlink(unlink(&owner.id, "github", &subject)).await.map(drop)
    }
}
