//! A fake `OpenID` provider whose ID tokens a test can falsify.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use identity_link::clock;
use serde_json::{Value, json};

use super::{
    fake_codes::{CLIENT_ID, Codes, ReadsBasic},
    form::Form,
    tokens::{Token, jwk},
    web_server::{Answer, Asked, WebServer},
};

/// The issuer of the other tests whose key signs its ID tokens.
const SIGNER: &str = "okta";
/// The access token that its userinfo endpoint accepts.
const ACCESS_TOKEN: &str = "access-token-of-the-fake";

/// The tokens that the provider has issued beside those of [`ACCESS_TOKEN`].
struct Grants {
    /// The refresh tokens that are good.
    refresh: BTreeSet<String>,
    /// How many tokens were issued.
    issued: usize,
    /// How many seconds an access token lives.
    life: i64,
    /// Whether a refresh ends its refresh token and issues another one.
    rotates: bool,
    /// What a response to a refresh has, too. A `null` removes a field.
    further: Value,
}

/// Makes a false ID token out of a good one.
type Lie = Box<dyn Fn(Token) -> String + Send + Sync>;

/// The state of the provider.
struct Says {
    codes: Codes,
    /// The claims of the account that is signed in there.
    person: Mutex<Value>,
    lie: Mutex<Lie>,
    grants: Mutex<Grants>,
}

/// The provider.
pub struct FakeOidc {
    /// Its `iss`.
    pub issuer: String,
    /// Its web server, where a test can change the response for a path.
    pub web: WebServer,
    says: Arc<Says>,
}

impl FakeOidc {
    /// A provider with this account signed in, whose ID tokens are good.
    pub async fn start(person: Value) -> Self {
        let lie: Lie = Box::new(|token| token.sign());
        let says = Arc::new(Says {
            codes: Codes::default(),
            person: Mutex::new(person),
            lie: Mutex::new(lie),
            grants: Mutex::new(Grants {
                refresh: BTreeSet::new(),
                issued: 0,
                life: 600,
                rotates: true,
                further: json!({}),
            }),
        });
        let site = Arc::clone(&says);
        let web = WebServer::start(|address| {
            let issuer = format!("http://{address}");
            move |asked| site.answer(&issuer, asked)
        })
        .await;
        Self { issuer: format!("http://{}", web.address), web, says }
    }

    /// The same under another name, behind which a test makes it reachable.
    pub async fn start_as(issuer: &str, person: Value) -> Self {
        let Self { says, .. } = Self::start(person).await;
        let (site, name) = (Arc::clone(&says), issuer.to_owned());
        let web = WebServer::start(|_| move |asked: &Asked| site.answer(&name, asked)).await;
        Self { issuer: issuer.to_owned(), web, says }
    }

    /// From now on the account with these claims is signed in.
    pub fn person(&self, claims: Value) {
        *self.says.person.lock().unwrap() = claims;
    }

    /// From now on the token endpoint returns this for an ID token.
    pub fn lie(&self, lie: impl Fn(Token) -> String + Send + Sync + 'static) {
        *self.says.lie.lock().unwrap() = Box::new(lie);
    }

    /// From now on its client has this secret, which it reads so.
    pub fn client(&self, secret: &str, reads: ReadsBasic) {
        let own = secret.to_owned();
        self.says.codes.set_client(move |secret| secret == own, reads);
    }

    /// From now on its client has such a secret, in a form.
    pub fn client_whose_secret(&self, is_secret: impl Fn(&str) -> bool + Send + 'static) {
        self.says.codes.set_client(is_secret, ReadsBasic::NotAtAll);
    }

    /// From now on its metadata have these fields, too.
    pub fn metadata_with(&self, fields: &Value) {
        let mut metadata = metadata(&self.issuer);
        metadata.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        self.web.answer("/.well-known/openid-configuration", Answer::ok(&metadata.to_string()));
    }

    /// From now on its access tokens live for so many seconds.
    pub fn tokens_live(&self, seconds: i64) {
        self.says.grants.lock().unwrap().life = seconds;
    }

    /// From now on a refresh token is good for more than one refresh.
    pub fn rotates_no_tokens(&self) {
        self.says.grants.lock().unwrap().rotates = false;
    }

    /// From now on its responses to refreshes have these fields, too; `null` removes one.
    pub fn refreshes_with(&self, fields: Value) {
        self.says.grants.lock().unwrap().further = fields;
    }

    /// Ends all grants: no refresh token is good any more.
    pub fn end_grants(&self) {
        self.says.grants.lock().unwrap().refresh.clear();
    }

    /// How many refresh tokens are good.
    pub fn good_grants(&self) -> usize {
        self.says.grants.lock().unwrap().refresh.len()
    }

    /// How many refreshes it was asked for.
    pub fn refreshes(&self) -> usize {
        let asked = self.web.asked_for("/token").into_iter();
        asked.filter(|asked| asked.form["grant_type"] == "refresh_token").count()
    }

    /// The tokens that it was asked to revoke.
    pub fn revoked(&self) -> Vec<String> {
        let asked = self.web.asked_for("/revoke").into_iter();
        asked.map(|asked| asked.form["token"].clone()).collect()
    }

    /// How many requests for tokens it has received.
    pub fn exchanges(&self) -> usize {
        self.web.asked_for("/token").len()
    }
}

impl Says {
    fn answer(&self, issuer: &str, asked: &Asked) -> Answer {
        match asked.path.as_str() {
            "/.well-known/openid-configuration" => Answer::ok(&metadata(issuer).to_string()),
            "/jwks" => Answer::ok(&json!({"keys": [jwk(SIGNER)]}).to_string()),
            "/authorize" => self.codes.authorize(asked, &[("iss", issuer)]),
            "/token" if !self.codes.is_authenticated(asked) => {
                Answer::new("401 Unauthorized", "", r#"{"error":"invalid_client"}"#)
            }
            "/token" if asked.form.contains_key("refresh_token") => {
                self.refreshed(&asked.form["refresh_token"])
            }
            "/revoke" if self.codes.is_authenticated(asked) => {
                self.grants.lock().unwrap().refresh.remove(&asked.form["token"]);
                Answer::status("200 OK")
            }
            "/token" => match self.codes.redeem(asked) {
                Some(request) => Answer::ok(&self.tokens(issuer, &request).to_string()),
                None => Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#),
            },
            "/userinfo"
                if asked.headers.get("authorization")
                    == Some(&format!("Bearer {ACCESS_TOKEN}")) =>
            {
                Answer::ok(&self.person.lock().unwrap().to_string())
            }
            "/userinfo" => Answer::status("401 Unauthorized"),
            _ => Answer::status("404 Not Found"),
        }
    }

    fn tokens(&self, issuer: &str, request: &Form) -> Value {
        let mut token = Token::of(SIGNER, "")
            .with("iss", issuer)
            .with("aud", CLIENT_ID)
            .with("scope", Value::Null)
            .with("tenant", Value::Null);
        token.header.typ = Some("JWT".to_owned());
        for (claim, value) in self.person.lock().unwrap().as_object().unwrap() {
            token = token.with(claim, value.clone());
        }
        if let Some(nonce) = request.get("nonce") {
            token = token.with("nonce", nonce.as_str());
        }
        if request.contains_key("max_age") {
            token = token.with("auth_time", clock::now().timestamp());
        }
        let id_token = (self.lie.lock().unwrap())(token);
        let mut grants = self.grants.lock().unwrap();
        let mut tokens = json!({
            "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": grants.life, "id_token": id_token,
        });
        if request["scope"].split(' ').any(|scope| scope == "offline_access") {
            tokens["refresh_token"] = grants.issue().into();
        }
        tokens
    }

    fn refreshed(&self, token: &str) -> Answer {
        let mut grants = self.grants.lock().unwrap();
        if !grants.refresh.contains(token) {
            return Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#);
        }
        let mut tokens = json!({"token_type": "Bearer", "expires_in": grants.life});
        if grants.rotates {
            grants.refresh.remove(token);
            tokens["refresh_token"] = grants.issue().into();
        }
        grants.issued += 1;
        tokens["access_token"] = format!("access-{}-of-the-fake", grants.issued).into();
        for (name, value) in grants.further.as_object().unwrap() {
            tokens[name] = value.clone();
        }
        tokens.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        Answer::ok(&tokens.to_string())
    }
}

impl Grants {
    /// A new refresh token.
    fn issue(&mut self) -> String {
        self.issued += 1;
        let token = format!("refresh-{}-of-the-fake", self.issued);
        self.refresh.insert(token.clone());
        token
    }
}

/// The discovery document.
pub fn metadata(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}
