//! Which module may use which library and which other module.

mod circles;

use std::{collections::BTreeSet, fs, path::Path};

/// Every source file with its code, without comments.
fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let code: Vec<&str> =
                text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
            files.push((path.display().to_string(), code.join("\n")));
        }
    }
    files
}

/// Whether the code contains this name as a word, or as the beginning of one such as
/// `tonic_health`. A `-` is part of a word: `google-oauth2` is one.
fn names(code: &str, name: &str) -> bool {
    code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').any(|word| {
        word == name || word.strip_prefix(name).is_some_and(|rest| rest.starts_with('_'))
    })
}

/// The files of the service and of `dev` that contain this name, except for those in `allowed`.
/// Panics if an allowed path does not contain it.
fn outside(name: &str, allowed: &[&str]) -> Vec<String> {
    let files = ["src", "dev/src"].map(|folder| sources(Path::new(folder))).concat();
    assert!(allowed.iter().all(|allowed| {
        files.iter().any(|(file, code)| file.starts_with(allowed) && names(code, name))
    }));
    let elsewhere =
        files.iter().filter(|(file, _)| !allowed.iter().any(|allowed| file.starts_with(allowed)));
    elsewhere.filter(|(_, code)| names(code, name)).map(|(file, _)| file.clone()).collect()
}

#[test]
fn each_library_is_used_in_its_own_modules_only() {
    assert_eq!(outside("diesel", &["src/store/"]), [""; 0]);
    assert_eq!(outside("tokio_postgres", &["src/store/"]), [""; 0]);
    assert_eq!(
        outside(
            "tonic",
            &[
                "src/calls/mod.rs",
                "src/console/",
                "src/grpc/",
                "src/server/",
                "src/telemetry/traces.rs",
                "src/wires/",
                "dev/src/demo/",
                "dev/src/sample.rs"
            ]
        ),
        [""; 0]
    );
    assert_eq!(outside("jsonwebtoken", &["src/auth/", "src/config/", "dev/src/keys.rs"]), [""; 0]);
    assert_eq!(outside("oauth2", &["src/oauth/"]), [""; 0]);
    assert_eq!(
        outside(
            "axum",
            &["src/auth0/", "src/console/", "src/management.rs", "src/pushes/", "dev/src/demo/"]
        ),
        [""; 0]
    );
    assert_eq!(outside("askama", &["src/console/pages/", "dev/src/demo/pages.rs"]), [""; 0]);
    assert_eq!(outside("tower_http", &["src/auth0/", "src/server/", "src/wires/"]), [""; 0]);
    assert_eq!(
        outside(
            "prost_reflect",
            &[
                "src/cli/client/json.rs",
                "src/wires/json.rs",
                "src/wires/json/",
                "src/wires/spellings.rs"
            ]
        ),
        [""; 0]
    );
    assert_eq!(outside("utoipa", &["src/auth0/"]), [""; 0]);
    assert_eq!(outside("flate2", &["src/transfer/"]), [""; 0]);
    assert_eq!(outside("governor", &["src/rate_limits/", "src/telemetry/traces.rs"]), [""; 0]);
    assert_eq!(
        outside(
            "rustix",
            &["src/cli/open_files.rs", "src/cli/client/table.rs", "dev/src/postgres/"]
        ),
        [""; 0]
    );
    assert_eq!(outside("identity_link_client", &["src/cli/client/"]), [""; 0]);
    assert_eq!(outside("tokio_rustls", &["src/listener/"]), [""; 0]);
    assert_eq!(outside("hyper_rustls", &["src/http_client.rs", "src/outgoing/"]), [""; 0]);
    // The generator for trace ids. Secrets are of aws-lc-rs's, which has the same name.
    assert_eq!(outside("rand", &["src/telemetry/", "src/secret.rs", "dev/src/keys.rs"]), [""; 0]);
    assert_eq!(outside("prometheus_client", &["src/telemetry/metrics"]), [""; 0]);
    assert_eq!(outside("opentelemetry", &["src/telemetry/"]), [""; 0]);
    assert_eq!(outside("csv_core", &["src/transfer/input/"]), [""; 0]);
    assert_eq!(
        outside(
            "tempfile",
            &["src/transfer/", "src/auth/key_source.rs", "src/config/oauth/tests.rs"]
        ),
        [""; 0]
    );
    // The service's crate has the word in the lines that forbid it.
    assert_eq!(
        outside("unsafe", &["src/lib.rs", "src/main.rs", "dev/src/postgres/account.rs"]),
        [""; 0]
    );
    assert_eq!(
        outside(
            "identity_link_proto",
            &["src/grpc/proto.rs", "dev/src/demo/", "dev/src/sample.rs"]
        ),
        [""; 0]
    );
    assert_eq!(outside("identity_link_dev", &["src/cli/dev.rs", "src/cli/token.rs"]), [""; 0]);
}

/// The modules of this crate that code names: `a` and `b` in `crate::a::…` and in
/// `use crate::{a::…, b}`.
fn modules(code: &str) -> BTreeSet<String> {
    let first_word = |text: &str| {
        text.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
    };
    let named = code.split("crate::").skip(1).flat_map(|path| {
        let Some(list) = path.strip_prefix('{') else { return vec![first_word(path)] };
        let (mut depth, mut outermost) = (0, String::new());
        for c in list.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            match depth {
                0 => outermost.push(c),
                1.. => {}
                _ => break,
            }
        }
        outermost.split(',').map(first_word).collect()
    });
    named.filter(|module| !module.is_empty()).collect()
}

/// The other modules of the service's crate that a module names.
fn used_by(module: &str) -> String {
    used_by_in("src", module)
}

/// The other modules of the crate with this source folder that a module names.
fn used_by_in(folder: &str, module: &str) -> String {
    let files = sources(Path::new(folder));
    let inside = files.iter().filter(|(file, _)| file.starts_with(&format!("{folder}/{module}")));
    let mut used: BTreeSet<String> = inside.flat_map(|(_, code)| modules(code)).collect();
    used.remove(module.trim_end_matches(".rs").trim_end_matches('/'));
    Vec::from_iter(used).join(" ")
}

#[test]
fn modules_depend_on_each_other_in_one_direction() {
    assert_eq!(
        modules("use crate::{ auth::{Caller, x}, store, }; crate::domain::Metadata"),
        ["auth", "domain", "store"].map(str::to_owned).into()
    );
    insta::assert_snapshot!(used_by("domain/"), @"");
    insta::assert_snapshot!(used_by("store/"), @"call_slots domain outgoing secret telemetry");
    insta::assert_snapshot!(used_by("auth/"), @"call_slots domain http_client outgoing secret telemetry");
    insta::assert_snapshot!(used_by("config/"), @"auth domain feed http_client listener oauth outgoing rate_limits sealing secret store telemetry");
    insta::assert_snapshot!(used_by("use_cases/"), @"auth call_slots clock config domain feed oauth sealing secret store telemetry");
    insta::assert_snapshot!(used_by("oauth/"), @"auth call_slots domain http_client i_json outgoing secret telemetry");
    insta::assert_snapshot!(used_by("feed/"), @"clock domain store");
    insta::assert_snapshot!(used_by("calls/"), @"auth call_slots clock domain listener store telemetry use_cases");
    insta::assert_snapshot!(used_by("auth0/"), @"auth calls clock config domain i_json rate_limits secret store telemetry transfer use_cases");
    insta::assert_snapshot!(used_by("pushes/"), @"auth calls clock domain rate_limits store telemetry use_cases");
    insta::assert_snapshot!(used_by("console/"), @"auth calls clock config domain grpc management oauth secret store telemetry transfer use_cases version");
    insta::assert_snapshot!(used_by("grpc/"), @"auth calls clock domain feed oauth rate_limits secret store telemetry transfer use_cases");
    insta::assert_snapshot!(used_by("transfer/"), @"auth clock config domain feed i_json secret store telemetry use_cases");
    insta::assert_snapshot!(used_by("server/"), @"auth auth0 calls clock config console domain feed grpc http_client listener management oauth pushes rate_limits store telemetry transfer use_cases wires");
    insta::assert_snapshot!(used_by("wires/"), @"auth calls domain grpc i_json listener telemetry use_cases");
    insta::assert_snapshot!(used_by("management.rs"), @"clock telemetry use_cases version");
    insta::assert_snapshot!(used_by("rate_limits/"), @"auth domain secret telemetry");
    insta::assert_snapshot!(used_by("call_slots.rs"), @"");
    insta::assert_snapshot!(used_by("doctor/"), @"auth clock config domain http_client listener oauth store");
    insta::assert_snapshot!(used_by("clock.rs"), @"");
    insta::assert_snapshot!(used_by("http_client.rs"), @"outgoing telemetry");
    insta::assert_snapshot!(used_by("outgoing/"), @"");
    insta::assert_snapshot!(used_by("sealing.rs"), @"secret");
    insta::assert_snapshot!(used_by("version.rs"), @"");
    insta::assert_snapshot!(used_by("i_json.rs"), @"domain");
    insta::assert_snapshot!(used_by("listener/"), @"");
    insta::assert_snapshot!(used_by("telemetry/"), @"version");
}

#[test]
fn modules_of_dev_depend_on_each_other_in_one_direction() {
    let used_by = |module| used_by_in("dev/src", module);
    insta::assert_snapshot!(used_by("keys.rs"), @"");
    insta::assert_snapshot!(used_by("packages.rs"), @"");
    insta::assert_snapshot!(used_by("postgres/"), @"packages");
    insta::assert_snapshot!(used_by("issuers.rs"), @"keys");
    insta::assert_snapshot!(used_by("sample.rs"), @"issuers");
    insta::assert_snapshot!(used_by("story.rs"), @"sample");
    insta::assert_snapshot!(used_by("demo/"), @"issuers keys");
    insta::assert_snapshot!(used_by("config.rs"), @"demo issuers keys");
}

/// The methods of the store that use the database, by name, with their bodies.
fn store_methods() -> Vec<(String, String)> {
    let code: String = sources(Path::new("src/store")).into_iter().map(|(_, code)| code).collect();
    let functions = code.split("pub async fn ").skip(1).map(|text| {
        let (signature, _) = text.split_once(')').unwrap();
        let name = signature.split(['(', '<']).next().unwrap();
        // A method ends at this indentation.
        let body = text.split("\n    }\n").next().unwrap();
        signature.contains("self").then(|| (name.to_owned(), body.to_owned()))
    });
    functions.flatten().collect()
}

/// Whether code calls a method of this name on anything but `self`.
fn calls(code: &str, name: &str) -> bool {
    let call = format!(".{name}(");
    code.match_indices(&call).any(|(at, _)| !code[..at].trim_end().ends_with("self"))
}

/// The methods of the store that a module calls. Panics if one of them writes.
fn reads_of(module: &str) -> String {
    const WRITES: [&str; 7] =
        ["INSERT", "UPDATE", "DELETE", "insert", ".execute(", "begin", "commit"];
    let files = sources(Path::new(module));
    for (file, code) in &files {
        // Without these names a call has no other form than `.name(`.
        assert!(!["Session::", "Store::"].iter().any(|name| code.contains(name)), "{file}");
    }
    let is_called = |name: &str| files.iter().any(|(_, code)| calls(code, name));
    let mut called = store_methods();
    called.retain(|(name, _)| is_called(name));
    for (name, body) in &called {
        let written = WRITES.iter().find(|write| body.contains(**write));
        assert_eq!(written, None, "{module} calls {name}");
    }
    let names: BTreeSet<String> = called.into_iter().map(|(name, _)| name).collect();
    Vec::from_iter(names).join(" ")
}

#[test]
fn the_transports_read_the_store_and_only_use_cases_write_it() {
    insta::assert_snapshot!(reads_of("src/grpc"), @"horizon id_states job job_lines jobs_before links_of_tenant live_users newest_position past_links session undone_links_between user_by_id user_by_identity users_by_email users_sharing_emails");
    insta::assert_snapshot!(reads_of("src/auth0"), @"count_users job job_lines search_users session users_by_root_email");
    insta::assert_snapshot!(reads_of("src/calls"), @"");
}

#[test]
fn only_commands_have_the_permission_of_the_operator() {
    let made = outside("of_operator", &["src/auth/permit.rs", "src/cli/"]);
    assert_eq!(made, [""; 0]);
    // The permission of a call that has ended is only that of its job.
    let made = outside("of_job", &["src/auth/permit.rs", "src/transfer/jobs/work.rs"]);
    assert_eq!(made, [""; 0]);
}

#[test]
fn link_with_is_verified_in_one_place() {
    let files = sources(Path::new("src")).into_iter();
    let named: BTreeSet<String> = files
        .filter(|(_, code)| code.contains("TokenUse::LinkWith"))
        .map(|(file, _)| file)
        .collect();
    assert_eq!(Vec::from_iter(named), ["src/auth/tokens.rs", "src/use_cases/link/link_with.rs"]);
}

/// The crates of this workspace that a manifest names as dependencies of these kinds; `?` marks an
/// optional one.
fn crates_used_by(manifest: &str, kinds: &[&str]) -> String {
    let manifest: toml::Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
    let tables =
        kinds.iter().filter_map(|kind| manifest.get(*kind)).map(|table| table.as_table().unwrap());
    let ours = tables.flatten().filter(|(name, _)| name.starts_with("identity-link")).map(
        |(name, settings)| {
            let is_optional = settings.get("optional").and_then(toml::Value::as_bool) == Some(true);
            format!("{name}{}", if is_optional { "?" } else { "" })
        },
    );
    ours.collect::<Vec<_>>().join(" ")
}

#[test]
fn the_service_does_without_dev_and_dev_and_proto_without_the_service() {
    let all = ["dependencies", "build-dependencies", "dev-dependencies"];
    insta::assert_snapshot!(crates_used_by("Cargo.toml", &all[..2]), @"identity-link-client identity-link-dev? identity-link-proto");
    insta::assert_snapshot!(crates_used_by("clients/rust/Cargo.toml", &all), @"identity-link-proto");
    insta::assert_snapshot!(crates_used_by("dev/Cargo.toml", &all), @"identity-link-proto");
    insta::assert_snapshot!(crates_used_by("proto/Cargo.toml", &all), @"");
}

#[test]
fn no_module_or_item_is_called_utils() {
    let files = ["src", "dev/src"].map(|folder| sources(Path::new(folder))).concat();
    assert!(files.iter().all(|(file, _)| {
        !["utils", "util", "helpers", "common"].iter().any(|name| names(file, name))
    }));
}
