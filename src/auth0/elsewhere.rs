//! Requests for another service. A library for browsers knows one domain for both the login and the
//! API. Where that domain leads to this server alone, the response names the missing service.

use super::error::ApiError;

/// The service that signs people in and issues tokens.
const SIGN_IN: &str = "the Authentication API of the tenant that issues your tokens";
/// The service with which people manage their own account.
const MY_ACCOUNT: &str = "the My Account API of the tenant that issues your tokens";

/// The service with which people manage their own organization.
const MY_ORGANIZATION: &str = "the My Organization API of the tenant that issues your tokens";
/// The service at the other paths of a tenant's domain.
const UNKNOWN: &str = "no service here, but perhaps to the tenant that issues your tokens";

/// The first path segments of other services: those in Auth0's OpenAPI descriptions, and others
/// that its libraries for browsers and its login pages call.
const OTHERS: [(&str, &str); 24] = [
    (".well-known", SIGN_IN),
    ("authorize", SIGN_IN),
    ("bc-authorize", SIGN_IN),
    ("co", SIGN_IN),
    ("continue", SIGN_IN),
    ("dbconnections", SIGN_IN),
    ("delegation", SIGN_IN),
    ("login", SIGN_IN),
    ("mfa", SIGN_IN),
    ("oauth", SIGN_IN),
    ("oidc", SIGN_IN),
    ("passkey", SIGN_IN),
    ("passwordless", SIGN_IN),
    ("samlp", SIGN_IN),
    ("tokeninfo", SIGN_IN),
    ("u", SIGN_IN),
    ("user", SIGN_IN),
    ("userinfo", SIGN_IN),
    ("usernamepassword", SIGN_IN),
    ("users", SIGN_IN),
    ("v2", SIGN_IN),
    ("wsfed", SIGN_IN),
    ("me", MY_ACCOUNT),
    ("my-org", MY_ORGANIZATION),
];

/// The refusal at a path outside this surface. The response repeats only known segments.
pub(super) fn refused(path: &str) -> ApiError {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match OTHERS.iter().find(|(segment, _)| *segment == first) {
        Some((segment, service)) => ApiError::elsewhere(&format!("/{segment}"), service),
        None => ApiError::elsewhere("This path", UNKNOWN),
    }
}
