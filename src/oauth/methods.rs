//! How a provider sends the browser back, and how a client authenticates there.

/// How a provider sends the browser back (OAuth 2.0 Multiple Response Type Encoding Practices §2.1,
/// OAuth 2.0 Form Post Response Mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseMode {
    /// By a redirect, with the parameters in the query.
    Query,
    /// By a form that the browser posts.
    FormPost,
}

impl ResponseMode {
    /// The value of the parameter `response_mode`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::FormPost => "form_post",
        }
    }
}

/// How a client authenticates at the token endpoint (OpenID Connect Core §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthMethod {
    /// In a header, form-encoded as RFC 6749 §2.3.1 says: `client_secret_basic`.
    Basic,
    /// In a header, as it is: for providers that do not decode it.
    BasicRaw,
    /// In the form: `client_secret_post`.
    Post,
}
