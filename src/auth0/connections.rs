//! `/connections`: what the configuration of the tenant declares, in the shape in which Auth0's clients
//! look a connection up before they import users into it. No user and no secret is in it.

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{AppState, error::ApiError, gate::AdmittedCall, json, params::Params};
use crate::{
    calls::page::{INVALID_TOKEN, PageTokens},
    config::TenantConnection,
};

/// The largest page, in connections.
const MAX_PAGE: usize = 100;
/// The page size in connections if the request has none.
const DEFAULT_PAGE: usize = 50;
/// The largest accepted page number.
const MAX_NUMBER: usize = 999_999_999;
/// The most strategies of a request.
const MAX_STRATEGIES: usize = 100;

/// Filters and paging of the connections. A name without `=` counts as absent.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "it describes what Params reads")]
pub(super) struct ConnectionParams {
    /// Only the connection of this name.
    name: Option<String>,
    /// Only connections of these strategies. `strategy[]` and `strategy[0]` mean the same.
    strategy: Option<Vec<String>>,
    /// The page number, from 0.
    #[param(minimum = 0)]
    page: Option<u32>,
    /// The number of connections on a page.
    #[param(minimum = 0, maximum = 100, default = 50)]
    per_page: Option<u32>,
    /// Whether the response contains the number of connections.
    include_totals: Option<bool>,
    /// Where to continue: the `next` of the previous response.
    from: Option<String>,
    /// The number of connections in the response.
    #[param(minimum = 1, maximum = 100, default = 50)]
    take: Option<u32>,
    /// Names of fields, separated by commas.
    fields: Option<String>,
    /// Whether the response has only these fields, the default, or all others.
    include_fields: Option<bool>,
}

/// A connection, of which a request may select some fields.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub(super) struct ConnectionBody<'a> {
    /// The name: it is the `connection_id` of jobs.
    #[schema(required = false)]
    id: &'a str,
    /// The name.
    #[schema(required = false)]
    name: &'a str,
    /// The provider of the accounts.
    #[schema(required = false)]
    strategy: &'a str,
    /// Always empty: the settings are in the configuration.
    #[schema(required = false)]
    options: Map<String, Value>,
    /// The names under which Auth0 would know it: its own.
    #[schema(required = false)]
    realms: [&'a str; 1],
    /// Always false.
    #[schema(required = false)]
    is_domain_connection: bool,
    /// The caller alone: each service of the tenant may use each connection.
    #[schema(required = false)]
    enabled_clients: [&'a str; 1],
}

/// A page of connections.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ConnectionList)]
#[expect(dead_code, reason = "for the description: the fields of a connection are selected")]
pub(super) enum ConnectionsBody<'a> {
    /// The connections alone.
    Plain(Vec<ConnectionBody<'a>>),
    /// A page by number, with the number of connections.
    Counted(CountedBody<ConnectionBody<'a>>),
    /// Connections, with the position where the next request continues.
    Taken(TakenBody<ConnectionBody<'a>>),
}

/// A page by number.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CountedBody<T> {
    /// The number of connections before this page.
    start: usize,
    /// The largest number of connections on a page.
    limit: usize,
    /// The number of connections on this page.
    length: usize,
    /// The number of all connections that the request selects.
    total: usize,
    /// The connections.
    connections: Vec<T>,
}

/// Some connections.
#[derive(Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TakenBody<T> {
    /// The connections.
    connections: Vec<T>,
    /// The `from` of the next request; absent at the end of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next: Option<String>,
}

/// Lists the connections of the enabled providers, in the order of their names.
#[utoipa::path(
    get,
    path = "/connections",
    operation_id = "get_connections",
    params(ConnectionParams),
    responses((status = 200, description = "The connections.", body = ConnectionsBody)),
    extensions(("x-rpc" = json!("ListConnections"))),
)]
pub(super) async fn list(
    State(AppState { use_cases, .. }): State<AppState>,
    AdmittedCall { permit, route, .. }: AdmittedCall,
    mut params: Params,
) -> Result<Response, ApiError> {
    let refused = |error| ApiError::from_error(route, error);
    let name = params.text("name");
    let strategies = params.texts("strategy", MAX_STRATEGIES);
    let (names, is_included) = (params.text("fields").unwrap_or_default(), params.included());
    let by_number = ["page", "per_page", "include_totals"].iter().any(|name| params.has(name));
    let (from, take) = (params.text("from"), params.number("take", 1..=MAX_PAGE));
    let page = params.number("page", 0..=MAX_NUMBER).unwrap_or_default();
    let limit = params.number("per_page", 0..=MAX_PAGE).unwrap_or(DEFAULT_PAGE);
    let is_counted = params.boolean("include_totals").unwrap_or_default();
    let is_taken = from.is_some() || take.is_some();
    if is_taken && by_number {
        params.report("from, take", "cannot be combined with page, per_page and include_totals");
    }
    params.into_result()?;

    let (_, client) = permit.caller().issuer_and_subject();
    let tenant = use_cases.tenant(&permit).map_err(refused)?;
    let is_asked_for = |connection: &TenantConnection<'_>| {
        name.as_ref().is_none_or(|name| name == connection.name)
            && (strategies.is_empty()
                || strategies.iter().any(|strategy| strategy == connection.provider.as_str()))
    };
    let all: Vec<TenantConnection<'_>> =
        tenant.connections().into_iter().filter(is_asked_for).collect();
    let shown = |connections: &[TenantConnection<'_>]| {
        let bodies = connections.iter().map(|connection| body(connection, client));
        bodies.map(|body| selected(&body, &names, is_included)).collect::<Result<Vec<_>, _>>()
    };
    if !is_taken {
        let start = page.saturating_mul(limit).min(all.len());
        let connections = shown(all.get(start..all.len().min(start + limit)).unwrap_or_default())?;
        if !is_counted {
            return json(StatusCode::OK, &connections);
        }
        let (length, total) = (connections.len(), all.len());
        let start = page.saturating_mul(limit);
        return json(StatusCode::OK, &CountedBody { start, limit, length, total, connections });
    }
    let key = use_cases.store().key(permit.tenant()).map_err(|error| refused(error.into()))?;
    let mut query = vec![name.as_deref().unwrap_or_default()];
    query.extend(strategies.iter().map(String::as_str));
    let pages = PageTokens::for_query(key, "GET /connections", &query);
    let after = pages.open(&from.unwrap_or_default());
    let after = after.ok_or_else(|| ApiError::query(&format!("from: {INVALID_TOKEN}")))?;
    let start = all.partition_point(|connection| connection.name <= after.as_str());
    let rest = all.get(start..).unwrap_or_default();
    let taken = rest.get(..take.unwrap_or(DEFAULT_PAGE)).unwrap_or(rest);
    let last = taken.last().filter(|_| taken.len() < rest.len());
    let next = last.map(|last| pages.token_after(last.name));
    json(StatusCode::OK, &TakenBody { connections: shown(taken)?, next })
}

fn body<'a>(connection: &TenantConnection<'a>, client: &'a str) -> ConnectionBody<'a> {
    let name = connection.name;
    ConnectionBody {
        id: name,
        name,
        strategy: connection.provider.as_str(),
        options: Map::new(),
        realms: [name],
        is_domain_connection: false,
        enabled_clients: [client],
    }
}

/// The fields with these names, separated by commas, or all others; all without any name.
fn selected(
    body: &ConnectionBody<'_>,
    names: &str,
    is_included: bool,
) -> Result<Map<String, Value>, ApiError> {
    let names: Vec<&str> =
        names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let Ok(Value::Object(mut some)) = serde_json::to_value(body) else {
        return Err(ApiError::log_fault("a connection is not an object"));
    };
    if !names.is_empty() {
        some.retain(|name, _| names.contains(&name.as_str()) == is_included);
    }
    Ok(some)
}
