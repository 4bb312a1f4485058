//! `config schema` and `config example`, which are made from the declared keys.

use serde_json::json;

use super::*;
use crate::support::python::{packages, python};

const REQUIREMENTS: &str = "tests/it/python/openapi-requirements.txt";

/// A file as the JSON that a validator of JSON Schema takes.
pub(crate) fn as_json(toml: &str) -> Value {
    serde_json::to_value(toml.parse::<toml::Table>().unwrap()).unwrap()
}

/// What is wrong with each of these files by the schema that the command prints: the path, and the
/// rule.
pub(crate) fn wrong(name: &str, files: &[Value]) -> Vec<Vec<String>> {
    let ran = run(&["config", "schema"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let dir = temp_dir(&format!("schema_{name}"));
    let (schema, instances) = (dir.join("schema.json"), dir.join("instances.json"));
    fs::write(&schema, ran.stdout).unwrap();
    fs::write(&instances, json!(files).to_string()).unwrap();
    let arguments =
        ["tests/it/python/schema.py", schema.to_str().unwrap(), instances.to_str().unwrap()];
    serde_json::from_str(&python(&[&packages("openapi", REQUIREMENTS)], &arguments)).unwrap()
}

#[test]
fn a_validator_accepts_good_files_and_refuses_broken_ones_by_the_schema() {
    let good = good_toml(&nowhere());
    let example = run(&["config", "example"]).stdout;
    let broken = [
        "lissten = \"127.0.0.1:1\"\n",
        "listen = 50051\n",
        "max_call_time = \"30\"\nshutdown_grace = 30\n",
        "max_concurrent_calls = 0\nreflection = \"maybe\"\n",
        "[listener]\nmax_connections = 100001\nidle_timeout = \"soon\"\n",
        "[management]\n",
        "[tenants.\"Bad Name\"]\n",
        "[tenants.t]\nregistration = \"maybe\"\nuser_ids = \"email\"\n",
        "[tenants.t.providers.p]\nmode = \"both\"\nauthoritative_domains = \"gmail.com\"\nlink = \"off\"\n",
        "[tenants.t.providers.p.oauth]\nclient_id = 7\nredirect_uris = [7]\npreset = \"gogle\"\n",
        "[issuers.i]\nissuer = \"https://i.example.com\"\nkind = \"robot\"\nlink_with = {}\n",
    ];
    let with_broken = broken.map(|lines| {
        let mut file = as_json(&good);
        for (key, value) in as_json(lines).as_object().unwrap() {
            match (key.as_str(), value.as_object()) {
                ("tenants" | "issuers", Some(tables)) => {
                    file[key].as_object_mut().unwrap().extend(tables.clone());
                }
                _ => file[key] = value.clone(),
            }
        }
        file
    });
    let files = [vec![as_json(&good), as_json(&example), json!({})], with_broken.to_vec()].concat();

    let found = wrong("broken", &files);

    assert_eq!((&found[0], &found[1]), (&Vec::new(), &Vec::new()));
    let lines: Vec<String> = found[2..].iter().map(|rules| rules.join(", ")).collect();
    insta::assert_snapshot!(lines.join("\n"), @"
        : required, : required, : required, : required
        : additionalProperties
        listen: type
        max_call_time: pattern, shutdown_grace: type
        max_concurrent_calls: minimum, reflection: type
        listener.idle_timeout: pattern, listener.max_connections: maximum
        management: required
        tenants: pattern
        tenants.t.registration: enum, tenants.t.user_ids: enum
        tenants.t.providers.p.authoritative_domains: type, tenants.t.providers.p.mode: enum, tenants.t.providers.p: additionalProperties
        tenants.t.providers.p.oauth.client_id: type, tenants.t.providers.p.oauth.preset: enum, tenants.t.providers.p.oauth.redirect_uris.0: type
        issuers.i.kind: enum, issuers.i.link_with: required, issuers.i: required
    ");
}

#[test]
fn check_config_accepts_the_example_and_its_alias_is_the_same_command() {
    let dir = temp_dir("example");
    fs::write(dir.join("config.toml"), run(&["config", "example"]).stdout).unwrap();
    let stdout = "the configuration is valid".to_owned();
    let valid = Ran { code: Some(0), stdout, stderr: String::new() };
    assert_eq!(run_in(&dir, "config check", &[]), valid);
    assert_eq!(run_in(&dir, "check-config", &[]), valid);
}

/// A key that an editor offers has its meaning, its bounds and its default.
#[test]
fn the_schema_says_of_a_key_what_the_reference_page_does() {
    let schema: Value = serde_json::from_str(&run(&["config", "schema"]).stdout).unwrap();
    let heartbeat = &schema["properties"]["feed"]["properties"]["heartbeat"];
    let meaning = heartbeat["description"].as_str().unwrap();
    assert!(
        meaning.ends_with("A time such as \"30s\", \"10m\" or \"1h\", from 1s to 5m."),
        "{meaning}"
    );
    assert_eq!(heartbeat["default"], "15s");
    let tenant = &schema["properties"]["tenants"]["additionalProperties"];
    assert_eq!(tenant["properties"]["registration"]["enum"], json!(["open", "ask", "closed"]));
    assert_eq!(tenant["additionalProperties"], false);
    let connections = &schema["properties"]["database"]["properties"]["max_connections"];
    assert_eq!(
        (&connections["minimum"], &connections["maximum"], &connections["default"]),
        (&json!(1), &json!(1000), &json!(8))
    );
}
