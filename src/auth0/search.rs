//! `/users` and `/users-by-email`: looking for users.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use data_encoding::HEXLOWER;
use http::StatusCode;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use utoipa::ToSchema;

use super::{
    Surface,
    gate::Admission,
    json,
    looks::Looks,
    messages::Refused,
    params::Params,
    query,
    shapes::{Fields, Selected},
};
use crate::{
    calls::page::{Pages, WRONG_TOKEN},
    domain::{Email, IdentityRef, User},
    secret::sha256,
    store::{StoreError, UserSearch},
};

/// How many users can be reached by the number of a page.
const REACHABLE: usize = 1000;
/// The largest page, in users, and the most users that one email finds.
const MAX_PAGE: usize = 100;
/// The page of whoever does not say.
const DEFAULT_PAGE: usize = 50;
/// How long a search that looks at everybody waits for others: as long as for a connection to the database.
const SCAN_WAIT: Duration = Duration::from_secs(2);
/// How many wait for each of them.
const WAITING_PER_SCAN: usize = 4;
/// The largest number of a page that is read as one. Nothing is on those from the thousandth.
const MAX_NUMBER: usize = 999_999_999;

/// Which users are listed, and how.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct ListParams {
    /// Terms joined by `AND`, each excluded by a leading `-`: `email:"…"`, `email_verified:true`, `user_id:"…"`,
    /// `identities.provider:"…"`, `identities.user_id:"…"`.
    q: Option<String>,
    /// Of the language of `q`, which is this one.
    #[param(pattern = "^v3$")]
    search_engine: Option<String>,
    /// The page, from 0. Only the first 1,000 users can be reached so.
    #[param(minimum = 0)]
    page: Option<u32>,
    /// How many users a page has.
    #[param(minimum = 0, maximum = 100, default = 50)]
    per_page: Option<u32>,
    /// Whether to tell how many there are: at most 1,000 are counted.
    include_totals: Option<bool>,
    /// Where to go on: the `next` of the answer before.
    from: Option<String>,
    /// How many users to take: all can be reached so, one answer after the other.
    #[param(minimum = 1, maximum = 100, default = 50)]
    take: Option<u32>,
    /// Names of fields, separated by commas.
    fields: Option<String>,
    /// Whether these are the fields that are wanted, or those that are not.
    include_fields: Option<bool>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UserList)]
pub(super) enum ListBody<'a> {
    /// The users alone.
    Plain(Vec<Selected<'a>>),
    /// With how many there are.
    Counted {
        /// The number of users before this page.
        start: usize,
        /// How many users a page has.
        limit: usize,
        /// How many this one has.
        length: usize,
        /// How many there are; 1,000 also if there are more.
        total: usize,
        /// The users.
        users: Vec<Selected<'a>>,
    },
    /// With where to go on.
    Taken(TakenBody<'a>),
}

/// Some users, and where to go on.
#[derive(Serialize, ToSchema)]
// Else a page with how many there are would be one of these, too.
#[serde(deny_unknown_fields)]
#[schema(as = UsersTaken)]
pub(super) struct TakenBody<'a> {
    /// The users.
    users: Vec<Selected<'a>>,
    /// The `from` of what comes next, unless this is the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// Which part of the list is wanted.
enum Part {
    Page { start: usize, limit: usize, is_counted: bool },
    Take { from: String, take: usize },
}

/// Lists users, in the order of their ids.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "get_users",
    params(ListParams),
    responses((status = 200, description = "The users.", body = ListBody)),
    extensions(("x-rpc" = json!("ListUsers"))),
)]
pub(super) async fn list(
    State(Surface { linking, scans, looks }): State<Surface>,
    Admission { permit, rule }: Admission,
    mut params: Params,
) -> Result<Response, Refused> {
    let q = params.text("q");
    let search = match q.as_deref().map(query::parse) {
        Some(Ok(search)) => search,
        Some(Err(wrong)) => {
            params.note(wrong);
            UserSearch::default()
        }
        None => UserSearch::default(),
    };
    if params.text("search_engine").is_some_and(|engine| engine != "v3") {
        params.wrong("search_engine", "must be v3");
    }
    let fields = params.fields();
    let part = part(&mut params);
    params.finish()?;
    let part = part?;

    let refused = |error: StoreError| Refused::of(rule, error.into());
    let key = linking.store().key(permit.tenant()).map_err(refused)?;
    let asked = HEXLOWER.encode(&sha256(q.unwrap_or_default().as_bytes()));
    let pages = Pages::of(key, "GET /users", &[&asked]);
    let _scan = scans.place_for(&search).await?;
    // An id is looked for as it is read: it means nobody when its account has left.
    let account = search.user_id.as_ref().and_then(|id| IdentityRef::parse_joined(id.as_str()));
    let is_meant = |user: &User| account.as_ref().is_none_or(|account| user.identity(account).is_some());
    let mut session = linking.store().session(permit.tenant()).await.map_err(refused)?;
    match part {
        Part::Page { start, limit, is_counted } => {
            // What lies behind the last page that can be reached is not shown on it either.
            let shown = limit.min(REACHABLE - start);
            let mut users = session.search_users(&search, "", start, shown).await.map_err(refused)?;
            users.retain(is_meant);
            let total = match (is_counted, &account) {
                (false, _) => None,
                (true, None) => Some(session.count_users(&search, REACHABLE).await.map_err(refused)?),
                // One at most has the id.
                (true, Some(_)) => {
                    let found = session.search_users(&search, "", 0, 1).await.map_err(refused)?;
                    Some(found.iter().filter(|user| is_meant(user)).count())
                }
            };
            let users = selected(&users, &fields, &looks)?;
            json(
                StatusCode::OK,
                &match total {
                    Some(total) => ListBody::Counted { start, limit, length: users.len(), total, users },
                    None => ListBody::Plain(users),
                },
            )
        }
        Part::Take { from, take } => {
            let after = pages.open(&from).ok_or_else(|| Refused::query(&format!("from {WRONG_TOKEN}")))?;
            let mut found = session.search_users(&search, &after, 0, take + 1).await.map_err(refused)?;
            found.retain(is_meant);
            let users = found.get(..take).unwrap_or(&found);
            let last = users.last().filter(|_| users.len() < found.len());
            let next = last.map(|last| pages.token_after(last.id.as_str()));
            json(StatusCode::OK, &ListBody::Taken(TakenBody { users: selected(users, &fields, &looks)?, next }))
        }
    }
}

/// Which users have an email.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct EmailParams {
    /// The email of the users' first identities, whichever its case.
    email: String,
    /// Names of fields, separated by commas.
    fields: Option<String>,
    /// Whether these are the fields that are wanted, or those that are not.
    include_fields: Option<bool>,
}

/// Finds the users whose first identity has an email, at most 100: first those with whom it is verified.
#[utoipa::path(
    get,
    path = "/users-by-email",
    operation_id = "get_users_by_email",
    params(EmailParams),
    responses((status = 200, description = "The users.", body = [Selected])),
    extensions(("x-rpc" = json!("FindByEmail"))),
)]
pub(super) async fn by_email(
    State(Surface { linking, looks, .. }): State<Surface>,
    Admission { permit, rule }: Admission,
    mut params: Params,
) -> Result<Response, Refused> {
    let email = match params.text("email").as_deref().map(Email::parse) {
        Some(Ok(email)) => Some(email),
        Some(Err(error)) => {
            params.note(format!("email: {error}"));
            None
        }
        None => {
            params.wrong("email", "is required");
            None
        }
    };
    let fields = params.fields();
    params.finish()?;
    let Some(email) = email else { return Err(Refused::query("email is required")) };

    let refused = |error: StoreError| Refused::of(rule, error.into());
    let mut session = linking.store().session(permit.tenant()).await.map_err(refused)?;
    let users = session.users_by_root_email(email.canonical(), MAX_PAGE).await.map_err(refused)?;
    json(StatusCode::OK, &selected(&users, &fields, &looks)?)
}

/// The places of searches that look at everybody: they take long, and connections from everybody else.
#[derive(Clone)]
pub(super) struct Scans {
    places: Arc<Semaphore>,
    /// Who waits is a call that is carried out, too: few may, or they would keep out everybody.
    waiting: Arc<Semaphore>,
}

impl Scans {
    /// So many of them at once.
    pub(super) fn new(max: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(max)), waiting: Arc::new(Semaphore::new(max * WAITING_PER_SCAN)) }
    }

    /// A place, if the search needs one; it is waited for, but not for long.
    async fn place_for(&self, search: &UserSearch) -> Result<Option<OwnedSemaphorePermit>, Refused> {
        if search.has_key() || *search == UserSearch::default() {
            return Ok(None);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| Refused::busy())?;
        match timeout(SCAN_WAIT, Arc::clone(&self.places).acquire_owned()).await {
            Ok(Ok(place)) => Ok(Some(place)),
            _ => Err(Refused::busy()),
        }
    }
}

/// Pages by number, unless where to go on is said.
fn part(params: &mut Params) -> Result<Part, Refused> {
    let by_number = ["page", "per_page", "include_totals"].iter().any(|name| params.has(name));
    let from = params.text("from");
    let take = params.number("take", 1..=MAX_PAGE);
    let page = params.number("page", 0..=MAX_NUMBER).unwrap_or_default();
    let limit = params.number("per_page", 0..=MAX_PAGE).unwrap_or(DEFAULT_PAGE);
    let is_counted = params.boolean("include_totals").unwrap_or_default();
    if from.is_some() || take.is_some() {
        if by_number {
            params.wrong("from, take", "stand without page, per_page and include_totals");
        }
        return Ok(Part::Take { from: from.unwrap_or_default(), take: take.unwrap_or(DEFAULT_PAGE) });
    }
    let start = page.saturating_mul(limit);
    if start >= REACHABLE { Err(Refused::paging(REACHABLE)) } else { Ok(Part::Page { start, limit, is_counted }) }
}

fn selected<'a>(users: &'a [User], fields: &Fields, looks: &Looks) -> Result<Vec<Selected<'a>>, Refused> {
    users.iter().map(|user| fields.of(user, looks)).collect()
}
