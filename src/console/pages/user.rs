//! *User*: the accounts of a user, its data, and how it came to have them.

mod data;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::{IntoResponse as _, Redirect, Response},
};
use chrono::{DateTime, SecondsFormat};
use futures_util::future::join;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use prost_types::Timestamp;
use serde::Deserialize;

pub(super) use self::data::{Document, documents};
use self::data::{OriginTable, Origins};
use super::{Chrome, Form, Problem, page};
use crate::{
    auth::StatedReason,
    console::{App, changes::Change, masked, sessions::Staff, texts::Texts},
    domain::{StaffRole, UserId},
    grpc::proto as pb,
};

/// How many links the page shows.
pub(super) const MAX_LINKS: i32 = 100;

/// Why a viewer looks.
#[derive(Deserialize)]
pub(in crate::console) struct Reason {
    form_token: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "console/user.html")]
struct UserPage<'a> {
    chrome: Chrome<'a>,
    /// The path of this page.
    path: String,
    id: String,
    /// The id under which the user was asked for, if that is a former one; else empty.
    former_id: String,
    is_blocked: bool,
    version: i64,
    created: Time,
    updated: Time,
    accounts: Vec<Account>,
    links: Vec<LinkRow>,
    has_more_links: bool,
    /// `None` while the data is hidden.
    data: Option<Vec<OriginTable>>,
    /// What is wrong with the reason; empty if nothing is.
    problem: &'static str,
    /// The reason as it was typed.
    reason: String,
    /// Whether the person may change the user, and whether the person may erase it.
    may: May,
}

/// What a person may do with a user.
struct May {
    change: bool,
    erase: bool,
}

/// A time as people read it, and as programs do.
#[derive(Default)]
pub(super) struct Time {
    pub iso: String,
    pub text: String,
}

struct Account {
    provider: String,
    subject: String,
    connection: String,
    is_primary: bool,
    /// Empty if it has none.
    email: String,
    is_verified: bool,
    verified: Time,
    /// The party that stated that the email is verified; empty if it is not.
    verified_by: String,
    since: Time,
    /// How it came to this user.
    how: String,
    /// The link that brought it; empty if none did.
    link: String,
}

/// A link, as a row of the history.
struct LinkRow {
    id: String,
    made: Time,
    what: String,
    by: String,
    proof: String,
    /// Why it was made, as its maker said; empty if it is hidden or was not said.
    reason: String,
    /// `None` while it stands.
    undone: Option<(Time, String)>,
}

/// The path of the page of a user.
pub(super) fn path_of(tenant: &str, user: &str) -> String {
    // A dot could be a step in the path.
    const HIDDEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');
    format!("/users/{tenant}/{}", utf8_percent_encode(user, HIDDEN))
}

/// The page of a user.
pub(in crate::console) async fn page_of_user(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, user)): Path<(String, String)>,
) -> Response {
    match app.user_page(&staff, (&tenant, &user), ("", "")).await {
        Ok(response) => response,
        Err(problem) => problem.page(staff.texts),
    }
}

/// Takes the reason for which a viewer looks.
pub(in crate::console) async fn say_why(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, user)): Path<(String, String)>,
    Form(Reason { form_token, reason }): Form<Reason>,
) -> Response {
    let t = staff.texts;
    if !staff.sent(&form_token) {
        return Problem::Form.page(t);
    }
    let said = match StatedReason::parse(&reason) {
        Some(stated) => app.say_why(&staff, (&tenant, &user), &stated).await,
        None => app.user_page(&staff, (&tenant, &user), (t.reason_wrong, &reason)).await,
    };
    said.unwrap_or_else(|problem| problem.page(t))
}

impl App {
    async fn say_why(
        &self,
        staff: &Staff,
        (tenant, user): (&str, &str),
        reason: &StatedReason,
    ) -> Result<Response, Problem> {
        let mut calls = self.calls(tenant, staff).ok_or(Problem::NotHere)?;
        let found = calls.get_user(pb::GetUserRequest { user_id: user.to_owned() }).await?;
        let id = found.into_inner().user.map(|user| user.id).unwrap_or_default();
        let id = UserId::parse(&id).ok_or(Problem::NoUser)?;
        let seen = ("user", std::slice::from_ref(&id));
        self.record(staff, tenant, seen, Some(reason.as_str())).await?;
        Ok(Redirect::to(&path_of(tenant, id.as_str())).into_response())
    }

    async fn user_page(
        &self,
        staff: &Staff,
        (tenant, user): (&str, &str),
        (problem, reason): (&'static str, &str),
    ) -> Result<Response, Problem> {
        let t = staff.texts;
        let calls = self.calls(tenant, staff).ok_or(Problem::NotHere)?;
        let (mut of_user, mut of_links) = (calls.clone(), calls);
        let links = pb::ListLinksRequest {
            user_id: user.to_owned(),
            page_size: MAX_LINKS,
            ..pb::ListLinksRequest::default()
        };
        let (found, links) = join(
            of_user.get_user(pb::GetUserRequest { user_id: user.to_owned() }),
            of_links.list_links(links),
        )
        .await;
        let (found, links) =
            (found?.into_inner().user.ok_or(Problem::NoUser)?, links?.into_inner());
        let id = UserId::parse(&found.id).ok_or(Problem::NoUser)?;
        // Before the person sees anything of the user.
        let seen = ("user", std::slice::from_ref(&id));
        let has_reason = self.record(staff, tenant, seen, None).await?;
        let is_masked = staff.member.role == StaffRole::Viewer && !has_reason;
        let accounts = found.identities.iter().enumerate();
        let accounts = accounts.map(|(at, it)| account(t, (at, it), &links.links, is_masked));
        let page_of_user = UserPage {
            chrome: Chrome::of(t, Some(staff)),
            path: path_of(tenant, &found.id),
            former_id: if found.id == user { String::new() } else { user.to_owned() },
            is_blocked: found.blocked,
            version: found.version,
            created: time(found.create_time.as_ref()),
            updated: time(found.update_time.as_ref()),
            accounts: accounts.collect(),
            links: links.links.iter().map(|link| row(t, link, is_masked)).collect(),
            has_more_links: !links.next_page_token.is_empty(),
            data: (!is_masked).then(|| Origins { t, user: &found, links: &links }.tables()),
            id: found.id,
            problem,
            reason: reason.to_owned(),
            may: May {
                change: staff.member.role >= Change::Link.role(),
                erase: staff.member.role >= Change::Erase.role(),
            },
        };
        Ok(page(&page_of_user))
    }
}

fn account(
    t: &Texts,
    (at, identity): (usize, &pb::Identity),
    links: &[pb::LinkRecord],
    is_masked: bool,
) -> Account {
    let of = identity.identity_ref.clone().unwrap_or_default();
    // The newest link that brought it and stands.
    let link =
        links.iter().find(|link| link.undo_time.is_none() && link.moved_identities.contains(&of));
    let how = match link {
        Some(link) => t.brought_by(link),
        None => t.always_here.to_owned(),
    };
    let (subject, email) = match is_masked {
        true => (masked::subject(&of.provider, &of.subject), masked::email(&identity.email)),
        false => (of.subject, identity.email.clone()),
    };
    Account {
        subject,
        provider: of.provider,
        connection: identity.connection.clone(),
        is_primary: at == 0,
        email,
        is_verified: identity.email_verified,
        verified: time(identity.email_verify_time.as_ref()),
        verified_by: t.verifier(identity),
        since: time(identity.attach_time.as_ref()),
        how,
        link: link.map(|link| link.id.clone()).unwrap_or_default(),
    }
}

fn row(t: &Texts, link: &pb::LinkRecord, is_masked: bool) -> LinkRow {
    let accounts = link.moved_identities.iter().map(|of| {
        let subject = match is_masked {
            true => masked::subject(&of.provider, &of.subject),
            false => of.subject.clone(),
        };
        format!("{}: {subject}", of.provider)
    });
    let accounts: Vec<String> = accounts.collect();
    let actor = link.actor.clone().unwrap_or_default();
    let undone = link.undo_time.as_ref().map(|undone| {
        let by = link.undo_actor.as_ref().map(|actor| t.actor(actor)).unwrap_or_default();
        (time(Some(undone)), by)
    });
    LinkRow {
        id: link.id.clone(),
        made: time(link.link_time.as_ref()),
        what: t.link(link, &accounts.join(", ")),
        by: t.actor(&actor),
        proof: t.proof(link.proof.as_ref()).to_owned(),
        // A person wrote it, and may have written of a person.
        reason: if is_masked { String::new() } else { actor.reason },
        undone,
    }
}

/// A time of a message; the default without one.
pub(super) fn time(time: Option<&Timestamp>) -> Time {
    let time = time
        .and_then(|time| DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?));
    let Some(time) = time else { return Time::default() };
    Time {
        iso: time.to_rfc3339_opts(SecondsFormat::Secs, true),
        text: time.format("%Y-%m-%d %H:%M UTC").to_string(),
    }
}
