//! What goes into a flow, what is remembered of it, and what comes back.

use std::time::Duration;

use crate::secret::{NoRandomBytes, random_text};

/// How somebody is to sign in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Where the provider sends the browser afterwards.
    pub redirect_uri: String,
    /// The account that the person probably wants.
    pub login_hint: Option<String>,
    /// What the provider is to ask the person.
    pub prompt: Option<String>,
    /// How long ago the person may have signed in there.
    pub max_age: Option<Duration>,
}

/// What is remembered of a flow until it comes back. The verifier is what makes a stolen code worthless: it has
/// no `Debug`.
pub struct Flow {
    /// Comes back in the ID token.
    pub nonce: String,
    /// Proves to the provider that who exchanges the code is who asked for it (RFC 7636).
    pub pkce_verifier: String,
    /// Where the provider was told to send the browser.
    pub redirect_uri: String,
    /// How long ago the person may have signed in there.
    pub max_age: Option<Duration>,
}

/// What the browser brought back.
pub struct Returned {
    /// The code.
    pub code: String,
    /// Whose redirect it was, if it said so (RFC 9207).
    pub iss: Option<String>,
}

impl Flow {
    /// A new flow.
    pub fn new(wish: &Wish) -> Result<Self, NoRandomBytes> {
        Ok(Self {
            nonce: random_text()?,
            pkce_verifier: random_text()?,
            redirect_uri: wish.redirect_uri.clone(),
            max_age: wish.max_age,
        })
    }
}
