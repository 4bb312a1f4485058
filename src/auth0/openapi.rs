//! The description of the surface (OpenAPI 3.1), completed with the scopes and the refusals of each
//! route.

use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{
    access_table::{AccessTable, Route, operations},
    error::ErrorBody,
};
/// The name of the only security scheme.
const BEARER: &str = "bearer";

/// The responses of a route beside those that it declares.
const ERROR_RESPONSES: [(&str, &str); 12] = [
    ("400", "The request is invalid."),
    ("401", "The request has no valid token."),
    ("403", "The token does not permit the call."),
    ("404", "The user, or the job, does not exist."),
    ("408", "The body did not arrive in time."),
    (
        "409",
        "The user or the identity already exists, or concurrent calls kept changing the same users.",
    ),
    ("413", "The body is too long."),
    ("415", "The media type of the body is not supported."),
    ("429", "The server carries out as many calls as it can."),
    ("500", "The server has an internal fault."),
    (
        "503",
        "The database, the keys or a search slot is unavailable, or the change's outcome is unknown.",
    ),
    ("504", "The call did not finish in time."),
];

/// The responses that only a route with a body has.
const BODY_ERRORS: [&str; 3] = ["408", "413", "415"];

/// The head of the description.
pub(super) fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("identity-link: Auth0's Management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The part of Auth0's Management API v2 that linking accounts uses."));
    OpenApiBuilder::new().info(info).build()
}

/// The whole description as the server publishes it, with the scopes and the common refusals of
/// each route.
pub(super) fn complete(mut api: OpenApi, table: &AccessTable) -> OpenApi {
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    let http = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(http));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(route) = table.get(&(method, path.clone())) {
                describe(operation, *route);
            }
        }
    }
    let paths = std::mem::take(&mut api.paths.paths);
    api.paths.paths =
        paths.into_iter().map(|(path, item)| (documented_path(&path), item)).collect();
    api
}

/// A route's path in the description. A client fills the parameter that takes the rest of a path
/// like any other one.
pub(super) fn documented_path(path: &str) -> String {
    path.replace("{*", "{")
}

/// Adds to a route the scopes that may call it, and its refusals.
fn describe(operation: &mut Operation, route: Route) {
    let scopes = route.rule.self_scope.into_iter().chain(route.service_scopes());
    operation.security =
        Some(scopes.map(|scope| SecurityRequirement::new(BEARER, [scope])).collect());
    let has_body = operation.request_body.is_some();
    for (status, description) in ERROR_RESPONSES {
        if BODY_ERRORS.contains(&status) && !has_body {
            continue;
        }
        let content =
            ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content)
            .build();
        operation.responses.responses.entry(status.to_owned()).or_insert(response.into());
    }
}
