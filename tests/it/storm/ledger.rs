//! The responses to all writers, compared with the tables.

use std::collections::{BTreeMap, BTreeSet};

use identity_link::grpc::proto as pb;

use super::{
    calls::{Answer, Call, OVERTAKEN, Who},
    crowd::Crowd,
    writer::{Notes, Told},
};
use crate::support::*;

/// The notes of all writers in one.
#[derive(Default)]
pub(super) struct Ledger(Notes);

impl Ledger {
    /// Adds the notes of one writer.
    pub(super) fn add(&mut self, notes: Notes) {
        let Notes { told, outcomes } = notes;
        self.0.told.extend(told);
        for (outcome, count) in outcomes {
            *self.0.outcomes.entry(outcome).or_default() += count;
        }
    }

    fn answers(&self) -> impl Iterator<Item = &Answer> {
        self.0.told.iter().map(|told| &told.answer)
    }

    fn deleted(&self) -> BTreeSet<&String> {
        self.answers().flat_map(Answer::deleted).collect()
    }

    /// Each kind of call has succeeded, since otherwise the storm shows nothing. Among so few users
    /// a call is overtaken three times in a row now and then.
    pub(super) fn assert_everything_was_done(&self) {
        let outcomes = &self.0.outcomes;
        for kind in Call::KINDS {
            assert!(outcomes.contains_key(&format!("{kind} OK")), "no {kind}: {outcomes:#?}");
        }
        let overtaken = outcomes
            .iter()
            .filter(|(outcome, _)| outcome.ends_with(OVERTAKEN))
            .map(|(_, count)| count);
        assert!(overtaken.sum::<usize>() * 20 < outcomes.values().sum(), "{outcomes:#?}");
    }

    /// All responses with one version of a user contain the same user: no change is lost under
    /// another.
    pub(super) fn assert_one_state_per_version(&self) {
        let mut states: BTreeMap<(&String, i64), &pb::User> = BTreeMap::new();
        for told in &self.0.told {
            for user in told.answer.users(told.who) {
                let first = states.entry((&user.id, user.version)).or_insert(user);
                assert_eq!(*first, user, "two states of one version");
            }
        }
    }

    /// The users are those in the responses, except for the deleted ones, and are as in the newest
    /// response. Each identity has an owner, unless it was deleted or released.
    pub(super) async fn db_assert_nobody_is_lost(&self, server: &TestServer, crowd: &Crowd) {
        let service = server.service();
        let deleted = self.deleted();
        let mut last: BTreeMap<&String, Option<&pb::User>> =
            crowd.first_users.iter().map(|id| (id, None)).collect();
        for told in self.0.told.iter().filter(|told| told.of_mortals == crowd.is_mortal()) {
            for id in told.answer.user_ids() {
                last.entry(id).or_default();
            }
            for user in told.answer.users(told.who) {
                let newest = last.entry(&user.id).or_default();
                if newest.is_none_or(|newest| newest.version < user.version) {
                    *newest = Some(user);
                }
            }
        }
        for (id, told) in &last {
            if deleted.contains(id) {
                continue;
            }
            let user = service.user(id).await;
            match told {
                Some(told) if user.id == **id && user.version == told.version => {
                    assert_eq!(&user, *told);
                }
                // A link does not return the user that it absorbed, nor does an undo return every
                // user that stays.
                Some(told) if user.id == **id => {
                    assert!(user.version > told.version, "{told:#?} became {user:#?}");
                }
                _ => {}
            }
        }
        let of_crowd = format!(
            "SELECT u.id FROM users u WHERE EXISTS (SELECT FROM identities i \
               WHERE i.owner_id = coalesce(u.absorbed_into, u.id) AND i.subject LIKE '{}%') ORDER BY u.id",
            crowd.name
        );
        let expected: Vec<String> =
            last.keys().filter(|id| !deleted.contains(**id)).map(|id| (*id).clone()).collect();
        assert_eq!(server.database.db_texts(&of_crowd).await, expected);

        for ((provider, subject), old_proof) in crowd.identities.iter().zip(&crowd.old_proofs) {
            if service.find_by_identity(owner_of(provider, subject)).await.is_ok() {
                continue;
            }
            assert!(crowd.is_mortal(), "no user owns {provider} {subject}");
            // The identity was deleted or released: in any other case its token would attach it.
            let asker = format!("asks about {subject}");
            service.create("github", &asker).await;
            let linked = server.person("github", &asker).link(link_with(old_proof)).await;
            assert_eq!(
                refusal(linked),
                "FailedPrecondition LINK_TOKEN_INVALID",
                "{provider} {subject}"
            );
        }
    }

    /// Each link from a response exists once, and has ended if a response said so.
    pub(super) async fn db_assert_links_are_there(&self, server: &TestServer) {
        let kept =
            server.database.db_texts("SELECT id || ' ' || (undo_time IS NULL) FROM links").await;
        let kept: BTreeMap<&str, bool> =
            kept.iter().map(|row| (&row[..36], row.ends_with("true"))).collect();
        let mut made: BTreeMap<&str, &Told> = BTreeMap::new();
        for told in &self.0.told {
            if let Some(link) = told.answer.made_link() {
                made.insert(&link.id, told);
            }
        }
        let ended: BTreeSet<&str> = self.answers().filter_map(Answer::ended_link).collect();
        for id in kept.keys() {
            assert!(made.contains_key(id), "a link that no response contained: {id}");
        }
        for (id, told) in made {
            match kept.get(id) {
                Some(stands) => assert!(
                    !(*stands && ended.contains(id)),
                    "{id} stands, though a response ended it"
                ),
                None => assert!(told.of_mortals, "{id} does not exist"),
            }
        }
    }

    /// Each user that a response called deleted is deleted, and stays so.
    pub(super) async fn assert_deleted_is_deleted(&self, server: &TestServer) {
        for id in self.deleted() {
            assert_eq!(server.service().resolved(&[id]).await, ["DELETED "], "{id}");
        }
    }

    /// A service that repeats a request gets the same response, and nothing changes. Only a stored
    /// response that concerns a deleted user is gone.
    pub(super) async fn db_assert_told_again(&self, server: &TestServer) {
        let service = server.service();
        let before = server.database.db_everything().await;
        let mut repeated = 0;
        let with_id = self.0.told.iter().filter(|told| told.has_id && told.who == Who::Service);
        for Told { call, answer, .. } in
            with_id.filter(|told| !told.of_mortals || !told.answer.deleted().is_empty())
        {
            assert_eq!(call.make(&service).await.as_ref(), Ok(answer), "{call:#?}");
            repeated += 1;
        }
        assert!(repeated > 0);
        assert_eq!(server.database.db_everything().await, before);
    }
}
