//! *Change*: link, take an account away, undo, erase. A person sees what a change would do before it is
//! done.

mod form;

use axum::{
    extract::{Path, State},
    response::Response,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use self::form::{ChangePage, Choice, Preview};
use super::{
    Chrome, Form, Problem,
    find::{self, Hit},
    page,
    problem::sign_in_again,
    user::path_of,
};
use crate::{
    auth::StatedReason,
    console::{
        App,
        calls::Calls,
        changes::{Change, Fields, Outcome, Step},
        sessions::Staff,
        sign_in,
        texts::Texts,
    },
    domain::UserId,
    grpc::proto::{self as pb, Reason},
};

/// What a page of a change shows beside its form.
#[derive(Default)]
struct Shown {
    choices: Vec<Choice>,
    problem: String,
    detail: String,
    preview: Option<Preview>,
    is_done: bool,
}

/// Why a change is not shown or not made: the page says so beside the form.
struct Refusal {
    text: &'static str,
    detail: String,
    is_outdated: bool,
}

/// Takes each step of a change.
pub(in crate::console) async fn change(
    State(app): State<App>,
    staff: Staff,
    Path((tenant, user)): Path<(String, String)>,
    Form(fields): Form<Fields>,
) -> Response {
    let t = staff.texts;
    if !staff.sent(&fields.form_token) {
        return Problem::Form.page(t);
    }
    if let Err(problem) = staff.needs(fields.kind.role()) {
        return problem.page(t);
    }
    if fields.step == Step::Ask && !staff.may_change() {
        return sign_in_again(t, &path_of(&tenant, &user));
    }
    match app.change(&staff, (&tenant, &user), fields).await {
        Ok(response) => response,
        Err(problem) => problem.page(t),
    }
}

impl App {
    async fn change(
        &self,
        staff: &Staff,
        (tenant, user): (&str, &str),
        mut fields: Fields,
    ) -> Result<Response, Problem> {
        let reason = StatedReason::parse(&fields.reason);
        let mut calls =
            self.calls_because(tenant, staff, reason.clone()).ok_or(Problem::NotHere)?;
        let mut step = Changing { app: self, staff, tenant, user, calls: &mut calls };
        let shown = match (fields.step, &reason) {
            (Step::Ask, _) => step.ask(&fields).await?,
            // What was typed stays, and the page can be sent again after the sign-in.
            _ if !staff.may_change() => Shown::default(),
            (_, None) => {
                Shown { problem: staff.texts.reason_wrong.to_owned(), ..step.ask(&fields).await? }
            }
            (Step::Preview, _) => step.preview(&mut fields).await?,
            (Step::Confirm, _) => step.confirm(&mut fields).await?,
        };
        let may_change = staff.may_change();
        let path = path_of(tenant, user);
        let again = if may_change { String::new() } else { sign_in::path_again(&path) };
        let Shown { choices, problem, detail, preview, is_done } = shown;
        Ok(page(&ChangePage {
            chrome: Chrome::of(staff.texts, Some(staff)),
            fields: &fields,
            user,
            path,
            choices,
            problem,
            detail,
            again,
            preview,
            is_done,
        }))
    }
}

/// A person that changes a user.
struct Changing<'a> {
    app: &'a App,
    staff: &'a Staff,
    tenant: &'a str,
    user: &'a str,
    calls: &'a mut Calls,
}

impl Changing<'_> {
    /// The form, for a link with the users that are likely the same person.
    async fn ask(&mut self, fields: &Fields) -> Result<Shown, Problem> {
        if fields.kind != Change::Link || !fields.with.is_empty() {
            return Ok(Shown::default());
        }
        let request = pb::ListLinkCandidatesRequest { user_id: self.user.to_owned() };
        let candidates = self.calls.list_link_candidates(request).await?.into_inner().candidates;
        let t = self.staff.texts;
        let choices: Vec<Choice> = candidates
            .into_iter()
            .map(|it| Choice {
                why: format!("{}: {}", t.change.shared_email, it.shared_emails.join(", ")),
                accounts: it.providers,
                id: it.user_id,
            })
            .collect();
        self.record(choices.iter().map(|choice| &*choice.id), None).await?;
        Ok(Shown { choices, ..Shown::default() })
    }

    /// What the change would do.
    async fn preview(&mut self, fields: &mut Fields) -> Result<Shown, Problem> {
        fields.step = Step::Preview;
        let t = self.staff.texts;
        let request = pb::GetUserRequest { user_id: self.user.to_owned() };
        let user = self.calls.get_user(request).await?.into_inner().user.ok_or(Problem::NoUser)?;
        if user.id != self.user {
            return Ok(Shown::refused(t.change.absorbed));
        }
        fields.version = user.version;
        let mut before = vec![user];
        if fields.kind == Change::Link {
            let mut hits = find::look_for(self.calls.clone(), fields.with.trim()).await?.hits;
            match (hits.pop(), hits.is_empty()) {
                (None, _) => return Ok(Shown::refused(t.nothing_found)),
                (Some(Hit { user, .. }), true) => {
                    fields.with.clone_from(&user.id);
                    fields.other_version = user.version;
                    before.push(user);
                }
                (Some(last), false) => return self.choose(hits.into_iter().chain([last])).await,
            }
        }
        fields.request_id = uuid::Uuid::new_v4().to_string();
        let seen = before.iter().map(|user| &*user.id);
        self.record(seen, Some(&fields.reason)).await?;
        if before.first().map(|user| &user.id) == before.get(1).map(|user| &user.id) {
            return Ok(Shown::refused(t.change.same_user));
        }
        if !self.has_link_of(fields).await? {
            return Ok(Shown::refused(t.change.link_gone));
        }
        match fields.make(self.calls, self.user).await {
            Ok(outcome) if outcome.is_nothing => Ok(Shown::refused(t.change.same_user)),
            Ok(outcome) => {
                self.record_others(&outcome, fields).await?;
                let preview = Some(Preview::new(t, &before, outcome));
                Ok(Shown { preview, ..Shown::default() })
            }
            Err(status) => Ok(Refusal::of(t, &status)?.into()),
        }
    }

    /// Makes the change. If it is refused, nothing is done, and the page shows what it would do now.
    async fn confirm(&mut self, fields: &mut Fields) -> Result<Shown, Problem> {
        let t = self.staff.texts;
        if fields.kind == Change::Erase && !fields.sure {
            let now = self.preview(fields).await?;
            return Ok(Shown { problem: t.change.not_sure.to_owned(), ..now });
        }
        let users = [self.user, &fields.with].into_iter().filter(|id| !id.is_empty());
        self.record(users, Some(&fields.reason)).await?;
        if !self.has_link_of(fields).await? {
            return Ok(Shown::refused(t.change.link_gone));
        }
        match fields.make(self.calls, self.user).await {
            Ok(outcome) => {
                self.record_others(&outcome, fields).await?;
                let preview = Some(Preview::new(t, &[], outcome));
                Ok(Shown { preview, is_done: true, ..Shown::default() })
            }
            Err(status) => {
                let refusal = Refusal::of(t, &status)?;
                let now = match refusal.is_outdated {
                    true => self.preview(fields).await?,
                    false => Shown::default(),
                };
                let problem = refusal.text.to_owned();
                Ok(Shown { problem, detail: refusal.detail, ..now })
            }
        }
    }

    /// Whether a link that is to be undone is one of this user. The page of one user must not show another
    /// one, whose page would be recorded.
    async fn has_link_of(&mut self, fields: &Fields) -> Result<bool, Problem> {
        if fields.kind != Change::Undo {
            return Ok(true);
        }
        let filter = pb::LinkFilter { link_id: fields.link.clone(), ..pb::LinkFilter::default() };
        let request =
            pb::ListLinksRequest { filter: Some(filter), ..pb::ListLinksRequest::default() };
        let links = match self.calls.list_links(request).await {
            Ok(response) => response.into_inner().links,
            Err(status) if status.code() == Code::InvalidArgument => return Err(Problem::Form),
            Err(status) => return Err(status.into()),
        };
        // The user that it was made into may be part of another one now.
        let Some(link) = links.into_iter().next() else { return Ok(false) };
        match self.calls.get_user(pb::GetUserRequest { user_id: link.primary_user_id }).await {
            Ok(holder) => Ok(holder.into_inner().user.is_some_and(|user| user.id == self.user)),
            Err(status) if status.code() == Code::NotFound => Ok(false),
            Err(status) => Err(status.into()),
        }
    }

    /// Records that the person sees the users that a change brings back.
    async fn record_others(&self, outcome: &Outcome, fields: &Fields) -> Result<(), Problem> {
        let others = outcome.users.iter().map(|user| &*user.id).filter(|id| *id != self.user);
        self.record(others, Some(&fields.reason)).await
    }

    /// Lets the person choose among several users.
    async fn choose(&self, hits: impl Iterator<Item = Hit>) -> Result<Shown, Problem> {
        let t = self.staff.texts;
        let choices: Vec<Choice> = hits
            .map(|Hit { user, why }| Choice {
                why: format!("{} {}", t.found_because, t.why(why)),
                accounts: user.identities.iter().map(|it| find::account(t, it, false)).collect(),
                id: user.id,
            })
            .collect();
        self.record(choices.iter().map(|choice| &*choice.id), None).await?;
        Ok(Shown { choices, problem: t.change.choose.to_owned(), ..Shown::default() })
    }

    /// Records that the person sees these users, before the person does.
    async fn record(
        &self,
        users: impl Iterator<Item = &str>,
        reason: Option<&str>,
    ) -> Result<(), Problem> {
        let users: Vec<UserId> = users.filter_map(UserId::parse).collect();
        if users.is_empty() {
            return Ok(());
        }
        let seen = ("change", users.as_slice());
        self.app.record(self.staff, self.tenant, seen, reason).await.map(drop)
    }
}

impl Shown {
    fn refused(text: &str) -> Self {
        Self { problem: text.to_owned(), ..Self::default() }
    }
}

impl From<Refusal> for Shown {
    fn from(Refusal { text, detail, .. }: Refusal) -> Self {
        Self { problem: text.to_owned(), detail, ..Self::default() }
    }
}

impl Refusal {
    /// What a refusal of a call says to a person.
    ///
    /// # Errors
    /// The page of a call that did not get as far as to be judged.
    fn of(t: &'static Texts, status: &Status) -> Result<Self, Problem> {
        let name = status.get_details_error_info().map(|info| format!("REASON_{}", info.reason));
        let reason = name.and_then(|name| Reason::from_str_name(&name));
        let text = reason.and_then(|reason| t.change.refusal(reason));
        match (text, status.code()) {
            (Some(text), _) => Ok(Self {
                text,
                detail: match reason {
                    Some(Reason::LinkNotUndoable) => status.message().to_owned(),
                    _ => String::new(),
                },
                is_outdated: matches!(
                    reason,
                    Some(Reason::VersionMismatch | Reason::ConflictRetry | Reason::CommitUnknown)
                ),
            }),
            // The fields are those of a preview that was valid, unless the form was changed on the way.
            (None, Code::InvalidArgument) => Err(Problem::Form),
            (None, _) => Err(status.clone().into()),
        }
    }
}
