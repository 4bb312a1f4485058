//! The samples of the configuration, each read by the reader of the service.

use std::{fs, path::Path};

use identity_link::config::Config;

use super::pages::{Page, readme_and_book};
use crate::cli::schema::{as_json, wrong};
use crate::support::{
    child::temp_dir,
    tls::Authority,
    tokens::{keys_dir, pem, signing_key},
};

/// What a configuration has beside a sample that lacks it: the key, and the text.
const REQUIRED: [(&str, &str); 4] = [
    ("listen", "listen = \"127.0.0.1:50051\"\n"),
    ("database", "[database]\nurl = \"postgres://me@127.0.0.1/x\"\n"),
    ("tenants", "[tenants.default]\n"),
    (
        "issuers",
        "[issuers.rest]\nissuer = \"https://auth.example.com\"\nkind = \"service\"\n\
         tenant_claim = \"tenant\"\nalgorithms = [\"ES256\"]\ndiscovery = true\naudiences = [\"x\"]\n",
    ),
];

/// The configuration of which a sample is a part. What it lacks stands before it, so that a key
/// without a table may be there, or behind it.
fn completed(sample: &str) -> String {
    let table: toml::Table = sample.parse().unwrap();
    let lacks = |key: &str| !table.contains_key(key);
    let [first, behind @ ..] = REQUIRED;
    let mut text = if lacks(first.0) { first.1.to_owned() } else { String::new() };
    text.push_str(sample);
    behind.iter().filter(|(key, _)| lacks(key)).for_each(|(_, missing)| text.push_str(missing));
    text
}

/// Creates the files that the table names.
fn create_files(table: &toml::Table, folder: &Path) {
    let create = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    for (key, value) in table {
        match (key.as_str(), value) {
            (_, toml::Value::Table(table)) => create_files(table, folder),
            ("client_secret_file" | "password_file", toml::Value::String(name)) => {
                create(name, "a secret of at least 32 characters");
            }
            ("key_file", toml::Value::String(name)) => {
                create(name, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
            }
            ("old_key_files", toml::Value::Array(names)) => {
                for name in names {
                    create(
                        name.as_str().unwrap(),
                        "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n",
                    );
                }
            }
            ("client_secret_key_file", toml::Value::String(name)) => {
                create(name, &pem("PRIVATE KEY", signing_key("apple").as_bytes()));
            }
            ("ca", toml::Value::String(name)) => create(name, &Authority::new("documents").pem()),
            ("jwks_file", toml::Value::String(name)) => {
                create(name, &fs::read_to_string(keys_dir().join("github.json")).unwrap());
            }
            ("certificate", toml::Value::String(certificate)) => {
                let pair = Authority::new("documents").issue();
                create(certificate, &pair.certificate);
                create(table["key"].as_str().unwrap(), &pair.key);
            }
            _ => {}
        }
    }
}

/// The configuration of which this sample is a part, as the service reads it from this folder,
/// which takes the place of `/etc/identity-link`.
fn read(page: &Page, sample: &str, folder: &Path) -> Config {
    let sample = sample.replace("/etc/identity-link", folder.to_str().unwrap());
    create_files(&sample.parse().unwrap(), folder);
    fs::write(folder.join("db-ca.pem"), Authority::new("database").pem()).unwrap();
    Config::parse(&completed(&sample), folder, [])
        .unwrap_or_else(|problems| panic!("{}: {problems}\n{sample}", page.path))
}

#[test]
fn each_sample_of_the_configuration_is_valid() {
    let folder = temp_dir("documented_samples");
    let mut samples = 0;
    for page in readme_and_book() {
        for sample in page.blocks_in("toml") {
            read(&page, &sample, &folder);
            samples += 1;
        }
    }
    assert!(samples > 15, "{samples} samples only: are they still in the language toml?");
}

/// An editor that checks a file by the schema has no objection to one that the service accepts.
#[test]
fn each_sample_of_the_configuration_matches_the_schema() {
    let samples: Vec<String> =
        readme_and_book().iter().flat_map(|page| page.blocks_in("toml")).collect();
    let files: Vec<_> = samples.iter().map(|sample| as_json(&completed(sample))).collect();
    for (sample, found) in samples.iter().zip(wrong("samples", &files)) {
        assert_eq!(found, [""; 0], "{sample}");
    }
}

/// The sample for a move from Auth0 has Auth0's rules for a proof.
#[test]
fn the_sample_for_a_move_from_auth0_serves_its_clients() {
    let page = Page::read("docs/tutorials/coming-from-auth0.md");

    let config = read(&page, &page.blocks_in("toml")[0], &temp_dir("documented_move"));

    assert!(config.auth0.is_some());
    assert!(config.issuers[0].link_with.as_ref().unwrap().same_client);
}
