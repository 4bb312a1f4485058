//! The tutorial's story in another language: stubs that grpcio-tools generates from the protos,
//! against the running service. They show what no Rust client would show: names, enums, `Struct`,
//! the details of a refusal, deadlines.

use std::fs;

use serde_json::json;

use crate::support::{
    TestServer,
    child::temp_dir,
    python::{packages, python},
    tokens::Token,
};

const REQUIREMENTS: &str = "tests/it/python/requirements.txt";

fn story(address: &str, tokens: &str) -> String {
    let (packages, stubs) = (packages("python", REQUIREMENTS), temp_dir("python"));
    let [python_out, grpc_out] =
        ["--python_out", "--grpc_python_out"].map(|to| format!("{to}={}", stubs.display()));
    let protos: Vec<String> = fs::read_dir("proto/identitylink/v1")
        .unwrap()
        .map(|file| file.unwrap().path().display().to_string())
        .collect();
    let mut generate = vec!["-m", "grpc_tools.protoc", "-I", "proto", &python_out, &grpc_out];
    generate.extend(protos.iter().map(String::as_str));
    python(&[&packages], &generate);
    python(&[&packages, &stubs], &["tests/it/python/story.py", address, tokens])
}

#[tokio::test]
async fn stubs_in_python_tell_the_story() {
    let server = TestServer::start().await;
    let (google, sms) = ("115015401343387192604", "560ebaeef609ee1adaa7c551");
    let tokens = json!({
        "service": Token::of("services", "backend").sign(),
        "person": Token::of("google-oauth2", google).sign(),
        "proof": Token::of("sms", sms).sign(),
        "other_person": Token::of("github", "1").sign(),
    });
    let address = server.address.to_string();
    let told =
        tokio::task::spawn_blocking(move || story(&address, &tokens.to_string())).await.unwrap();
    insta::assert_snapshot!(told, @r#"
        created: [["google-oauth2"], ["sms"]]
        found by email: [true]
        linked: ["OUTCOME_ABSORBED", ["google-oauth2", "sms"]]
        merged: ["/color", "EFFECT_CONFLICT_PRIMARY"]
        merged: ["/size", "EFFECT_ADDED"]
        linked again: "OUTCOME_ALREADY_LINKED"
        unlinked: [["google-oauth2"], {"color": "blue", "size": 7.0}]
        app_metadata: {"roles": ["Admin", "AppAdmin"]}
        without a token: {"code": "UNAUTHENTICATED", "reason": "identity-link/TOKEN_MISSING"}
        with rubbish: {"code": "UNAUTHENTICATED", "reason": "identity-link/TOKEN_INVALID"}
        another user's: {"code": "PERMISSION_DENIED", "reason": "identity-link/NOT_YOUR_USER"}
        wrong fields: {"code": "INVALID_ARGUMENT", "fields": ["user_id_form", "user_metadata/a/0/b"], "reason": "identity-link/REQUEST_INVALID"}
        taken: {"code": "ALREADY_EXISTS", "reason": "identity-link/IDENTITY_TAKEN"}
        conflict: {"code": "FAILED_PRECONDITION", "reason": "identity-link/METADATA_CONFLICT"}
    "#);
}
