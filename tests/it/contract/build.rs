//! The access table that a build makes of the protos.

#[path = "../../../build/access.rs"]
mod access_build;

use std::{fs, path::PathBuf};

use identity_link::{auth::access::TABLE, grpc::proto::DESCRIPTOR_SET};

use crate::support::child::temp_dir;

/// The access table that the build would generate for a service with this rpc, or the error of the
/// build.
fn build(name: &str, rpc: &str) -> Result<String, String> {
    let folder: PathBuf = temp_dir(name);
    let proto = format!(
        "syntax = \"proto3\"; package identitylink.v1; import \"identitylink/v1/access.proto\"; message M {{}} \
         service Good {{ rpc Get(M) returns (M) {{ option (access) = {{service_scope: \"read:users\"}}; }} }} \
         service Other {{ rpc Peek(M) returns (M) {rpc} }}"
    );
    fs::write(folder.join("other.proto"), proto).unwrap();
    let mut compiler = protox::Compiler::new([folder, PathBuf::from("proto")]).unwrap();
    compiler.include_imports(true).open_file("other.proto").unwrap();
    let rules = access_build::access_table(&compiler.encode_file_descriptor_set())?;
    Ok(access_build::to_rust(&rules))
}

#[test]
fn a_build_with_an_rpc_that_declares_no_access_fails() {
    let refused = |name: &str, rpc: &str| build(name, rpc).unwrap_err();

    insta::assert_snapshot!(refused("access_missing", ";"), @"rpc identitylink.v1.Other.Peek lacks its access: say who may call it with `option (access) = {…}`");
    insta::assert_snapshot!(refused("access_other_option", "{ option idempotency_level = NO_SIDE_EFFECTS; }"), @"rpc identitylink.v1.Other.Peek lacks its access: say who may call it with `option (access) = {…}`");
    insta::assert_snapshot!(refused("access_empty", "{ option (access) = {}; }"), @"the access of rpc identitylink.v1.Other.Peek admits no caller: name a scope");
    insta::assert_snapshot!(refused("access_blank", "{ option (access) = {self_scope: \"\" service_scope: \"\"}; }"), @"the access of rpc identitylink.v1.Other.Peek admits no caller: name a scope");
    insta::assert_snapshot!(refused("access_two", "{ option (access) = {self_scope: \"a b\"}; }"), @r#"the self_scope of rpc identitylink.v1.Other.Peek is not a scope: "a b""#);

    insta::assert_snapshot!(build("access_good", "{ option (access) = {self_scope: \"peek\"}; }").unwrap(), @r#"
        &[
            AccessRule { path: "/identitylink.v1.Good/Get", self_scope: None, service_scope: Some("read:users"), class: CallClass::Write, shape: CallShape::Unary },
            AccessRule { path: "/identitylink.v1.Other/Peek", self_scope: Some("peek"), service_scope: None, class: CallClass::Write, shape: CallShape::Unary },
        ]
    "#);
}

#[test]
fn the_table_of_the_server_is_the_one_of_the_protos() {
    let rules = access_build::access_table(DESCRIPTOR_SET).unwrap();
    let rules: Vec<_> = rules
        .iter()
        .map(|rule| {
            let scopes = [&rule.self_scope, &rule.service_scope].map(Option::as_deref);
            (rule.path.as_str(), scopes, rule.class.to_owned())
        })
        .collect();

    assert_eq!(
        rules,
        TABLE
            .iter()
            .map(|rule| {
                let scopes = [rule.self_scope, rule.service_scope];
                (rule.path, scopes, format!("{:?}", rule.class))
            })
            .collect::<Vec<_>>()
    );
}
