//! What a line has, and which users have one.

use std::{fs, path::PathBuf};

use identity_link::grpc::proto as pb;
use serde_json::json as value;

use super::{export, exported, ids, json, without_times};
use crate::support::{
    TestServer,
    auth0::AUTH0,
    child::{Ran, binary, config_file, run_command, temp_dir},
    link_user, object, unlink,
};

/// A server whose tenant `joined` has Ann with an account at GitHub and one at Google, and Bob, who
/// is blocked.
async fn with_ann_and_bob() -> TestServer {
    let server = TestServer::start().await;
    let service = server.service_of("joined");
    let fill = |request: &mut pb::CreateUserRequest| {
        let identity = request.identity.as_mut().unwrap();
        identity.email = "Ann@example.com".to_owned();
        identity.email_verified = true;
        identity.profile_data = object(value!({"name": "Ann"}));
    };
    service.create_with("google-oauth2", "ann", fill).await;
    let fill = |request: &mut pb::CreateUserRequest| {
        request.identity.as_mut().unwrap().email = "ann@work.example.com".to_owned();
        request.user_metadata = object(value!({"theme": "dark", "count": 3}));
        request.app_metadata = object(value!({"roles": ["editor"]}));
        request.profile_overrides = object(value!({"nickname": "annie"}));
    };
    service.create_with("github", "ann", fill).await;
    service.create_with("apple", "bob", |request| request.blocked = true).await;
    service.link(link_user("github|ann", "google-oauth2|ann")).await.unwrap();
    server
}

/// An id list in a file of its own.
fn list(name: &str, text: &[u8]) -> PathBuf {
    let file = temp_dir(name).join("ids.txt");
    fs::write(&file, text).unwrap();
    file
}

#[tokio::test]
async fn each_live_user_has_a_line_with_its_accounts_and_the_ids_that_lead_to_it() {
    let server = with_ann_and_bob().await;

    let (lines, _) = exported(&server.database, &["--tenant", "joined"]);

    let lines: Vec<String> = lines.iter().map(|line| without_times(line)).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    {"id":"apple|bob","create_time":"T","update_time":"T","blocked":true,"identities":[{"provider":"apple","subject":"bob","connection":"apple"}]}
    {"id":"github|ann","aliases":["google-oauth2|ann"],"create_time":"T","update_time":"T","user_metadata":{"count":3,"theme":"dark"},"app_metadata":{"roles":["editor"]},"profile_overrides":{"nickname":"annie"},"identities":[{"provider":"github","subject":"ann","connection":"github","email":"ann@work.example.com"},{"provider":"google-oauth2","subject":"ann","connection":"google-oauth2","email":"Ann@example.com","email_verified":true,"email_verify_time":"T","profile_data":{"name":"Ann"},"attach_time":"T"}]}
    "#);
}

/// The order of the accounts is that of the user, whose primary identity comes first.
#[tokio::test]
async fn the_primary_identity_comes_first() {
    let server = with_ann_and_bob().await;
    let set = pb::SetPrimaryIdentityRequest {
        user_id: "github|ann".to_owned(),
        identity: crate::support::identity_ref("google-oauth2", "ann"),
        ..Default::default()
    };
    server.service_of("joined").set_primary_identity(set).await.unwrap();

    let (lines, _) = exported(&server.database, &["--tenant", "joined"]);

    let providers: Vec<_> = json(&lines[1])["identities"]
        .as_array()
        .unwrap()
        .iter()
        .map(|identity| identity["provider"].clone())
        .collect();
    assert_eq!(providers, ["google-oauth2", "github"]);
}

#[tokio::test]
async fn the_history_has_each_link_with_who_made_and_undid_it() {
    let server = with_ann_and_bob().await;
    let service = server.service_of("joined");
    service.unlink(unlink("github|ann", "google-oauth2", "ann")).await.unwrap();
    service.link(link_user("github|ann", "apple|bob")).await.unwrap_err();
    service.create("github", "cy").await;
    service.link(link_user("github|ann", "github|cy")).await.unwrap();

    let (lines, _) = exported(&server.database, &["--tenant", "joined", "--history"]);

    assert_eq!(ids(&lines), ["apple|bob", "github|ann", "google-oauth2|ann"]);
    assert!(!lines[0].contains("links"), "{}", lines[0]);
    let links = |line: &str| {
        let links = json(line)["links"].as_array().unwrap().clone();
        let shown = links.iter().map(|link| {
            let mut link = link.clone();
            link["id"] = value!("L");
            without_times(&link.to_string())
        });
        shown.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(links(&lines[1]), @r#"
    {"actor":{"issuer":"https://services.example.com","kind":"service","subject":"backend"},"id":"L","link_time":"T","moved":[{"provider":"google-oauth2","subject":"ann"}],"primary":"github|ann","proof":"service","secondary":"google-oauth2|ann","undo_actor":{"issuer":"https://services.example.com","kind":"service","subject":"backend"},"undo_time":"T"}
    {"actor":{"issuer":"https://services.example.com","kind":"service","subject":"backend"},"id":"L","link_time":"T","moved":[{"provider":"github","subject":"cy"}],"primary":"github|ann","proof":"service","secondary":"github|cy"}
    "#);
    assert_eq!(links(&lines[2]), links(&lines[1]).lines().next().unwrap());
}

#[tokio::test]
async fn the_form_of_auth0_is_that_of_its_http() {
    let server = TestServer::start_auth0().await;
    let backend = server.backend();
    for (user, email) in [("ann", "ann@example.com"), ("bob", "bob@example.com")] {
        let new = value!({"connection": "github", "user_id": user, "email": email, "email_verified": true,
            "given_name": user, "user_metadata": {"size": "L"}, "blocked": user == "bob"});
        backend.post("/api/v2/users", &new).await.ok();
    }
    server.service().link(link_user("github|ann", "github|bob")).await.unwrap_err();
    let cy = value!({"connection": "apple", "user_id": "cy", "name": "Cy"});
    backend.post("/api/v2/users", &cy).await.ok();
    server.service().link(link_user("github|ann", "apple|cy")).await.unwrap();
    let file = config_file(&server.database, |toml| toml + AUTH0);
    let command = ["export", "--tenant", "default", "--format", "auth0", "--config"];

    let ran = run_command(binary(&[&command[..], &[file.to_str().unwrap()]].concat()));

    let lines: Vec<_> = ran.stdout.lines().map(json).collect();
    let read = async |id| backend.get(&format!("/api/v2/users/{id}")).await.ok();
    assert_eq!(lines, [read("github%7Cann").await, read("github%7Cbob").await]);
    assert_eq!(lines[0]["identities"][1]["profileData"]["name"], "Cy");
}

#[tokio::test]
async fn an_id_list_selects_users_and_names_those_that_do_not_exist() {
    let server = with_ann_and_bob().await;
    // The id of an absorbed user, ids that are there twice, and two without a user.
    let text = "\u{feff}google-oauth2|ann\r\n\r\nnone\napple|bob\napple|bob\ngithub|ann\nnobody";
    let file = list("export_ids", text.as_bytes());

    let ran = run_command(export(
        &server.database,
        &["--tenant", "joined", "--ids", file.to_str().unwrap()],
    ));

    let lines: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
    assert_eq!(ids(&lines), ["apple|bob", "github|ann"]);
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert!(said[0].starts_with("joined: wrote 2 users; position: "), "{said:?}");
    let unknown = format!("identity-link: {}: 2 ids have no user, in line 3, 7", file.display());
    assert_eq!((ran.code, &said[1..]), (Some(3), &[unknown.as_str()][..]));
}

/// The holder is outside of the list, and two ids of it lead there.
#[tokio::test]
async fn the_holder_of_absorbed_users_is_written_once() {
    let server = with_ann_and_bob().await;
    let service = server.service_of("joined");
    service.create("github", "cy").await;
    service.link(link_user("github|ann", "github|cy")).await.unwrap();
    let file = list("export_holder", b"google-oauth2|ann\ngithub|cy\n");

    let (lines, _) =
        exported(&server.database, &["--tenant", "joined", "--ids", file.to_str().unwrap()]);

    assert_eq!(ids(&lines), ["github|ann"]);
    assert_eq!(json(&lines[0])["aliases"], value!(["github|cy", "google-oauth2|ann"]));
}

#[tokio::test]
async fn bad_arguments_are_refused_all_lines_of_a_list_at_once() {
    let server = TestServer::start().await;
    let bad = list("export_bad_ids", b"good\nno id\n\xff\n");
    let bad = bad.to_str().unwrap();
    let said = |arguments: &[&str]| {
        let Ran { code, stdout, stderr } = run_command(export(&server.database, arguments));
        assert_eq!(stdout, "");
        let line = stderr.lines().next().unwrap().replace(bad, "ids.txt");
        format!("{} {line}", code.unwrap())
    };
    let all = [
        said(&[]),
        said(&["--tenant", "nowhere"]),
        said(&["--tenant", "other", "--ids", bad]),
        said(&["--tenant", "other", "--ids", "/nowhere/ids.txt"]),
        said(&["--tenant", "other", "--format", "auth0", "--history"]),
        said(&["--tenant", "other", "--format", "auth0", "--since", "x"]),
        said(&["--tenant", "other", "--format", "csv"]),
        said(&["--tenant", "other", "--ids", bad, "--since", "x"]),
    ];
    insta::assert_snapshot!(all.join("\n"), @"
    64 identity-link: --tenant: is required: one of default, joined, other
    64 identity-link: --tenant: must be one of default, joined, other
    64 identity-link: ids.txt: an id must be 1 to 255 printable ASCII characters without spaces: see line 2, 3
    1 identity-link: /nowhere/ids.txt cannot be read: No such file or directory (os error 2)
    64 identity-link: --history: Auth0's form has no links: use --format neutral
    64 identity-link: --since: Auth0's form has no deleted users: use --format neutral
    2 error: invalid value 'csv' for '--format <FORM>'
    2 error: the argument '--ids <FILE>' cannot be used with '--since <POSITION>'
    ");
}
