//! The user that an order belongs to, from what the feed says.

use std::collections::BTreeMap;

use identity_link_proto::v1::{
    Event, EventKind, ResolvedUser, event::Detail, resolved_user::State,
};

/// The kinds of events that change it.
pub(crate) const KINDS: [EventKind; 4] =
    [EventKind::UserLinked, EventKind::UserUnlinked, EventKind::LinkUndone, EventKind::UserDeleted];

/// The id of the user that now holds what was placed under an id; `None` if that user is deleted.
#[derive(Debug, Default)]
pub(crate) struct Holders(BTreeMap<String, Option<String>>);

impl Holders {
    /// Each id with its holder.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(id, holder)| (id.as_str(), holder.as_deref()))
    }

    /// Notes an event. Events come in order, and each states the holder itself, not a change of it:
    /// so a repeated event does no harm.
    pub(crate) fn note(&mut self, event: Event) {
        let (ids, holder) = match event.detail {
            Some(Detail::UserLinked(linked)) => {
                let absorbed = linked.absorbed.into_iter().map(|user| user.user_id);
                (
                    absorbed.chain(linked.repointed_user_ids).collect(),
                    linked.primary.map(|user| user.user_id),
                )
            }
            Some(Detail::UserUnlinked(unlinked)) => {
                back(unlinked.restored.map(|user| user.user_id), unlinked.repointed_user_ids)
            }
            Some(Detail::LinkUndone(undone)) => {
                back(undone.restored.map(|user| user.user_id), undone.repointed_user_ids)
            }
            Some(Detail::UserDeleted(deleted)) => {
                let user = deleted.user.into_iter().map(|user| user.user_id);
                (user.chain(deleted.absorbed_user_ids).collect(), None)
            }
            // A kind that the watch does not ask for.
            _ => return,
        };
        for id in ids {
            self.set(id, holder.clone());
        }
    }

    /// Notes what an id resolves to. An unknown id is left as it is: a token of another tenant must
    /// not take all orders away.
    pub(crate) fn note_resolved(&mut self, user: ResolvedUser) {
        match user.state() {
            State::Current | State::Absorbed => self.set(user.requested_id, Some(user.user_id)),
            State::Deleted => self.set(user.requested_id, None),
            State::Unknown | State::Unspecified => {}
        }
    }

    /// Sets the holder of an id. What belonged to a deleted user is not given to the next user with
    /// its id.
    fn set(&mut self, id: String, holder: Option<String>) {
        let known = self.0.entry(id).or_insert_with(|| holder.clone());
        if known.is_some() {
            *known = holder;
        }
    }
}

/// The ids of a user that came back: its own, and those that it had absorbed.
fn back(restored: Option<String>, followers: Vec<String>) -> (Vec<String>, Option<String>) {
    (restored.iter().cloned().chain(followers).collect(), restored)
}
