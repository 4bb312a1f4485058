//! The requests of "Linking User Accounts" as they stand there, by curl: over HTTP/1.1 and HTTP/2,
//! with the bar of an id as it is and encoded, as JSON and as a form.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{auth0_domain::Auth0Domain, child::run_command, tokens::Token};

const VERSIONS: [(&str, &str); 2] = [("--http1.1", "1.1"), ("--http2", "2")];
const BARS: [&str; 2] = ["|", "%7C"];
const MEDIA_TYPES: [&str; 2] = ["application/json", "application/x-www-form-urlencoded"];

/// Who runs curl, over one version of HTTP.
struct Curl<'a> {
    domain: &'a Auth0Domain,
    version: (&'static str, &'static str),
    token: String,
}

impl Curl<'_> {
    /// What is answered: the status, and the body as JSON.
    fn ask(&self, method: &str, path: &str, body: Option<(&str, String)>) -> (String, Value) {
        let (option, version) = self.version;
        let mut command = Command::new("curl");
        command
            .args(["--silent", "--show-error", "--noproxy", "*", option, "--request", method])
            .arg("--cacert");
        command
            .arg(&self.domain.authority)
            .args(["--header", &format!("Authorization: Bearer {}", self.token)]);
        if let Some((media_type, body)) = body {
            command.args(["--header", &format!("Content-Type: {media_type}"), "--data-raw", &body]);
        }
        command.args(["--write-out", "\n%{http_version} %{http_code}"]);
        command.arg(format!("https://{}/api/v2{path}", self.domain.name));
        let ran = run_command(command);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
        let (body, said) = ran.stdout.rsplit_once('\n').unwrap();
        let (over, status) = said.split_once(' ').unwrap();
        assert_eq!(over, version);
        (status.to_owned(), serde_json::from_str(body).unwrap())
    }
}

/// The same fields as JSON and as a form.
fn written(media_type: &str, fields: &Value) -> String {
    if media_type == "application/json" {
        return fields.to_string();
    }
    let fields =
        fields.as_object().unwrap().iter().map(|(name, value)| (name, value.as_str().unwrap()));
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Everything that a person and a back end do, in every way to say it.
fn link_and_unlink(domain: &Auth0Domain, tokens: &dyn Fn(&'static str, &str) -> String) {
    let mut accounts = 0..;
    for version in VERSIONS {
        let curl = |token| Curl { domain, version, token };
        let john = curl(tokens("google-oauth2", "115015401343387192604"));
        let backend = curl(tokens("services", "backend"));
        for (bar, media_type) in
            BARS.into_iter().flat_map(|bar| MEDIA_TYPES.map(|media_type| (bar, media_type)))
        {
            let path = format!("/users/google-oauth2{bar}115015401343387192604/identities");
            let case = format!("{version:?} {bar} {media_type}");
            for by_token in [true, false] {
                let account: String = accounts.next().map(|n: u32| n.to_string()).unwrap();
                let new = json!({"connection": "sms", "user_id": account}).to_string();
                assert_eq!(
                    backend.ask("POST", "/users", Some(("application/json", new))).0,
                    "201",
                    "{case}"
                );
                let (curl, fields) = match by_token {
                    true => (&john, json!({"link_with": tokens("sms", &account)})),
                    false => (&backend, json!({"provider": "sms", "user_id": account})),
                };

                let body = Some((media_type, written(media_type, &fields)));
                let (status, identities) = curl.ask("POST", &path, body);
                assert_eq!(
                    (status.as_str(), &identities[1]["user_id"]),
                    ("201", &json!(account)),
                    "{case}"
                );
                let (status, identities) =
                    john.ask("DELETE", &format!("{path}/sms/{account}"), None);
                assert_eq!(
                    (status.as_str(), identities.as_array().unwrap().len()),
                    ("200", 1),
                    "{case}"
                );
                let (status, user) = backend.ask("GET", &format!("/users/sms{bar}{account}"), None);
                assert_eq!(
                    (status.as_str(), &user["user_metadata"]),
                    ("200", &json!({})),
                    "{case}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_requests_of_the_documents_are_answered_as_they_stand() {
    let domain = Auth0Domain::start().await;
    let run = move || {
        let tokens = |issuer, subject: &str| Token::of(issuer, subject).sign();
        let backend =
            Curl { domain: &domain, version: VERSIONS[0], token: tokens("services", "backend") };
        let john =
            json!({"connection": "google-oauth2", "user_id": "115015401343387192604"}).to_string();
        assert_eq!(backend.ask("POST", "/users", Some(("application/json", john))).0, "201");
        link_and_unlink(&domain, &tokens);
    };
    tokio::task::spawn_blocking(run).await.unwrap();
}
