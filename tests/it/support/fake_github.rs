//! GitHub, as far as a sign-in sees it: its OAuth endpoints and its REST API as they are documented.

use serde_json::{Value, json};

use super::{
    fake_codes::Codes,
    form,
    web_server::{Answer, Asked, WebServer},
};

/// What its API wants to see.
pub const ACCESS_TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
/// How many emails it gives on a page at most, whatever is asked for.
const PAGE: usize = 2;

/// GitHub.
pub struct FakeGithub {
    /// Where its answers can be others, by path.
    pub web: WebServer,
}

/// An email of an account.
pub fn email(email: &str, primary: bool, verified: bool) -> Value {
    json!({"email": email, "primary": primary, "verified": verified, "visibility": primary.then_some("private")})
}

impl FakeGithub {
    /// GitHub, with the octocat signed in and these emails of it.
    pub async fn start(emails: Vec<Value>) -> Self {
        let codes = Codes::default();
        let web =
            WebServer::start(|address| move |asked| answer(&format!("http://{address}"), &codes, &emails, asked)).await;
        Self { web }
    }
}

fn answer(base: &str, codes: &Codes, emails: &[Value], asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/login/oauth/authorize" => codes.authorize(asked, &[]),
        "/login/oauth/access_token" => tokens(codes, asked),
        // As it says: requests without a User-Agent are not answered.
        _ if !asked.headers.contains_key("user-agent") => Answer::status("403 Forbidden"),
        _ if asked.headers.get("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) => {
            Answer::new("401 Unauthorized", "", r#"{"message":"Bad credentials"}"#)
        }
        "/api/user" => Answer::ok(
            &json!({
                "login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User",
                "name": "monalisa octocat", "avatar_url": "https://github.com/images/error/octocat_happy.gif",
                // The email of the profile is whatever its owner shows.
                "email": "shown@example.com",
            })
            .to_string(),
        ),
        "/api/user/emails" => page(base, emails, asked),
        _ => Answer::status("404 Not Found"),
    }
}

/// As a form unless JSON is asked for; and an error is a 200 too.
fn tokens(codes: &Codes, asked: &Asked) -> Answer {
    let said = match codes.redeem(asked) {
        Some(_) => [("access_token", ACCESS_TOKEN), ("scope", "user:email"), ("token_type", "bearer")],
        None => [
            ("error", "bad_verification_code"),
            ("error_description", "The code passed is incorrect or expired."),
            ("error_uri", "https://docs.github.com/"),
        ],
    };
    if asked.headers.get("accept").is_some_and(|accept| accept.contains("application/json")) {
        return Answer::ok(&Value::from_iter(said).to_string());
    }
    Answer::new("200 OK", "content-type: application/x-www-form-urlencoded\r\n", &form::write(said))
}

/// A page of the emails, with a `Link` to the next one.
fn page(base: &str, emails: &[Value], asked: &Asked) -> Answer {
    let number = asked.query.get("page").map_or(1, |page| page.parse().unwrap());
    let pages = emails.len().div_ceil(PAGE);
    let link = |number: usize, rel: &str| format!("<{base}/api/user/emails?page={number}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if number > 1 {
        links.extend([link(number - 1, "prev"), link(1, "first")]);
    }
    if number < pages {
        links.extend([link(number + 1, "next"), link(pages, "last")]);
    }
    let head = if links.is_empty() { String::new() } else { format!("link: {}\r\n", links.join(", ")) };
    let shown = emails.chunks(PAGE).nth(number - 1).unwrap_or_default();
    Answer::new(
        "200 OK",
        &format!("content-type: application/json; charset=utf-8\r\n{head}"),
        &json!(shown).to_string(),
    )
}
