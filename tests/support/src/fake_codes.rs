//! The authorization codes of a fake provider, bound to their challenge as RFC 7636 says.

use std::{collections::BTreeMap, sync::Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::{BASE64, BASE64URL_NOPAD};

use super::{
    form::{self, Form},
    web_server::{Answer, Asked},
};

/// The client id of a fake provider's only client.
pub const CLIENT_ID: &str = "shop";
/// Its secret.
pub const CLIENT_SECRET: &str = "shop-secret";

/// How a provider reads `client_secret_basic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadsBasic {
    /// It form-decodes the id and the secret, as RFC 6749 §2.3.1 says.
    Decoded,
    /// It takes them as they are.
    AsItIs,
    /// It takes the secret in a form only.
    NotAtAll,
}

/// The authorization requests, by the codes that the provider issued for them.
pub struct Codes {
    requests: Mutex<BTreeMap<String, Form>>,
    /// Whether a secret is the only client's, and how the provider reads it.
    client: Mutex<(IsSecret, ReadsBasic)>,
}

/// Whether this is the secret of the client.
type IsSecret = Box<dyn Fn(&str) -> bool + Send>;

impl Default for Codes {
    fn default() -> Self {
        let is_secret: IsSecret = Box::new(|secret| secret == CLIENT_SECRET);
        let client = Mutex::new((is_secret, ReadsBasic::Decoded));
        Self { requests: Mutex::default(), client }
    }
}

impl Codes {
    /// Redirects the browser with a code, as for an account that is signed in and consents, and
    /// with these further parameters.
    pub fn authorize(&self, asked: &Asked, further: &[(&str, &str)]) -> Answer {
        let query = &asked.query;
        assert_eq!(
            (query["client_id"].as_str(), query["response_type"].as_str()),
            (CLIENT_ID, "code")
        );
        let code = uuid::Uuid::new_v4().to_string();
        self.requests.lock().unwrap().insert(code.clone(), query.clone());
        let parameters = [("code", code.as_str()), ("state", &query["state"])];
        let back = form::write(parameters.into_iter().chain(further.iter().copied()));
        Answer::redirect(&format!("{}?{back}", query["redirect_uri"]))
    }

    /// From now on the client has such a secret, which the provider reads so.
    pub fn set_client(&self, is_secret: impl Fn(&str) -> bool + Send + 'static, reads: ReadsBasic) {
        *self.client.lock().unwrap() = (Box::new(is_secret), reads);
    }

    /// Whether the client authenticates.
    pub fn is_authenticated(&self, asked: &Asked) -> bool {
        let client = self.client.lock().unwrap();
        let (is_secret, reads) = &*client;
        let in_header = || {
            let credentials = asked.headers.get("authorization")?.strip_prefix("Basic ")?;
            let text = String::from_utf8(BASE64.decode(credentials.as_bytes()).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            let decoded = |text: &str| form::parse(&format!("x={text}")).remove("x");
            match reads {
                ReadsBasic::Decoded => Some((decoded(id)?, decoded(secret)?)),
                ReadsBasic::AsItIs => Some((id.to_owned(), secret.to_owned())),
                ReadsBasic::NotAtAll => None,
            }
        };
        let in_form = || {
            let said = &asked.form;
            Some((said.get("client_id")?.clone(), said.get("client_secret")?.clone()))
        };
        let sent = in_header().or_else(in_form);
        sent.is_some_and(|(id, secret)| id == CLIENT_ID && is_secret(&secret))
    }

    /// The authorization request whose code a client exchanges; a code works once. `None` unless
    /// the client authenticates, names the same redirect URI, and sends the verifier of the
    /// challenge.
    pub fn redeem(&self, asked: &Asked) -> Option<Form> {
        let said = &asked.form;
        let request = self.requests.lock().unwrap().remove(said.get("code")?)?;
        let authenticated = self.is_authenticated(asked);
        let challenge =
            BASE64URL_NOPAD.encode(digest(&SHA256, said.get("code_verifier")?.as_bytes()).as_ref());
        let fits = request.get("code_challenge_method").is_some_and(|method| method == "S256")
            && request.get("code_challenge") == Some(&challenge)
            && said.get("redirect_uri") == request.get("redirect_uri");
        (asked.method == "POST" && authenticated && fits).then_some(request)
    }
}
