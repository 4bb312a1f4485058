//! A fake of GitHub, as far as a sign-in uses it: the OAuth endpoints and the REST API as GitHub
//! documents them.

use serde_json::{Value, json};

use super::{
    fake_codes::Codes,
    form,
    web_server::{Answer, Asked, WebServer},
};

/// The access token that its API accepts.
pub const ACCESS_TOKEN: &str = "gho_16C7e42F292c6912E7710c838347Ae178B4a";
/// How many emails a page contains at most, for any `per_page`.
const PAGE: usize = 2;

/// The fake.
pub struct FakeGithub {
    /// Its web server, where a test can change the response for a path.
    pub web: WebServer,
}

/// An email of an account.
pub fn email(email: &str, primary: bool, verified: bool) -> Value {
    json!({"email": email, "primary": primary, "verified": verified, "visibility": primary.then_some("private")})
}

impl FakeGithub {
    /// Starts a fake where the account `octocat` is signed in and has these emails.
    pub async fn start(emails: Vec<Value>) -> Self {
        let codes = Codes::default();
        let web = WebServer::start(|address| {
            move |asked| answer(&format!("http://{address}"), &codes, &emails, asked)
        })
        .await;
        Self { web }
    }
}

fn answer(base: &str, codes: &Codes, emails: &[Value], asked: &Asked) -> Answer {
    match asked.path.as_str() {
        "/login/oauth/authorize" => codes.authorize(asked, &[]),
        "/login/oauth/access_token" => tokens(codes, asked),
        // As GitHub documents: a request without a User-Agent is refused.
        _ if !asked.headers.contains_key("user-agent") => Answer::status("403 Forbidden"),
        _ if asked.headers.get("authorization") != Some(&format!("Bearer {ACCESS_TOKEN}")) => {
            Answer::new("401 Unauthorized", "", r#"{"message":"Bad credentials"}"#)
        }
        "/api/user" => Answer::ok(
            &json!({
                "login": "octocat", "id": 583_231, "node_id": "MDQ6VXNlcjU4MzIzMQ==", "type": "User",
                "name": "monalisa octocat", "avatar_url": "https://github.com/images/error/octocat_happy.gif",
                // The email of the profile is the one that the owner chose to show, verified or
                // not.
                "email": "shown@example.com",
            })
            .to_string(),
        ),
        "/api/user/emails" => page(base, emails, asked),
        _ => Answer::status("404 Not Found"),
    }
}

/// The response is a form unless the request accepts JSON. An error has the status 200 too.
fn tokens(codes: &Codes, asked: &Asked) -> Answer {
    let said = match codes.redeem(asked) {
        Some(_) => {
            [("access_token", ACCESS_TOKEN), ("scope", "user:email"), ("token_type", "bearer")]
        }
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

/// A page of the emails, with `Link` headers to the other pages.
fn page(base: &str, emails: &[Value], asked: &Asked) -> Answer {
    let number = asked.query.get("page").map_or(1, |page| page.parse().unwrap());
    let pages = emails.len().div_ceil(PAGE);
    let link =
        |number: usize, rel: &str| format!("<{base}/api/user/emails?page={number}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if number > 1 {
        links.extend([link(number - 1, "prev"), link(1, "first")]);
    }
    if number < pages {
        links.extend([link(number + 1, "next"), link(pages, "last")]);
    }
    let head =
        if links.is_empty() { String::new() } else { format!("link: {}\r\n", links.join(", ")) };
    let shown = emails.chunks(PAGE).nth(number - 1).unwrap_or_default();
    Answer::new(
        "200 OK",
        &format!("content-type: application/json; charset=utf-8\r\n{head}"),
        &json!(shown).to_string(),
    )
}
