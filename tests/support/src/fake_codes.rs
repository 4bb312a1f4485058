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

/// The authorization requests, by the codes that the provider issued for them.
#[derive(Default)]
pub struct Codes(Mutex<BTreeMap<String, Form>>);

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
        self.0.lock().unwrap().insert(code.clone(), query.clone());
        let parameters = [("code", code.as_str()), ("state", &query["state"])];
        let back = form::write(parameters.into_iter().chain(further.iter().copied()));
        Answer::redirect(&format!("{}?{back}", query["redirect_uri"]))
    }

    /// The authorization request whose code a client exchanges; a code works once. `None` unless
    /// the client authenticates, names the same redirect URI, and sends the verifier of the
    /// challenge.
    pub fn redeem(&self, asked: &Asked) -> Option<Form> {
        let said = &asked.form;
        let request = self.0.lock().unwrap().remove(said.get("code")?)?;
        let basic =
            format!("Basic {}", BASE64.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}").as_bytes()));
        let authenticated = asked.headers.get("authorization") == Some(&basic)
            || (said.get("client_id")?, said.get("client_secret")?)
                == (&CLIENT_ID.to_owned(), &CLIENT_SECRET.to_owned());
        let challenge =
            BASE64URL_NOPAD.encode(digest(&SHA256, said.get("code_verifier")?.as_bytes()).as_ref());
        let fits = request.get("code_challenge_method").is_some_and(|method| method == "S256")
            && request.get("code_challenge") == Some(&challenge)
            && said.get("redirect_uri") == request.get("redirect_uri");
        (asked.method == "POST" && authenticated && fits).then_some(request)
    }
}
