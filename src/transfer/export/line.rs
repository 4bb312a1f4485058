//! The lines of an export.

use std::{
    io::{self, Write as _},
    sync::Arc,
};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{
    Output, Written,
    page_size::PageSize,
    pages::{Item, Page},
};
use crate::{
    domain::{Identity, IdentityRef, User, UserId},
    store::{Actor, PastLink, PastProof},
    transfer::row::{Row, RowIdentity},
};

/// The form of the lines.
#[derive(Clone)]
pub enum Form {
    /// The neutral row.
    Neutral {
        /// Whether each user has its links too.
        has_links: bool,
    },
    /// That of another system. It has none for a deleted user, whose line is the neutral one.
    Other(Arc<dyn UserForm>),
}

/// The form that another system has for users.
pub trait UserForm: Send + Sync {
    /// The first line, without its line break; `None` for none.
    fn header(&self) -> Option<String> {
        None
    }

    /// Writes the line of a live user, without its line break. Returns whether it has one.
    ///
    /// # Errors
    /// If the user has no text in this form; all of ours have one.
    fn write(&self, user: &User, line: &mut Vec<u8>) -> io::Result<bool>;
}

/// A user with its links.
#[derive(Serialize)]
struct RowWithLinks<'a> {
    #[serde(flatten)]
    row: Row,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkLine<'a>>,
}

/// A link of a user, as history: an import does not make it.
#[derive(Serialize)]
struct LinkLine<'a> {
    /// The link's id.
    id: Uuid,
    /// The user that absorbed, or received the identity; "deleted:…" after it was deleted.
    primary: &'a UserId,
    /// The absorbed user; absent for an account that was attached, until it left.
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary: Option<&'a UserId>,
    /// The identities that moved.
    moved: &'a [IdentityRef],
    /// When the link was made.
    #[serde(serialize_with = "time")]
    link_time: DateTime<Utc>,
    /// The caller that made it.
    actor: &'a Actor,
    /// The kind of proof on which it rests.
    proof: &'static str,
    /// The plan that it was made by; absent if it was made by none.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Uuid>,
    /// When it was undone; absent while it stands.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
    undo_time: Option<DateTime<Utc>>,
    /// The caller that undid it; absent while it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo_actor: Option<&'a Actor>,
}

/// A user that was deleted.
#[derive(Serialize)]
struct DeletedLine<'a> {
    id: &'a UserId,
    deleted: bool,
}

/// Writes pages as lines.
pub(super) struct Writer {
    form: Form,
    output: Output,
    written: Written,
    /// The most users; `None` for all.
    limit: Option<u64>,
    /// The line that is being made. The output takes it at once.
    line: Vec<u8>,
    page_size: PageSize,
}

impl Form {
    /// Whether the links of the users are written.
    pub(super) fn has_links(&self) -> bool {
        matches!(self, Self::Neutral { has_links: true })
    }
}

impl Writer {
    pub(super) fn new(form: Form, output: Output, limit: Option<u64>, page_size: PageSize) -> Self {
        Self { form, output, written: Written::default(), limit, line: Vec::new(), page_size }
    }

    /// Writes all pages that come, and finishes the output.
    ///
    /// # Errors
    /// Those of the output.
    pub(super) fn write_all(
        mut self,
        mut pages: mpsc::Receiver<Page>,
        mut progress: impl FnMut(Written),
    ) -> io::Result<Written> {
        if let Form::Other(form) = &self.form
            && let Some(header) = form.header()
        {
            self.output.write_all(header.as_bytes())?;
            self.output.write_all(b"\n")?;
        }
        while let Some(page) = pages.blocking_recv() {
            let (count, mut bytes) = (page.len(), 0);
            for item in page {
                if self.limit.is_some_and(|limit| self.written.users >= limit) {
                    self.output.finish()?;
                    return Ok(self.written);
                }
                self.line.clear();
                if !self.make_line(item)? {
                    continue;
                }
                self.line.push(b'\n');
                self.output.write_all(&self.line)?;
                bytes += self.line.len();
            }
            self.page_size.measured(count, bytes);
            progress(self.written);
        }
        self.output.finish()?;
        Ok(self.written)
    }

    /// Makes the line of an item; `false` if it has none.
    fn make_line(&mut self, item: Item) -> io::Result<bool> {
        let line = &mut self.line;
        let Item::User { user, aliases, links } = item else {
            self.written.deleted += 1;
            serde_json::to_writer(line, &DeletedLine { id: item.id(), deleted: true })?;
            return Ok(true);
        };
        let has_line = match &self.form {
            Form::Other(form) => form.write(&user, line)?,
            Form::Neutral { .. } if links.is_empty() => {
                serde_json::to_writer(line, &row(*user, &aliases))?;
                true
            }
            Form::Neutral { .. } => {
                let links = links.iter().map(LinkLine::from).collect();
                serde_json::to_writer(line, &RowWithLinks { row: row(*user, &aliases), links })?;
                true
            }
        };
        self.written.users += u64::from(has_line);
        Ok(has_line)
    }
}

/// The neutral row of a live user that has absorbed the users with these ids.
fn row(user: User, aliases: &[UserId]) -> Row {
    let primary = user.primary;
    // The others keep their order.
    let (first, rest): (Vec<Identity>, Vec<Identity>) =
        user.identities.into_iter().partition(|identity| identity.id == primary);
    let identities = first.into_iter().chain(rest);
    Row {
        id: Some(user.id.into()),
        aliases: aliases.iter().map(ToString::to_string).collect(),
        create_time: Some(user.create_time),
        update_time: Some(user.update_time),
        blocked: user.blocked,
        tokens_valid_from: user.tokens_valid_from,
        user_metadata: user.user_metadata.into_map(),
        app_metadata: user.app_metadata.into_map(),
        profile_overrides: user.profile_overrides.into_map(),
        identities: identities.map(|identity| row_identity(identity, user.create_time)).collect(),
    }
}

/// The account of a user that was created at this time.
fn row_identity(identity: Identity, create_time: DateTime<Utc>) -> RowIdentity {
    let attach_time = Some(identity.here_since()).filter(|time| *time != create_time);
    let IdentityRef { provider, subject } = identity.id;
    let (email, verified) =
        identity.email.map_or_else(Default::default, |email| (email.given, email.verified));
    RowIdentity {
        provider: provider.into(),
        subject: subject.into(),
        connection: identity.connection,
        social: identity.social,
        email,
        // What was claimed, whether or not it counts by today's configuration.
        email_verified: verified.is_some(),
        email_verify_time: verified.map(|verified| verified.time),
        profile_data: identity.profile_data.into_map(),
        attach_time,
    }
}

impl<'a> From<&'a PastLink> for LinkLine<'a> {
    fn from(past: &'a PastLink) -> Self {
        Self {
            id: past.link.id,
            primary: &past.link.primary,
            secondary: past.link.secondary.as_ref(),
            moved: &past.link.moved,
            link_time: past.link.link_time,
            actor: &past.actor,
            proof: match past.proof {
                PastProof::Token { .. } => "token",
                PastProof::Ticket => "ticket",
                PastProof::SignIn => "sign_in",
                PastProof::VerifiedEmail { rule: _ } => "verified_email",
                PastProof::Service => "service",
                PastProof::Plan => "plan",
            },
            plan: past.plan,
            undo_time: past.link.undo_time,
            undo_actor: past.undo_actor.as_ref(),
        }
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn time<S: Serializer>(time: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text(*time))
}

#[expect(clippy::ref_option, reason = "serde passes each field by reference")]
fn optional_time<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    time.map(text).serialize(serializer)
}
