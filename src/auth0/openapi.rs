//! The description of the surface (OpenAPI 3.1), completed by what the access table and the gate say of every route.

use http::Method;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Components, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder,
        path::{Operation, PathItem},
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::{gate::AccessTable, messages::ErrorBody};
use crate::auth::Rule;

/// The name of the one way to say who calls.
const BEARER: &str = "bearer";

/// What a route may be answered beside what it says itself.
const REFUSALS: [(&str, &str); 12] = [
    ("400", "Something is wrong with the request."),
    ("401", "There is no token that is accepted."),
    ("403", "The token does not allow it."),
    ("404", "There is no such user."),
    ("408", "The body did not come in time."),
    ("409", "It is there already, or others kept changing it."),
    ("413", "The body is too long."),
    ("415", "The body is of another kind."),
    ("429", "There is no room for the call now."),
    ("500", "Something went wrong here."),
    ("503", "Something that is needed cannot be had right now."),
    ("504", "There was no answer in time."),
];

/// Those of them that are about a body.
const OF_A_BODY: [&str; 3] = ["408", "413", "415"];

/// The surface as a whole.
pub(super) fn about() -> OpenApi {
    let info = InfoBuilder::new()
        .title("identity-link: Auth0's Management API")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("The part of Auth0's Management API v2 that linking accounts uses."));
    OpenApiBuilder::new().info(info).build()
}

/// The whole description, as it is served: with who may call, and what everybody may be answered.
pub(super) fn complete(mut api: OpenApi, table: &AccessTable) -> OpenApi {
    let components = api.components.get_or_insert_with(Components::new);
    components.schemas.insert(ErrorBody::name().into_owned(), ErrorBody::schema());
    let http = Http::builder().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
    components.add_security_scheme(BEARER, SecurityScheme::Http(http));
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(rule) = table.get(&(method, path.clone())) {
                describe(operation, rule);
            }
        }
    }
    let paths = std::mem::take(&mut api.paths.paths);
    api.paths.paths = paths.into_iter().map(|(path, item)| (described(&path), item)).collect();
    api
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

/// A route's path as it is described: a place that takes all that is left is one like any other to whoever fills it.
pub(super) fn described(path: &str) -> String {
    path.replace("{*", "{")
}

/// Says of a route who may call it, and how it refuses.
fn describe(operation: &mut Operation, rule: &Rule) {
    let scopes = [rule.self_scope, rule.service_scope].into_iter().flatten();
    operation.security = Some(scopes.map(|scope| SecurityRequirement::new(BEARER, [scope])).collect());
    let has_body = operation.request_body.is_some();
    for (status, description) in REFUSALS {
        if OF_A_BODY.contains(&status) && !has_body {
            continue;
        }
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
        let response = ResponseBuilder::new().description(description).content("application/json", content).build();
        operation.responses.responses.entry(status.to_owned()).or_insert(response.into());
    }
}
