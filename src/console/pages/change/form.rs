//! The page of a change: its form, and what the change does.

use askama::Template;

use crate::{
    console::{
        changes::{Change, Fields, Merge, Mode, Outcome, Returned, moved},
        pages::{
            Chrome, find,
            user::{Document, documents},
        },
        texts::Texts,
    },
    grpc::proto as pb,
};

#[derive(Template)]
#[template(path = "console/change.html")]
pub(super) struct ChangePage<'a> {
    pub chrome: Chrome<'a>,
    pub fields: &'a Fields,
    /// The id of the user.
    pub user: &'a str,
    /// The path of the page of the user.
    pub path: String,
    /// The users from which one is chosen: those that the text names, or else the likely ones.
    pub choices: Vec<Choice>,
    /// What is wrong; empty if nothing is.
    pub problem: String,
    /// What exactly the server says about that; empty if nothing.
    pub detail: String,
    /// Where to sign in again, if the sign-in is too old; else empty.
    pub again: String,
    /// What would be done; `None` before that is known.
    pub preview: Option<Preview>,
    /// Whether that was done.
    pub is_done: bool,
}

/// A user that can be chosen as the second one.
pub(super) struct Choice {
    pub id: String,
    pub why: String,
    pub accounts: Vec<String>,
}

/// What a change does.
pub(super) struct Preview {
    before: Vec<Card>,
    after: Vec<Card>,
    /// The ids that resolve to another user afterwards.
    moved: Vec<String>,
    metadata: Vec<String>,
    /// The ids that are erased.
    erased: Vec<String>,
    /// The link that was made; empty if none was.
    link: String,
}

/// A user, before or after a change.
struct Card {
    /// Empty for a user that does not exist yet.
    id: String,
    accounts: Vec<String>,
    documents: Vec<Document>,
}

/// An option of a choice.
struct Opt {
    value: &'static str,
    text: &'static str,
    is_chosen: bool,
}

impl Preview {
    pub(super) fn new(t: &'static Texts, before: &[pb::User], outcome: Outcome) -> Self {
        let Outcome { users: after, erased, metadata, link, .. } = outcome;
        let moved = moved(before, &after).into_iter();
        Self {
            moved: moved.map(|(id, now)| format!("{id} → {now}")).collect(),
            before: before.iter().map(|user| Card::of(t, user)).collect(),
            after: after.iter().map(|user| Card::of(t, user)).collect(),
            metadata: metadata.iter().map(|change| t.change.effect(change)).collect(),
            erased,
            link,
        }
    }
}

impl Card {
    fn of(t: &'static Texts, user: &pb::User) -> Self {
        Self {
            id: user.id.clone(),
            accounts: user.identities.iter().map(|it| find::account(t, it, false)).collect(),
            documents: documents(t, user),
        }
    }
}

impl ChangePage<'_> {
    fn is_link(&self) -> bool {
        self.fields.kind == Change::Link
    }

    fn is_unlink(&self) -> bool {
        self.fields.kind == Change::Unlink
    }

    fn is_erase(&self) -> bool {
        self.fields.kind == Change::Erase
    }

    /// Whether a user may come back, so that it is asked with which metadata.
    fn brings_back(&self) -> bool {
        matches!(self.fields.kind, Change::Unlink | Change::Undo)
    }

    /// The title of the page, what the change is, and what to look at before it.
    fn title(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match self.fields.kind {
            Change::Link => texts.link,
            Change::Unlink => texts.unlink,
            Change::Undo => texts.undo,
            Change::Erase => texts.erase,
        }
    }

    fn what(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match self.fields.kind {
            Change::Link => texts.link_what,
            Change::Unlink => texts.unlink_what,
            Change::Undo => texts.undo_what,
            Change::Erase => texts.erase_what,
        }
    }

    fn sessions(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match self.fields.kind {
            Change::Link => texts.link_sessions,
            Change::Unlink | Change::Undo => texts.unlink_sessions,
            Change::Erase => texts.erase_sessions,
        }
    }

    fn consumers(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match (self.fields.kind, self.fields.mode) {
            (Change::Link, _) => texts.link_consumers,
            (Change::Unlink, Mode::Release) => texts.release_consumers,
            (Change::Unlink | Change::Undo, _) => texts.unlink_consumers,
            (Change::Erase, _) => texts.erase_consumers,
        }
    }

    /// The button that does it, after the preview.
    fn confirm(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match self.fields.kind {
            Change::Link => texts.link_confirm,
            Change::Unlink => texts.unlink_confirm,
            Change::Undo => texts.undo_confirm,
            Change::Erase => texts.erase_confirm,
        }
    }

    fn done(&self) -> &'static str {
        let texts = &self.chrome.t.change;
        match self.fields.kind {
            Change::Link => texts.link_done,
            Change::Unlink => texts.unlink_done,
            Change::Undo => texts.undo_done,
            Change::Erase => texts.erase_done,
        }
    }

    /// The two merges of a link.
    fn merges(&self) -> [(&'static str, &'static str, [Opt; 3]); 2] {
        let t = self.chrome.t;
        let options = |chosen: Merge| {
            [
                Opt {
                    value: "first",
                    text: t.change.merge_first,
                    is_chosen: chosen == Merge::First,
                },
                Opt {
                    value: "second",
                    text: t.change.merge_second,
                    is_chosen: chosen == Merge::Second,
                },
                Opt { value: "keep", text: t.change.merge_keep, is_chosen: chosen == Merge::Keep },
            ]
        };
        [
            ("user_metadata", t.user_metadata, options(self.fields.user_metadata)),
            ("app_metadata", t.app_metadata, options(self.fields.app_metadata)),
        ]
    }

    fn modes(&self) -> [Opt; 2] {
        let (texts, mode) = (&self.chrome.t.change, self.fields.mode);
        [
            Opt { value: "restore", text: texts.mode_restore, is_chosen: mode == Mode::Restore },
            Opt { value: "release", text: texts.mode_release, is_chosen: mode == Mode::Release },
        ]
    }

    fn returns(&self) -> [Opt; 2] {
        let (texts, chosen) = (&self.chrome.t.change, self.fields.returned);
        let is = |returned: Returned| chosen == returned;
        [
            Opt {
                value: "restore",
                text: texts.metadata_restore,
                is_chosen: is(Returned::Restore),
            },
            Opt {
                value: "discard",
                text: texts.metadata_discard,
                is_chosen: is(Returned::Discard),
            },
        ]
    }

    /// The fields that a preview was made of, for the form that confirms it.
    fn previewed(&self) -> Vec<(&'static str, String)> {
        let fields = self.fields;
        let value = |options: &[Opt]| {
            options
                .iter()
                .find(|option| option.is_chosen)
                .map_or("", |option| option.value)
                .to_owned()
        };
        let [(_, _, user), (_, _, app)] = self.merges();
        vec![
            ("kind", fields.kind.name().to_owned()),
            ("with", fields.with.clone()),
            ("user_metadata", value(&user)),
            ("app_metadata", value(&app)),
            ("provider", fields.provider.clone()),
            ("subject", fields.subject.clone()),
            ("mode", value(&self.modes())),
            ("link", fields.link.clone()),
            ("returned", value(&self.returns())),
            ("reason", fields.reason.clone()),
            ("version", fields.version.to_string()),
            ("other_version", fields.other_version.to_string()),
            ("request_id", fields.request_id.clone()),
        ]
    }
}
