//! The composition: its form, that its parts fit together, and that its commands serve from nothing.
//! No container engine starts it.

use std::{fs, net::SocketAddr, process::Command};

use serde_json::{Value, json};

use super::python;
use crate::support::{
    child::{Running, binary, run, run_command},
    cluster::{Database, cluster},
};

const CONFIG: &str = "deploy/compose/identity-link.toml";
/// Where the composition mounts it.
const MOUNTED: &str = "/etc/identity-link/identity-link.toml";

/// The services of the composition.
fn services() -> Value {
    let script = "import json, yaml; print(json.dumps(yaml.safe_load(open('deploy/compose.yaml'))['services']))";
    serde_json::from_str(&python(&["-c", script])).unwrap()
}

/// The command of a service, on this database.
fn command(arguments: &Value, database: &Database, management: &str) -> Command {
    let arguments = arguments.as_array().unwrap().iter().map(|part| part.as_str().unwrap());
    let arguments: Vec<&str> =
        arguments.map(|part| if part == MOUNTED { CONFIG } else { part }).collect();
    let mut command = binary(&arguments);
    command
        .env("IDENTITY_LINK__DATABASE__URL", &database.url)
        .env("IDENTITY_LINK__LISTEN", "127.0.0.1:0")
        .env("IDENTITY_LINK__MANAGEMENT__LISTEN", management);
    command
}

/// `up` starts it in order; after a restart of the machine there is none.
#[tokio::test(flavor = "multi_thread")]
async fn its_commands_serve_from_an_empty_database_in_any_order() {
    let services = services();
    let (migrate, server) = (&services["migrate"], &services["identity-link"]);
    assert_eq!(
        (&migrate["depends_on"], &server["depends_on"]),
        (
            &json!({"postgres": {"condition": "service_healthy"}}),
            &json!({"migrate": {"condition": "service_completed_successfully"}}),
        )
    );
    let health = server["healthcheck"]["test"].as_array().unwrap();
    assert_eq!(health[..2], [json!("CMD"), json!("/usr/bin/identity-link")]);
    let health = Value::from(&health[2..]);
    let database = cluster().db_empty().await;

    let mut serving = Running::start(command(&server["command"], &database, "127.0.0.1:0"));
    let line = serving.stderr_until(|line| line.contains(r#""message":"serving management""#));
    let line: Value = serde_json::from_str(&line).unwrap();
    let management: SocketAddr = line["address"].as_str().unwrap().parse().unwrap();
    let is_healthy =
        || run_command(command(&health, &database, &management.to_string())).code == Some(0);
    serving.stderr_until(|line| line.contains(r#""message":"waiting for the database""#));
    assert!(!is_healthy());

    let migrated = run_command(command(&migrate["command"], &database, "127.0.0.1:0"));
    assert_eq!(migrated.code, Some(0), "{}", migrated.stderr);
    serving.stderr_until(|line| line.contains(r#""message":"serving""#));
    assert!(is_healthy());
}

#[test]
fn the_composition_is_valid() {
    let checked = python(&[
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.compose-spec",
        "deploy/compose.yaml",
    ]);
    assert_eq!(checked, "ok -- validation done");
    let checked = run(&["check-config", "--config", CONFIG]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
}

/// The server writes temporary files, and nothing else.
#[test]
fn the_server_has_a_read_only_root_and_a_volume_for_temporary_files() {
    let server = &services()["identity-link"];
    assert_eq!((&server["read_only"], &server["tmpfs"]), (&true.into(), &Value::Null));
    let volumes = server["volumes"].as_array().unwrap().iter().map(|of| of.as_str().unwrap());
    let written: Vec<&str> = volumes.filter(|volume| !volume.ends_with(":ro")).collect();
    assert_eq!(written, ["temporary:/tmp"]);
}

/// What it mounts of its own is in the repository.
#[test]
fn each_file_that_the_composition_mounts_exists() {
    let text = fs::read_to_string("deploy/compose.yaml").unwrap();
    let mounted =
        text.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next());
    let mounted: Vec<&str> = mounted.filter(|path| path.starts_with("compose/")).collect();
    assert_eq!(mounted.len(), 5, "{mounted:?}");
    for path in mounted {
        assert!(fs::exists(format!("deploy/{path}")).unwrap(), "{path}");
    }
}

/// The realm of Keycloak is what the service is configured for.
#[test]
fn the_provider_has_the_clients_that_the_configuration_names() {
    let config: toml::Table = fs::read_to_string(CONFIG).unwrap().parse().unwrap();
    let realm = fs::read_to_string("deploy/compose/keycloak/demo.json").unwrap();
    let realm: Value = serde_json::from_str(&realm).unwrap();
    let [people, backend] = ["identity-link", "backend"].map(|id| {
        let mut clients = realm["clients"].as_array().unwrap().iter();
        clients.find(|client| client["clientId"] == id).unwrap()
    });

    let oauth = &config["tenants"]["default"]["providers"]["keycloak"]["oauth"];
    let issuer = &config["issuers"]["keycloak"];
    let name = realm["realm"].as_str().unwrap();
    for named in [&oauth["issuer"], &issuer["issuer"]] {
        assert_eq!(named.as_str(), Some(&*format!("http://localhost:8080/realms/{name}")));
    }
    assert_eq!(oauth["client_id"].as_str(), people["clientId"].as_str());
    assert_eq!(oauth["client_secret"].as_str(), people["secret"].as_str());
    assert_eq!(oauth["redirect_uris"][0].as_str(), people["redirectUris"][0].as_str());
    let audience = &backend["protocolMappers"][0]["config"]["included.custom.audience"];
    assert_eq!(issuer["audiences"][0].as_str(), audience.as_str());
    for scope in issuer["allowed_scopes"].as_array().unwrap() {
        let scopes = backend["defaultClientScopes"].as_array().unwrap();
        assert!(scopes.iter().any(|given| given.as_str() == scope.as_str()), "{scope:?}");
    }
}
