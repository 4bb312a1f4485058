//! What the feed says about whose an order is.

use std::collections::BTreeMap;

use identity_link::grpc::proto::{Event, EventKind, ResolvedUser, event::Detail, resolved_user::State};

/// The events that say it.
pub const KINDS: [EventKind; 4] =
    [EventKind::UserLinked, EventKind::UserUnlinked, EventKind::LinkUndone, EventKind::UserDeleted];

/// By the id under which something was placed: the id of the user whose it is now; none, if that user is
/// deleted.
#[derive(Debug, Default)]
pub struct Holders(BTreeMap<String, Option<String>>);

impl Holders {
    /// Each id, and who holds it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(id, holder)| (id.as_str(), holder.as_deref()))
    }

    /// Notes what an event says. They come in order, and each says whose something *is*, not how that
    /// changes: so it does no harm to hear them again.
    pub fn note(&mut self, event: Event) {
        let (ids, holder) = match event.detail {
            Some(Detail::UserLinked(linked)) => {
                let absorbed = linked.absorbed.into_iter().map(|user| user.user_id);
                (absorbed.chain(linked.repointed_user_ids).collect(), linked.primary.map(|user| user.user_id))
            }
            Some(Detail::UserUnlinked(unlinked)) => back(unlinked.restored.map(|user| user.user_id), Vec::new()),
            Some(Detail::LinkUndone(undone)) => {
                back(undone.restored.map(|user| user.user_id), undone.repointed_user_ids)
            }
            Some(Detail::UserDeleted(deleted)) => {
                let user = deleted.user.into_iter().map(|user| user.user_id);
                (user.chain(deleted.absorbed_user_ids).collect(), None)
            }
            // Not asked for.
            _ => return,
        };
        for id in ids {
            self.set(id, holder.clone());
        }
    }

    /// Notes what an id resolves to. One that is unknown is left as it is: a token of another tenant must
    /// not take everybody's orders away.
    pub fn note_resolved(&mut self, user: ResolvedUser) {
        match user.state() {
            State::Current | State::Absorbed => self.set(user.requested_id, Some(user.user_id)),
            State::Deleted => self.set(user.requested_id, None),
            State::Unknown | State::Unspecified => {}
        }
    }

    /// What was somebody's who is deleted is not given to whoever gets the id next.
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
