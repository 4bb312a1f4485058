//! The client for Rust.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{assert_undone, driver::Driver, scenarios::all_hold, watches::watches};
use crate::{
    docs::pages::Page,
    support::{
        TestServer,
        cargo::example,
        child::{run_command, temp_dir},
        tokens::Token,
    },
};

const PAGE: &str = "docs/how-to/rust.md";
const TOUR: &str = "examples/rust-client";

/// An example of this package, as cargo builds it.
async fn built(name: &'static str) -> PathBuf {
    tokio::task::spawn_blocking(move || example(name)).await.unwrap()
}

async fn driver() -> Driver {
    Driver::start(Command::new(built("conformance").await))
}

#[tokio::test]
async fn every_scenario_holds() {
    all_hold(driver().await).await;
}

watches!(driver());

/// The blocks of the page are the files of one example, which prints what the page says.
#[tokio::test]
async fn the_page_is_right() {
    let page = Page::read(PAGE);
    let files = ["main.rs", "read.rs", "follow.rs"];
    let files = files.map(|name| fs::read_to_string(Path::new(TOUR).join(name)).unwrap());
    assert_eq!(page.blocks_in("rust"), files);

    let server = TestServer::start_feed().await;
    let token = temp_dir("client_rust_page").join("token");
    fs::write(&token, Token::of("services", "backend").sign()).unwrap();
    let program = built("rust-client").await;
    // The second time, the users are there.
    for _ in 0..2 {
        let mut command = Command::new(&program);
        command.arg(format!("http://{}", server.address)).arg(&token);
        let said = tokio::task::spawn_blocking(move || run_command(command)).await.unwrap();
        assert_eq!(said.code, Some(0), "{}", said.stderr);
        assert_eq!(said.stdout, page.blocks_in("text").concat().trim_end());
        assert_undone(&server).await;
    }
}

/// The two crates that are published are whole: cargo packs what their manifests name, and the client
/// names the version of the messages that it exports.
#[tokio::test]
async fn both_crates_can_be_packed() {
    let packed = |package| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["package", "--list", "--allow-dirty", "--package", package]);
        let listed = run_command(cargo);
        assert_eq!(listed.code, Some(0), "{}", listed.stderr);
        listed.stdout
    };
    let (proto, client) = tokio::task::spawn_blocking(move || {
        (packed("identity-link-proto"), packed("identity-link-client"))
    })
    .await
    .unwrap();
    for file in ["build.rs", "identitylink/v1/errors.proto", "google/rpc/status.proto"] {
        assert!(proto.lines().any(|line| line == file), "{file}: {proto}");
    }
    assert!(!proto.contains("baseline"), "{proto}");
    for file in ["README.md", "src/calls.rs", "src/reason.rs"] {
        assert!(client.lines().any(|line| line == file), "{file}: {client}");
    }
    assert!(!client.contains("conformance"), "{client}");
    let manifest: toml::Table =
        fs::read_to_string("clients/rust/Cargo.toml").unwrap().parse().unwrap();
    let messages = manifest["dependencies"]["identity-link-proto"]["version"].as_str();
    assert_eq!(messages, Some(concat!("=", env!("CARGO_PKG_VERSION"))));
}

/// What a program prints that returns an error from `main` is short, and has what a person needs.
#[tokio::test]
async fn an_error_is_shown_in_short() {
    use identity_link_client::{
        Client, TokenSource,
        v1::{CreateUserRequest, IdentityRef, NewIdentity},
    };
    let server = TestServer::start().await;
    let token = Token::of("services", "backend").sign();
    let address = format!("http://{}", server.address);
    let client = Client::builder(address, TokenSource::fixed(token)).build().unwrap();
    let identity_ref = IdentityRef { provider: "github".into(), subject: String::new() };
    let refused = client.create_user(CreateUserRequest {
        identity: Some(NewIdentity { identity_ref: Some(identity_ref), ..Default::default() }),
        request_id: "5d1a9d0e-7c1b-4f7e-9a51-0d2c8f3b6a10".into(),
        ..Default::default()
    });
    insta::assert_snapshot!(format!("{:?}", refused.await.unwrap_err()), @r#"Call(Failure { code: InvalidArgument, reason: "REQUEST_INVALID", message: "identity.identity_ref.subject: must be 1 to 255 bytes without control characters", violations: [FieldViolation { field: "identity.identity_ref.subject", description: "must be 1 to 255 bytes without control characters" }], request_id: "5d1a9d0e-7c1b-4f7e-9a51-0d2c8f3b6a10", .. })"#);
}

/// S23: no address leads a token over a network in clear text by accident.
#[tokio::test]
async fn plaintext_is_for_this_machine() {
    use identity_link_client::{BuildError, Client, TokenSource};
    let client = |address: &str| Client::builder(address, TokenSource::fixed("token"));
    for address in ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1"] {
        client(address).build().unwrap();
    }
    // The first one looks like this machine, and is the address of another one.
    for address in
        ["http://localhost.example.com", "http://identity.example.com", "http://10.0.0.1:50051"]
    {
        let refused = client(address).build();
        assert!(matches!(refused, Err(BuildError::Plaintext)), "{address}: {refused:?}");
        client(address).plaintext().build().unwrap();
    }
    for (address, says) in [
        ("identity.example.com:443", "has no scheme"),
        ("127.0.0.1:50051", "has no scheme"),
        ("/run/identity-link.sock", "has no scheme"),
        ("ftp://a.example", "has another scheme"),
        ("https://a.example/v1", "has a path"),
        ("https://me:pw@a.example", "has a user"),
        ("https://a b", "is no URL"),
        ("", "is no URL"),
    ] {
        let refused = client(address).plaintext().build().unwrap_err();
        assert!(matches!(refused, BuildError::Address(_)), "{address}: {refused:?}");
        assert!(refused.to_string().contains(says), "{address}: {refused}");
        assert!(!format!("{refused} {refused:?}").contains("pw"), "{refused:?}");
    }
}
