//! *Find*: one field for all that names a user.

use std::collections::BTreeSet;

use askama::Template;
use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use tonic::{Code, Status};

use super::{Chrome, Form, Problem, page, user::path_of};
use crate::{
    console::{App, calls::Calls, masked, sessions::Staff, texts::Texts},
    domain::{StaffRole, TenantId, UserId},
    grpc::proto as pb,
    store::Look,
};

/// The longest text that is looked for, in bytes.
const MAX_QUERY: usize = 512;
/// The most users that one email finds.
const MAX_HITS: i32 = 50;

/// What is looked for.
#[derive(Deserialize)]
pub(in crate::console) struct Query {
    form_token: String,
    tenant: String,
    query: String,
}

/// Why a user was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::console) enum Why {
    /// By its id.
    Id,
    /// By an id that it had before, or that a user had which it holds now.
    FormerId,
    /// By an account.
    Account,
    /// By a phone number.
    Phone,
    /// By a link of it.
    Link,
    /// By an email that counts as verified.
    Email,
    /// By an email that does not.
    UnverifiedEmail,
}

/// A user that was found.
pub(super) struct Hit {
    pub user: pb::User,
    pub why: Why,
}

/// A user that was found, as the page shows it.
struct Shown {
    path: String,
    id: String,
    why: &'static str,
    accounts: Vec<String>,
}

#[derive(Template)]
#[template(path = "console/find.html")]
struct FindPage<'a> {
    chrome: Chrome<'a>,
    tenants: Tenants<'a>,
    query: &'a str,
    /// `None` before anything was looked for.
    hits: Option<Vec<Shown>>,
    /// What is wrong with the query; empty if nothing is.
    problem: &'static str,
    /// Whether further users have the email.
    has_more: bool,
}

/// The tenants of the console.
pub(super) type Tenants<'a> = Vec<Choice<'a>>;

/// A tenant that can be chosen.
pub(super) struct Choice<'a> {
    pub name: &'a str,
    pub is_chosen: bool,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub hits: Vec<Hit>,
    has_more: bool,
}

/// The page with the empty field.
pub(in crate::console) async fn form(State(app): State<App>, staff: Staff) -> Response {
    app.find_page(&staff, ("", ""), None, "")
}

/// Looks for users.
pub(in crate::console) async fn find(
    State(app): State<App>,
    staff: Staff,
    Form(Query { form_token, tenant, query }): Form<Query>,
) -> Response {
    let t = staff.texts;
    if !staff.sent(&form_token) {
        return Problem::Form.page(t);
    }
    let asked = (tenant.as_str(), query.trim());
    if asked.1.is_empty() || asked.1.len() > MAX_QUERY {
        return app.find_page(&staff, asked, None, t.query_wrong);
    }
    let Some(calls) = app.calls(&tenant, &staff) else { return Problem::NotHere.page(t) };
    let found = match look_for(calls, asked.1).await {
        Ok(found) => found,
        Err(problem) => return problem.page(t),
    };
    match app.record_hits(&staff, &tenant, &found.hits).await {
        Ok(()) => app.find_page(&staff, asked, Some(found), ""),
        Err(problem) => problem.page(t),
    }
}

impl App {
    fn find_page(
        &self,
        staff: &Staff,
        (tenant, query): (&str, &str),
        found: Option<Found>,
        problem: &'static str,
    ) -> Response {
        let t = staff.texts;
        let tenants = self.tenants(tenant);
        let has_more = found.as_ref().is_some_and(|found| found.has_more);
        let is_masked = staff.member.role == StaffRole::Viewer;
        let shown = |Hit { user, why }: Hit| Shown {
            path: path_of(tenant, &user.id),
            why: t.why(why),
            accounts: user.identities.iter().map(|it| account(t, it, is_masked)).collect(),
            id: user.id,
        };
        let hits = found.map(|found| found.hits.into_iter().map(shown).collect());
        let chrome = Chrome::of(t, Some(staff));
        page(&FindPage { chrome, tenants, query, hits, problem, has_more }).into_response()
    }

    /// The tenants to choose from.
    pub(super) fn tenants(&self, chosen: &str) -> Tenants<'_> {
        let names = self.settings.tenants.iter().map(TenantId::as_str);
        names.map(|name| Choice { name, is_chosen: name == chosen }).collect()
    }

    /// Records that a person sees these users, before the person does.
    async fn record_hits(&self, staff: &Staff, tenant: &str, hits: &[Hit]) -> Result<(), Problem> {
        let users: BTreeSet<UserId> =
            hits.iter().filter_map(|hit| UserId::parse(&hit.user.id)).collect();
        let users: Vec<UserId> = users.into_iter().collect();
        self.record(staff, tenant, ("find", &users), None).await.map(drop)
    }

    /// Records that a person looks at users, and returns whether the person has said why.
    pub(super) async fn record(
        &self,
        staff: &Staff,
        tenant: &str,
        (page, users): (&'static str, &[UserId]),
        reason: Option<&str>,
    ) -> Result<bool, Problem> {
        let (session, kept) = (&staff.session, self.settings.keep_looks);
        let look = Look { session, by: &staff.member, page, users, reason, kept };
        let tenant = self.settings.tenants.iter().find(|known| known.as_str() == tenant);
        let tenant = tenant.ok_or(Problem::NotHere)?;
        Ok(self.use_cases.store().session(tenant).await?.record_looks(&look).await?)
    }
}

/// Everything that this text may name: an id, an account, an email, a phone number, a link.
pub(super) async fn look_for(mut calls: Calls, query: &str) -> Result<Found, Problem> {
    let mut found = Found::default();
    let user = calls.get_user(pb::GetUserRequest { user_id: query.to_owned() }).await;
    if let Some(user) = if_found(user)?.and_then(|found| found.user) {
        let why = if user.id == query { Why::Id } else { Why::FormerId };
        found.hits.push(Hit { user, why });
    }
    if let Some((provider, subject)) = query.split_once('|') {
        found.add_account(&mut calls, (provider, subject), Why::Account).await?;
    }
    if uuid::Uuid::parse_str(query).is_ok() {
        found.add_link(&mut calls, query).await?;
    }
    if query.contains('@') && !query.contains('|') {
        found.add_email(&mut calls, query).await?;
    }
    if let Some(phone) = phone(query) {
        for provider in masked::PHONE_PROVIDERS {
            found.add_account(&mut calls, (provider, &phone), Why::Phone).await?;
        }
    }
    found.hits.sort_by(|a, b| (a.why, &a.user.id).cmp(&(b.why, &b.user.id)));
    // A user has the id of its account in some tenants: one line is enough.
    let mut seen = BTreeSet::new();
    found.hits.retain(|hit| seen.insert(hit.user.id.clone()));
    Ok(found)
}

impl Found {
    async fn add_account(
        &mut self,
        calls: &mut Calls,
        (provider, subject): (&str, &str),
        why: Why,
    ) -> Result<(), Problem> {
        let identity =
            pb::IdentityRef { provider: provider.to_owned(), subject: subject.to_owned() };
        let request = pb::FindByIdentityRequest { identity: Some(identity) };
        let user = if_found(calls.find_by_identity(request).await)?.and_then(|found| found.user);
        self.hits.extend(user.map(|user| Hit { user, why }));
        Ok(())
    }

    async fn add_link(&mut self, calls: &mut Calls, id: &str) -> Result<(), Problem> {
        let filter = pb::LinkFilter { link_id: id.to_owned(), ..pb::LinkFilter::default() };
        let request =
            pb::ListLinksRequest { filter: Some(filter), ..pb::ListLinksRequest::default() };
        let links = if_found(calls.list_links(request).await)?.map(|found| found.links);
        for link in links.unwrap_or_default() {
            let request = pb::GetUserRequest { user_id: link.primary_user_id };
            let user = if_found(calls.get_user(request).await)?.and_then(|found| found.user);
            self.hits.extend(user.map(|user| Hit { user, why: Why::Link }));
        }
        Ok(())
    }

    async fn add_email(&mut self, calls: &mut Calls, email: &str) -> Result<(), Problem> {
        let request = pb::FindByEmailRequest {
            email: email.to_owned(),
            include_unverified: true,
            page_size: MAX_HITS,
            page_token: String::new(),
        };
        let Some(page) = if_found(calls.find_by_email(request).await)? else { return Ok(()) };
        self.has_more = !page.next_page_token.is_empty();
        self.hits.extend(page.matches.into_iter().filter_map(|found| {
            let why = if found.verified { Why::Email } else { Why::UnverifiedEmail };
            Some(Hit { user: found.user?, why })
        }));
        Ok(())
    }
}

/// The response; `None` if there is nothing of that name, or the text can be no such name.
fn if_found<T>(response: Result<tonic::Response<T>, Status>) -> Result<Option<T>, Problem> {
    match response {
        Ok(response) => Ok(Some(response.into_inner())),
        Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => Ok(None),
        Err(status) => Err(status.into()),
    }
}

/// A phone number in the form of E.164, as accounts have it; `None` if the text is none.
fn phone(text: &str) -> Option<String> {
    let is_phone = text.starts_with('+')
        && text.chars().skip(1).all(|c| c.is_ascii_digit() || " -()/.".contains(c));
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (is_phone && digits.len() >= 5).then(|| format!("+{digits}"))
}

/// An account in a line.
pub(super) fn account(t: &Texts, identity: &pb::Identity, is_masked: bool) -> String {
    let pb::IdentityRef { provider, subject } = identity.identity_ref.clone().unwrap_or_default();
    let subject = if is_masked { masked::subject(&provider, &subject) } else { subject };
    if identity.email.is_empty() {
        return format!("{provider}: {subject}");
    }
    let email = if is_masked { masked::email(&identity.email) } else { identity.email.clone() };
    let verified = if identity.email_verified { t.verified } else { t.not_verified };
    format!("{provider}: {subject} ({email}, {verified})")
}

#[cfg(test)]
mod tests {
    use super::phone;

    #[test]
    fn a_phone_number_is_recognised_however_it_is_written() {
        assert_eq!(phone("+49 (171) 123-45").as_deref(), Some("+4917112345"));
        for bad in ["0171 12345", "+49", "+49 171 ext 5", "ann@example.com"] {
            assert_eq!(phone(bad), None, "{bad}");
        }
    }
}
