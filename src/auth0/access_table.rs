//! The access table: each route with the access rule of the rpc that it stands on, or of the two. The
//! route's description names them.

use std::collections::HashMap;

use http::Method;
use utoipa::openapi::{
    OpenApi,
    path::{Operation, PathItem},
};

use crate::auth::AccessRule;

/// The extension in a route's description that names its rpc.
const RPC: &str = "x-rpc";
/// The extension that names a second one: a caller may call the route that may call either.
const OR_RPC: &str = "x-or-rpc";
/// The services that have the rpcs.
const SERVICES: [&str; 2] = ["IdentityService", "TransferService"];

/// The routes, by their methods and their path templates.
pub(super) type AccessTable = HashMap<(Method, String), Route>;

/// What decides about the callers of a route, and about the words of its refusals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    /// The rpc that it stands on.
    pub rpc: Rpc,
    /// The rule of that rpc.
    pub rule: &'static AccessRule,
    /// The other rpc of a route that stands on two, with its rule.
    pub or: Option<(Rpc, &'static AccessRule)>,
}

/// An rpc that a route stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rpc {
    ListUsers,
    FindByEmail,
    CreateUser,
    GetUser,
    UpdateUser,
    DeleteUser,
    Link,
    Unlink,
    ImportUsers,
    ExportUsers,
    ListConnections,
}

impl Rpc {
    fn named(name: &str) -> Option<Self> {
        match name {
            "ListUsers" => Some(Self::ListUsers),
            "FindByEmail" => Some(Self::FindByEmail),
            "CreateUser" => Some(Self::CreateUser),
            "GetUser" => Some(Self::GetUser),
            "UpdateUser" => Some(Self::UpdateUser),
            "DeleteUser" => Some(Self::DeleteUser),
            "Link" => Some(Self::Link),
            "Unlink" => Some(Self::Unlink),
            "ImportUsers" => Some(Self::ImportUsers),
            "ExportUsers" => Some(Self::ExportUsers),
            "ListConnections" => Some(Self::ListConnections),
            _ => None,
        }
    }
}

impl Route {
    /// A route on the rpc of this name; `None` if there is none.
    pub(super) fn on_rpc(name: &str) -> Option<Self> {
        let (rpc, rule) = rule_of(name)?;
        Some(Self { rpc, rule, or: None })
    }

    /// The same for two rpcs.
    fn on_either(name: &str, other: &str) -> Option<Self> {
        Some(Self { or: Some(rule_of(other)?), ..Self::on_rpc(name)? })
    }

    /// The rpcs on which it stands, with their rules.
    pub(super) fn rules(&self) -> impl Iterator<Item = (Rpc, &'static AccessRule)> {
        [(self.rpc, self.rule)].into_iter().chain(self.or)
    }

    /// The scopes of the services that may call it.
    pub(super) fn service_scopes(&self) -> impl Iterator<Item = &'static str> {
        self.rules().filter_map(|(_, rule)| rule.service_scope)
    }
}

/// The rpc of this name, with its rule.
fn rule_of(name: &str) -> Option<(Rpc, &'static AccessRule)> {
    let rule = |service| AccessRule::for_path(&format!("/identitylink.v1.{service}/{name}"));
    Some((Rpc::named(name)?, SERVICES.into_iter().find_map(rule)?))
}

/// Reads the table from the descriptions of the routes.
///
/// # Errors
/// A text that names the first route without such an rpc.
pub(super) fn access_table(api: &mut OpenApi) -> Result<AccessTable, String> {
    let mut table = AccessTable::new();
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let named = |extension: &str| operation.extensions.as_ref()?.get(extension)?.as_str();
            let route = named(RPC).and_then(|rpc| match named(OR_RPC) {
                None => Route::on_rpc(rpc),
                Some(other) => Route::on_either(rpc, other),
            });
            let route = route.ok_or_else(|| format!("{method} {path} has no rpc"))?;
            table.insert((method, path.clone()), route);
        }
    }
    Ok(table)
}

/// The operations of a path, by their methods.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
        (Method::HEAD, &mut item.head),
        (Method::OPTIONS, &mut item.options),
        (Method::TRACE, &mut item.trace),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

#[cfg(test)]
mod tests {
    use utoipa_axum::{router::OpenApiRouter, routes};

    use super::access_table;

    #[utoipa::path(get, path = "/bare")]
    async fn bare() {}

    #[utoipa::path(put, path = "/lost", extensions(("x-rpc" = json!("NoSuchRpc"))))]
    async fn lost() {}

    #[utoipa::path(get, path = "/founded", extensions(("x-rpc" = json!("GetUser"))))]
    async fn founded() {}

    #[test]
    fn a_route_without_an_rpc_is_refused_at_the_start() {
        let table_with = |routes: OpenApiRouter<()>| {
            let (_, mut api) = routes.routes(routes!(founded)).split_for_parts();
            access_table(&mut api).map(|table| table.len())
        };
        assert_eq!(table_with(OpenApiRouter::new()), Ok(1));
        let bare = OpenApiRouter::new().routes(routes!(bare));
        assert_eq!(table_with(bare), Err("GET /bare has no rpc".to_owned()));
        let lost = OpenApiRouter::new().routes(routes!(lost));
        assert_eq!(table_with(lost), Err("PUT /lost has no rpc".to_owned()));
    }
}
