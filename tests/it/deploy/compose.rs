//! The composition: its form, and that its parts fit together. No test starts it.

use std::fs;

use serde_json::Value;

use super::python;
use crate::support::child::run;

const CONFIG: &str = "deploy/compose/identity-link.toml";

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
