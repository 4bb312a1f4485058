//! How a client authenticates at a token endpoint by its secret. Providers read
//! `client_secret_basic` in three ways: with the id and the secret form-encoded, as RFC 6749 §2.3.1
//! says; as they are, as RFC 7617 says; or not at all.

use data_encoding::BASE64;
use form_urlencoded::byte_serialize;
use http::HeaderValue;

use super::{AuthMethod, ClientSettings, OAuthError};
use crate::secret::Secret;

/// The method without a setting, by the metadata's `token_endpoint_auth_methods_supported`. A secret
/// that encoding changes is sent in a form if the provider takes forms: all of them read those
/// alike.
pub(super) fn by_metadata(supported: Option<&[String]>, encoding_changes: bool) -> AuthMethod {
    let takes = |method: AuthMethod| takes(supported, method);
    match takes(AuthMethod::Post) && (encoding_changes || !takes(AuthMethod::Basic)) {
        true => AuthMethod::Post,
        false => AuthMethod::Basic,
    }
}

/// Whether a provider says that it takes a method. Without a list it takes `client_secret_basic`
/// (OpenID Connect Discovery §3).
pub(super) fn takes(supported: Option<&[String]>, method: AuthMethod) -> bool {
    let name = match method {
        AuthMethod::Basic | AuthMethod::BasicRaw => "client_secret_basic",
        AuthMethod::Post => "client_secret_post",
    };
    supported.map_or(name == "client_secret_basic", |all| all.iter().any(|one| one == name))
}

/// Whether form-encoding changes the client's id or its secret, so that providers differ in what
/// they read.
pub(super) fn encoding_changes(settings: &ClientSettings) -> bool {
    let changes = |text: &str| byte_serialize(text.as_bytes()).collect::<String>() != text;
    // A JWT consists of characters that stay as they are.
    let secret = settings.client_secret.issued();
    changes(&settings.client_id) || secret.is_some_and(|secret| changes(secret.reveal()))
}

/// The header of `client_secret_basic_raw`: id and secret as they are (RFC 7617 §2).
pub(super) fn raw_header(client_id: &str, secret: &Secret) -> Result<HeaderValue, OAuthError> {
    let credentials = BASE64.encode(format!("{client_id}:{}", secret.reveal()).as_bytes());
    let header = HeaderValue::from_str(&format!("Basic {credentials}"));
    let mut header = header.map_err(|error| OAuthError::Fault(error.to_string()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// What an operator has to know of the method when the provider does not accept the client.
pub(super) fn explained(method: AuthMethod, encoding_changes: bool) -> &'static str {
    match (method, encoding_changes) {
        (AuthMethod::Basic, true) => {
            "the client authenticated by client_secret_basic, whose encoding (RFC 6749 §2.3.1) changes its id or secret: \
             for a provider that does not decode them, set token_endpoint_auth_method = \"client_secret_basic_raw\"; \
             for one that takes forms, \"client_secret_post\""
        }
        (AuthMethod::Basic, false) => {
            "the client authenticated by client_secret_basic: for a provider that takes forms only, set \
             token_endpoint_auth_method = \"client_secret_post\""
        }
        (AuthMethod::BasicRaw, true) => {
            "the client authenticated by client_secret_basic_raw, with its id and secret as they are: for a provider that \
             decodes them (RFC 6749 §2.3.1), set token_endpoint_auth_method = \"client_secret_basic\""
        }
        (AuthMethod::BasicRaw, false) => "the client authenticated by client_secret_basic_raw",
        (AuthMethod::Post, _) => "the client authenticated by client_secret_post",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_metadata_decide_on_forms_and_a_changed_secret_prefers_them() {
        use AuthMethod::{Basic, Post};
        for (supported, unchanged, changed) in [
            (None::<&[&str]>, Basic, Basic),
            (Some(&["client_secret_basic"][..]), Basic, Basic),
            (Some(&["client_secret_post"][..]), Post, Post),
            (Some(&["client_secret_basic", "client_secret_post"][..]), Basic, Post),
            (Some(&["client_secret_post", "private_key_jwt"][..]), Post, Post),
            (Some(&["private_key_jwt"][..]), Basic, Basic),
            (Some(&[][..]), Basic, Basic),
        ] {
            let list = supported.map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
            assert_eq!(by_metadata(list.as_deref(), false), unchanged, "{list:?}");
            assert_eq!(by_metadata(list.as_deref(), true), changed, "{list:?}");
        }
    }
}
