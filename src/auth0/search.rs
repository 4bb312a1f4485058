//! `/users` and `/users-by-email`: searches for users.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, response::Response};
use chrono::DateTime;
use data_encoding::HEXLOWER;
use http::StatusCode;
use serde::Serialize;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use utoipa::ToSchema;

use super::{
    AppState,
    error::ApiError,
    gate::AdmittedCall,
    json,
    looks::Looks,
    params::Params,
    query,
    shapes::{Fields, Selected},
};
use crate::{
    calls::page::{INVALID_TOKEN, PageTokens},
    domain::{Email, User},
    secret::sha256,
    store::{After, Order, OrderBy, Page, StoreError, UserSearch},
};

/// The number of users that page numbers can reach.
const REACHABLE: usize = 1000;
/// The largest page, in users, and the most users that one email finds.
const MAX_PAGE: usize = 100;
/// The page size in users if the request has none.
const DEFAULT_PAGE: usize = 50;
/// How long a search over all users waits for others: as long as for a connection to the database.
const SCAN_WAIT: Duration = Duration::from_secs(2);
/// The number of searches that may wait for each running one.
const WAITING_PER_SCAN: usize = 4;
/// The largest accepted page number. No page from the thousandth on has users.
const MAX_NUMBER: usize = 999_999_999;

/// Filters, order and paging of a list of users. A name without `=` counts as absent.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct ListParams {
    /// Terms joined by `AND`. A leading `-` excludes a term. The terms are `user_id:"…"`,
    /// `email:"…"`, `email:jan*` (three characters or more), `email.raw:"…"` (case-sensitive),
    /// `email_verified:true`, `identities.provider:"…"`, `identities.user_id:"…"`,
    /// `identities.connection:"…"`. `OR` can join the first four, in parentheses if `q` has other
    /// terms too. `-user_id:"…"` also excludes the user that holds that id now.
    q: Option<String>,
    /// The connection of one of a user's identities.
    connection: Option<String>,
    /// Whether `user_id:"…"` in `q` also finds the user that holds that id now: its user was linked
    /// into that one, or the id names one of its accounts. The `user_id` in the response says which
    /// user it is.
    #[param(default = false)]
    resolve: Option<bool>,
    /// The version of the search engine. All versions have the same effect.
    #[param(pattern = "^v[123]$")]
    search_engine: Option<String>,
    /// The order: by `user_id` or `created_at`, `1` ascending or `-1` descending. No other field
    /// has an index.
    #[param(pattern = "^(user_id|created_at):(1|-1)$", default = "user_id:1")]
    sort: Option<String>,
    /// Whether the order is the same in each response. It always is.
    primary_order: Option<bool>,
    /// The page number, from 0. Page numbers reach only the first 1,000 users.
    #[param(minimum = 0)]
    page: Option<u32>,
    /// The number of users on a page.
    #[param(minimum = 0, maximum = 100, default = 50)]
    per_page: Option<u32>,
    /// Whether the response contains the number of users, counted up to 1,000.
    include_totals: Option<bool>,
    /// Where to continue: the `next` of the previous response.
    from: Option<String>,
    /// The number of users in the response. With `from`, this way reaches all users.
    #[param(minimum = 1, maximum = 100, default = 50)]
    take: Option<u32>,
    /// Names of fields, separated by commas.
    fields: Option<String>,
    /// Whether the response has only these fields, the default, or all others.
    include_fields: Option<bool>,
}

/// A page of users.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = UserList)]
pub(super) enum ListBody<'a> {
    /// The users alone.
    Plain(Vec<Selected<'a>>),
    /// A page by number, with the number of users.
    Counted {
        /// The number of users before this page.
        start: usize,
        /// The largest number of users on a page.
        limit: usize,
        /// The number of users on this page.
        length: usize,
        /// The number of all users that the search finds, counted up to 1,000.
        total: usize,
        /// The users.
        users: Vec<Selected<'a>>,
    },
    /// Users, with the position where the next request continues.
    Taken(TakenBody<'a>),
}

/// Some users, and the position where the next request continues.
#[derive(Serialize, ToSchema)]
// Without it, a counted page would fit this schema, too.
#[serde(deny_unknown_fields)]
#[schema(as = UsersTaken)]
pub(super) struct TakenBody<'a> {
    /// The users.
    users: Vec<Selected<'a>>,
    /// The `from` of the next request; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// The part of the list that the request selects.
enum PageRequest {
    Page { start: usize, limit: usize, is_counted: bool },
    Take { from: String, take: usize },
}

/// Lists users.
#[utoipa::path(
    get,
    path = "/users",
    operation_id = "get_users",
    params(ListParams),
    responses((status = 200, description = "The users.", body = ListBody)),
    extensions(("x-rpc" = json!("ListUsers"))),
)]
pub(super) async fn list(
    State(AppState { use_cases, scans, looks, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (search, query_hash) = search(&mut params);
    let order = order(&mut params);
    let fields = params.fields();
    let page_request = page_request(&mut params);
    params.into_result()?;
    let page_request = page_request?;

    let refused = |error: StoreError| ApiError::from_error(route, error.into());
    let key = use_cases.store().key(permit.tenant()).map_err(refused)?;
    let [q, connection] = query_hash.each_ref().map(String::as_str);
    let resolves = if search.resolves { "resolve" } else { "" };
    let pages =
        PageTokens::for_query(key, "GET /users", &[q, connection, resolves, order_text(order)]);
    let _scan = scans.slot_for(&search).await?;
    let mut session = use_cases.store().session(permit.tenant()).await.map_err(refused)?;
    match page_request {
        PageRequest::Page { start, limit, is_counted } => {
            // The last page ends at the last reachable user, too.
            let page =
                Page { order, after: None, offset: start, limit: limit.min(REACHABLE - start) };
            let users = session.search_users(&search, &page).await.map_err(refused)?;
            let total = match is_counted {
                true => Some(session.count_users(&search, REACHABLE).await.map_err(refused)?),
                false => None,
            };
            let users = selected(&users, &fields, &looks)?;
            json(
                StatusCode::OK,
                &match total {
                    Some(total) => {
                        ListBody::Counted { start, limit, length: users.len(), total, users }
                    }
                    None => ListBody::Plain(users),
                },
            )
        }
        PageRequest::Take { from, take } => {
            let after = pages
                .open(&from)
                .ok_or_else(|| ApiError::query(&format!("from: {INVALID_TOKEN}")))?;
            let page = Page { order, after: after_of(&after), offset: 0, limit: take + 1 };
            let found = session.search_users(&search, &page).await.map_err(refused)?;
            let users = found.get(..take).unwrap_or(&found);
            let last = users.last().filter(|_| users.len() < found.len());
            let next = last.map(|last| pages.token_after(&text_of(last)));
            json(
                StatusCode::OK,
                &ListBody::Taken(TakenBody { users: selected(users, &fields, &looks)?, next }),
            )
        }
    }
}

/// The search that a query means, and the hashes of `q` and `connection`, which page tokens are
/// bound to.
fn search(params: &mut Params) -> (UserSearch, [String; 2]) {
    let q = params.text("q");
    let parsed = q.as_deref().map_or_else(|| Ok(UserSearch::default()), query::parse);
    let mut search = parsed.unwrap_or_else(|wrong| {
        params.report("q", wrong);
        UserSearch::default()
    });
    let connection =
        params.one_of("connection", "must be the name of a connection", query::connection);
    let hash = |text: Option<&str>| HEXLOWER.encode(&sha256(text.unwrap_or_default().as_bytes()));
    let query_hash = [hash(q.as_deref()), hash(connection.as_deref())];
    if connection.is_some() && search.connection.is_some() {
        params.report("connection", "cannot be combined with identities.connection in q");
    }
    search.connection = connection.or(search.connection);
    search.resolves = params.boolean("resolve").unwrap_or_default();
    // These two have no effect.
    params.search_engine();
    params.boolean("primary_order");
    (search, query_hash)
}

/// The orders that an index has, by Auth0's form of their names.
const ORDERS: [(&str, Order); 4] = [
    ("user_id:1", Order { by: OrderBy::Id, is_descending: false }),
    ("user_id:-1", Order { by: OrderBy::Id, is_descending: true }),
    ("created_at:1", Order { by: OrderBy::CreateTime, is_descending: false }),
    ("created_at:-1", Order { by: OrderBy::CreateTime, is_descending: true }),
];

fn order(params: &mut Params) -> Order {
    let must_be =
        "must be created_at:1, created_at:-1, user_id:1 or user_id:-1: these have an index";
    let order =
        params.one_of("sort", must_be, |text| ORDERS.into_iter().find(|(name, _)| *name == text));
    order.map_or_else(Order::default, |(_, order)| order)
}

fn order_text(order: Order) -> &'static str {
    ORDERS.into_iter().find(|(_, other)| *other == order).map_or("", |(name, _)| name)
}

/// A user's position in a list, as a page token contains it.
fn text_of(user: &User) -> String {
    format!("{} {}", user.create_time.timestamp_micros(), user.id)
}

/// Reads a position from such a text; `None` for the start of the list.
fn after_of(text: &str) -> Option<After> {
    let (micros, id) = text.split_once(' ')?;
    let create_time = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(After { create_time, id: id.to_owned() })
}

/// The query of a search by email.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct EmailParams {
    /// The email of the users' primary identities, in any case.
    email: String,
    /// Names of fields, separated by commas.
    fields: Option<String>,
    /// Whether the response has only these fields, the default, or all others.
    include_fields: Option<bool>,
}

/// Finds the users whose primary identity has an email, at most 100. Users with a verified email
/// come first.
#[utoipa::path(
    get,
    path = "/users-by-email",
    operation_id = "get_users_by_email",
    params(EmailParams),
    responses((status = 200, description = "The users.", body = [Selected])),
    extensions(("x-rpc" = json!("FindByEmail"))),
)]
pub(super) async fn by_email(
    State(AppState { use_cases, looks, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    mut params: Params,
) -> Result<Response, ApiError> {
    let email = match params.text("email").as_deref().map(Email::parse) {
        Some(Ok(email)) => Some(email),
        Some(Err(error)) => {
            params.report("email", error.to_string());
            None
        }
        None => {
            params.report("email", "is required");
            None
        }
    };
    let fields = params.fields();
    params.into_result()?;
    let Some(email) = email else { return Err(ApiError::query("email: is required")) };

    let refused = |error: StoreError| ApiError::from_error(route, error.into());
    let mut session = use_cases.store().session(permit.tenant()).await.map_err(refused)?;
    let users = session.users_by_root_email(email.canonical(), MAX_PAGE).await.map_err(refused)?;
    json(StatusCode::OK, &selected(&users, &fields, &looks)?)
}

/// The slots of searches over all users: such a search takes long, and takes a connection from
/// other calls.
#[derive(Clone)]
pub(super) struct Scans {
    slots: Arc<Semaphore>,
    /// A waiting search holds a slot for calls, too. Few may wait, or they would keep out all other
    /// calls.
    waiting: Arc<Semaphore>,
}

impl Scans {
    /// At most `max` such searches run at once.
    pub(super) fn new(max: usize) -> Self {
        Self {
            slots: Arc::new(Semaphore::new(max)),
            waiting: Arc::new(Semaphore::new(max * WAITING_PER_SCAN)),
        }
    }

    /// Takes a slot, if the search needs one, and waits for it at most [`SCAN_WAIT`].
    async fn slot_for(
        &self,
        search: &UserSearch,
    ) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        if search.has_key() || *search == UserSearch::default() {
            return Ok(None);
        }
        let _waiting = self.waiting.try_acquire().map_err(|_| ApiError::too_many_scans())?;
        match timeout(SCAN_WAIT, Arc::clone(&self.slots).acquire_owned()).await {
            Ok(Ok(slot)) => Ok(Some(slot)),
            _ => Err(ApiError::too_many_scans()),
        }
    }
}

/// The part that a query selects: by `from` and `take` if it has one of them, otherwise by page
/// number.
fn page_request(params: &mut Params) -> Result<PageRequest, ApiError> {
    let by_number = ["page", "per_page", "include_totals"].iter().any(|name| params.has(name));
    let from = params.text("from");
    let take = params.number("take", 1..=MAX_PAGE);
    let page = params.number("page", 0..=MAX_NUMBER).unwrap_or_default();
    let limit = params.number("per_page", 0..=MAX_PAGE).unwrap_or(DEFAULT_PAGE);
    let is_counted = params.boolean("include_totals").unwrap_or_default();
    if from.is_some() || take.is_some() {
        if by_number {
            params
                .report("from, take", "cannot be combined with page, per_page and include_totals");
        }
        return Ok(PageRequest::Take {
            from: from.unwrap_or_default(),
            take: take.unwrap_or(DEFAULT_PAGE),
        });
    }
    let start = page.saturating_mul(limit);
    if start >= REACHABLE {
        Err(ApiError::paging(REACHABLE))
    } else {
        Ok(PageRequest::Page { start, limit, is_counted })
    }
}

fn selected<'a>(
    users: &'a [User],
    fields: &Fields,
    looks: &Looks,
) -> Result<Vec<Selected<'a>>, ApiError> {
    users.iter().map(|user| fields.select(user, looks)).collect()
}
