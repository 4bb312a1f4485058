//! *Timeline*: how the accounts of a user came together and parted, as a picture.

mod layout;
mod picture;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;

use self::{
    layout::{Account, Change, Layout, Link, Mark},
    picture::Picture,
};
use super::{
    Chrome, Problem, page,
    user::{MAX_LINKS, Time, path_of, time},
};
use crate::{
    console::{App, masked, sessions::Staff, texts::Texts},
    domain::{StaffRole, UserId},
    grpc::proto as pb,
};

#[derive(Template)]
#[template(path = "console/timeline.html")]
struct TimelinePage<'a> {
    chrome: Chrome<'a>,
    id: String,
    /// The path of the page of the user.
    path: String,
    is_masked: bool,
    has_more_links: bool,
    picture: Picture,
    /// What the picture shows, in the same order.
    facts: Vec<Fact>,
}

/// What happened, in words.
struct Fact {
    /// The default is now.
    at: Time,
    /// What kind of event it is.
    kind: &'static str,
    what: String,
    /// Who did it, on what proof, and what that changed; `None` if no link did it.
    by: Option<By>,
}

/// About a link, or its undo.
struct By {
    link: String,
    is_undo: bool,
    actor: String,
    proof: &'static str,
    /// The paths of the metadata that it changed; `None` while they are hidden.
    changes: Option<Vec<String>>,
}

/// The timeline of a user.
pub(in crate::console) async fn page_of_timeline(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, user)): Path<(String, String)>,
) -> Response {
    app.timeline_page(&staff, (&tenant, &user))
        .await
        .unwrap_or_else(|problem| problem.page(staff.texts))
}

impl App {
    async fn timeline_page(
        &self,
        staff: &Staff,
        (tenant, user): (&str, &str),
    ) -> Result<Response, Problem> {
        let mut calls = self.calls(tenant, staff).ok_or(Problem::NotHere)?;
        let found = calls.get_user(pb::GetUserRequest { user_id: user.to_owned() }).await?;
        let found = found.into_inner().user.ok_or(Problem::NoUser)?;
        let id = UserId::parse(&found.id).ok_or(Problem::NoUser)?;
        // By the id of the user that was found: under a former id there is only a part of them.
        let links = pb::ListLinksRequest {
            user_id: found.id.clone(),
            page_size: MAX_LINKS,
            ..pb::ListLinksRequest::default()
        };
        let links = calls.list_links(links).await?.into_inner();
        // Before the person sees anything of the user.
        let seen = ("timeline", std::slice::from_ref(&id));
        let has_reason = self.record(staff, tenant, seen, None).await?;
        let is_masked = staff.member.role == StaffRole::Viewer && !has_reason;
        let timeline = Timeline::new(&found, &links.links, is_masked);
        let layout = layout::layout(&found.id, &timeline.accounts, &timeline.links);
        let t = staff.texts;
        let facts = timeline.facts(t, &layout.marks);
        let changes: Vec<&Fact> = facts.iter().filter(|fact| fact.by.is_some()).collect();
        let path = path_of(tenant, &found.id);
        let timeline_page = TimelinePage {
            chrome: Chrome::of(t, Some(staff)),
            picture: Picture::new(t, (&path, &found.id), &timeline.names, &layout, &changes),
            path,
            is_masked,
            has_more_links: !links.next_page_token.is_empty(),
            facts: timeline.with_ends(t, facts, &layout),
            id: found.id,
        };
        Ok(page(&timeline_page))
    }
}

/// A user and its links, as the layout takes them.
struct Timeline<'a> {
    /// The accounts: first those of the user, then those that links name.
    accounts: Vec<Account>,
    /// Their names, as they are shown.
    names: Vec<String>,
    since: Vec<Time>,
    links: Vec<Link>,
    records: &'a [pb::LinkRecord],
    is_masked: bool,
}

impl<'a> Timeline<'a> {
    fn new(user: &pb::User, records: &'a [pb::LinkRecord], is_masked: bool) -> Self {
        let mut refs: Vec<pb::IdentityRef> = Vec::new();
        let (mut accounts, mut since) = (Vec::new(), Vec::new());
        for identity in &user.identities {
            refs.push(identity.identity_ref.clone().unwrap_or_default());
            let attached = identity.attach_time.as_ref();
            accounts.push(Account { since: attached.and_then(moment), is_here: true });
            since.push(time(attached));
        }
        let mut link = |record: &pb::LinkRecord| {
            let numbers = record.moved_identities.iter().map(|of| {
                refs.iter().position(|known| known == of).unwrap_or_else(|| {
                    refs.push(of.clone());
                    accounts.push(Account { since: None, is_here: false });
                    since.push(Time::default());
                    refs.len() - 1
                })
            });
            Link {
                accounts: numbers.collect(),
                primary: record.primary_user_id.clone(),
                secondary: record.secondary_user_id.clone(),
                made: record.link_time.as_ref().and_then(moment).unwrap_or_default(),
                undone: record.undo_time.as_ref().and_then(moment),
            }
        };
        let links = records.iter().map(&mut link).collect();
        let names = refs.iter().map(|of| name(of, is_masked)).collect();
        Self { accounts, names, since, links, records, is_masked }
    }

    /// What happened at each mark.
    fn facts(&self, t: &Texts, marks: &[Mark]) -> Vec<Fact> {
        let fact = |mark: &Mark| {
            let record = self.records.get(mark.link)?;
            let is_undo = mark.change == Change::Undone;
            let (kind, at, actor) = match mark.change {
                Change::Made => (t.timeline_linked, &record.link_time, &record.actor),
                Change::Undone => (t.timeline_undone, &record.undo_time, &record.undo_actor),
            };
            let accounts = record.moved_identities.iter().map(|of| name(of, self.is_masked));
            let changes = record.metadata_changes.iter().map(|change| t.change.effect(change));
            Some(Fact {
                at: time(at.as_ref()),
                kind,
                what: t.link(record, &accounts.collect::<Vec<_>>().join(", ")),
                by: Some(By {
                    link: record.id.clone(),
                    is_undo,
                    actor: t.actor(&actor.clone().unwrap_or_default()),
                    proof: t.proof(record.proof.as_ref()),
                    // A person may have named them.
                    changes: (!self.is_masked).then(|| changes.collect()),
                }),
            })
        };
        marks.iter().filter_map(fact).collect()
    }

    /// These facts, after the starts of the user's accounts and before the ends, as the picture has them.
    fn with_ends(&self, t: &Texts, facts: Vec<Fact>, layout: &Layout) -> Vec<Fact> {
        let known = self.names.iter().zip(&self.since).zip(&self.accounts);
        let starts = known.filter(|((_, _), account)| account.since.is_some());
        let starts = starts.map(|((name, since), _)| Fact {
            at: Time { iso: since.iso.clone(), text: since.text.clone() },
            kind: t.timeline_began,
            what: name.clone(),
            by: None,
        });
        let ended = layout.lanes.iter().filter(|lane| lane.ends);
        let ends = ended.filter_map(|lane| {
            let what = self.names.get(lane.account)?.clone();
            Some(Fact { at: Time::default(), kind: t.timeline_gone, what, by: None })
        });
        let mut all: Vec<Fact> = starts.collect();
        all.extend(facts);
        // Stable, and of one form: the texts sort as the times do.
        all.sort_by(|one, other| one.at.iso.cmp(&other.at.iso));
        all.extend(ends);
        all
    }
}

/// The name of an account, as it is shown.
fn name(of: &pb::IdentityRef, is_masked: bool) -> String {
    let subject = match is_masked {
        true => masked::subject(&of.provider, &of.subject),
        false => of.subject.clone(),
    };
    format!("{}: {subject}", of.provider)
}

fn moment(time: &Timestamp) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.seconds, u32::try_from(time.nanos).ok()?)
}
