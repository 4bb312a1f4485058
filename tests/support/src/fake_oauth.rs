//! A fake provider that speaks OAuth 2.0 alone, whose API has the answers that a test gives it.

use serde_json::{Value, json};

use super::{
    fake_codes::Codes,
    web_server::{Answer, Asked, WebServer},
};

/// The access token that its API accepts.
pub const ACCESS_TOKEN: &str = "access-token-of-the-fake";

/// The fake.
pub struct FakeOAuth {
    /// Its web server, where a test can change the response for a path. The API is below `/api`.
    pub web: WebServer,
}

impl FakeOAuth {
    /// A provider whose API has these answers, by their paths below its base URL. `$API` in an
    /// answer is the base URL.
    pub async fn start(answers: &[(&str, Value)]) -> Self {
        let codes = Codes::default();
        let answers: Vec<(String, String)> =
            answers.iter().map(|(path, json)| (format!("/api{path}"), json.to_string())).collect();
        let web = WebServer::start(|address| {
            let api = format!("http://{address}/api");
            move |asked: &Asked| answer(&codes, &answers, &api, asked)
        })
        .await;
        Self { web }
    }

    /// From now on its API has this answer there.
    pub fn says(&self, path: &str, json: &Value) {
        self.web.answer(&format!("/api{path}"), Answer::ok(&json.to_string()));
    }

    /// The keys of a client that name its endpoints.
    pub fn urls(&self) -> String {
        let base = format!("http://{}", self.web.address);
        format!(
            "authorize_url = \"{base}/authorize\"\ntoken_url = \"{base}/token\"\napi_url = \"{base}/api\""
        )
    }
}

fn answer(codes: &Codes, answers: &[(String, String)], api: &str, asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/authorize" => codes.authorize(asked, &[]),
        "/token" => match codes.redeem(asked) {
            Some(_) => Answer::ok(
                &json!({"access_token": ACCESS_TOKEN, "token_type": "bearer", "expires_in": 3600})
                    .to_string(),
            ),
            None => Answer::new("400 Bad Request", "", r#"{"error":"invalid_grant"}"#),
        },
        _ if asked.headers.get("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) => {
            Answer::status("401 Unauthorized")
        }
        path => match answers.iter().find(|(known, _)| known == path) {
            Some((_, json)) => Answer::ok(&json.replace("$API", api)),
            None => Answer::status("404 Not Found"),
        },
    }
}
