//! Clients that people use: Connect's for Node.js and for browsers, with protobuf-es.

use std::fs;

use data_encoding::BASE64;
use identity_link::grpc::proto::{self as pb, DESCRIPTOR_SET};
use serde_json::json;

use super::*;
use crate::support::{
    child::{run_command, temp_dir},
    chromium::Chromium,
    cluster::feed_cluster,
    npm, object,
    web_server::{Answer, Asked, WebServer},
};

/// The folder with the story, the page, and what they need.
const SOURCE: &str = "tests/it/connect-node";

/// What the story needs: the server, the descriptors, and the tokens of a back end and a person.
fn facts(server: &TestServer) -> Value {
    json!({
        "url": format!("http://{}", server.address),
        "contract": BASE64.encode(DESCRIPTOR_SET),
        "details": BASE64.encode(tonic_types::pb::FILE_DESCRIPTOR_SET),
        "service": Token::of("services", "backend").sign(),
        "ann": Token::of("github", "ann").issued_ago(-2).sign(),
        "ben": Token::of("sms", "ben").issued_ago(-2).sign(),
    })
}

async fn server(page: Option<&str>) -> TestServer {
    let allowed = page.map(|page| format!("allowed_origins = [\"{page}\"]\n")).unwrap_or_default();
    let database = feed_cluster().db_migrated().await;
    let server = TestServer::start_with(database, |toml| allowed + &toml).await;
    let with_email = |request: &mut pb::CreateUserRequest| {
        let identity = request.identity.as_mut().unwrap();
        identity.profile_data = object(json!({"n": 7}));
        identity.email = "ann@example.com".to_owned();
        identity.email_verified = true;
    };
    server.service().create_with("github", "ann", with_email).await;
    server.service().create("sms", "ben").await;
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_for_node_links_unlinks_and_watches_in_each_form() {
    for form in ["connect", "connect-json", "grpc-web", "grpc", "connect-http2", "connect-get"] {
        let server = server(None).await;
        let file = temp_dir(&format!("connect_node_{form}")).join("facts.json");
        fs::write(&file, facts(&server).to_string()).unwrap();
        let run = move || {
            let mut command = npm::program(SOURCE, "node.mjs");
            command.arg(form).arg(&file);
            run_command(command)
        };
        let ran = tokio::task::spawn_blocking(run).await.unwrap();
        assert_eq!(ran.code, Some(0), "{form}\n{}\n{}", ran.stdout, ran.stderr);
        assert!(!ran.stdout.contains("Internal"), "{form}: {}", ran.stdout);
        insta::allow_duplicates! { insta::assert_snapshot!(ran.stdout, @r"
            found: ann version bigint
            metadata: 7
            linked: github,sms
            a token that is none: FailedPrecondition LINK_TOKEN_INVALID 
            unlinked: github
            the last one: FailedPrecondition LAST_IDENTITY 
            no email: InvalidArgument REQUEST_INVALID email
            no permission: PermissionDenied SCOPE_INSUFFICIENT 
            seen: userLinked,userUnlinked
            "); }
    }
}

/// The server of a page, which also has the packages as they come from the registry.
async fn page() -> WebServer {
    let folder = tokio::task::spawn_blocking(|| npm::packages(SOURCE)).await.unwrap();
    let file = move |asked: &Asked| {
        let path = match asked.path.as_str() {
            "/" => "page.html",
            path => path.trim_start_matches('/'),
        };
        let media_type = if path.ends_with(".html") { "text/html" } else { "text/javascript" };
        match fs::read_to_string(folder.join(path)) {
            Ok(text) => Answer::new(
                "200 OK",
                &format!("content-type: {media_type}; charset=utf-8\r\n"),
                &text,
            ),
            Err(_) => Answer::status("404 Not Found"),
        }
    };
    WebServer::start(|_| file).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_links_unlinks_and_watches() {
    let page = page().await;
    let origin = format!("http://{}", page.address);
    for form in ["connect", "connect-json", "grpc-web"] {
        let server = server(Some(&origin)).await;
        let call = format!("play(\"{form}\", {})", facts(&server));
        let (origin, name) = (origin.clone(), format!("connect_page_{form}"));
        let run = move || {
            let mut browser = Chromium::start(&name);
            browser.open(&origin);
            browser.run(&call)
        };
        let got = tokio::task::spawn_blocking(run).await.unwrap();
        insta::allow_duplicates! { insta::assert_snapshot!(got.as_str().unwrap(), @r"
            found: ann version bigint
            metadata: 7
            linked: github,sms
            a token that is none: FailedPrecondition LINK_TOKEN_INVALID 
            unlinked: github
            the last one: FailedPrecondition LAST_IDENTITY 
            no email: InvalidArgument REQUEST_INVALID email
            no permission: PermissionDenied SCOPE_INSUFFICIENT 
            seen: userLinked,userUnlinked
            "); }
    }
}

/// G36: a page of an origin that is not listed.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_cannot_call() {
    let page = page().await;
    let server = server(Some("http://127.0.0.1:1")).await;
    let (origin, call) =
        (format!("http://{}", page.address), format!("refused({})", facts(&server)));
    let run = move || {
        let mut browser = Chromium::start("connect_page_foreign");
        browser.open(&origin);
        browser.run(&call)
    };
    let got = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(got, json!("unknown: [unknown] Failed to fetch"));
}
