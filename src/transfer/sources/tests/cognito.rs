//! Cognito's users.

use expect_test::expect;

use super::*;

#[test]
fn the_sample() {
    expect![[r#"
        3 {"id":"0b8f3f5e-0001-4001-8001-000000000001","create_time":"2026-01-02T02:04:05.006000Z","update_time":"2026-01-02T02:04:05.006000Z","app_metadata":{"custom:plan":"gold"},"identities":[{"provider":"cognito","subject":"0b8f3f5e-0001-4001-8001-000000000001","email":"mara.quill@example.com","email_verified":true,"profile_data":{"phone_number":"+15555550101","phone_number_verified":false}},{"provider":"Google","subject":"109000000000000000001","attach_time":"2022-04-19T19:59:37.875000Z"},{"provider":"SignInWithApple","subject":"000123.0a0b0c0d.0001","attach_time":"2022-04-19T19:59:37.876000Z"}]}
        40 {"id":"0b8f3f5e-0002-4002-8002-000000000002","create_time":"2026-01-02T02:04:05.006000Z","update_time":"2026-01-02T02:04:05.006000Z","identities":[{"provider":"Google","subject":"109000000000000000002","email":"Tomas.Berg@Example.com","profile_data":{"given_name":"Tomas"},"attach_time":"2022-04-19T19:59:37.877000Z"}]}
        69 {"id":"0b8f3f5e-0003-4003-8003-000000000003","create_time":"2026-01-02T02:04:05.006000Z","update_time":"2026-01-02T02:04:05.006000Z","identities":[{"provider":"Acme-SAML","subject":"Jo.Ives@Acme.example","email":"jo.ives@acme.example","attach_time":"2022-04-19T19:59:37.878000Z"}]}
        90 {"id":"0b8f3f5e-0004-4004-8004-000000000004","create_time":"2026-01-02T02:04:05.006000Z","update_time":"2026-01-02T02:04:05.006000Z","blocked":true,"identities":[{"provider":"cognito","subject":"0b8f3f5e-0004-4004-8004-000000000004","profile_data":{"phone_number":"+15555550104","phone_number_verified":true,"username":"+15555550104"}}]}
        111 {"id":"0b8f3f5e-0005-4005-8005-000000000005","create_time":"2026-01-02T02:04:05.006000Z","update_time":"2026-01-02T02:04:05.006000Z","identities":[{"provider":"Google","subject":"109000000000000000001","email":"mara.q@gmail.example","attach_time":"2022-04-19T19:59:37.879000Z"}]}
    "#]].assert_eq(&read(Format::Cognito, "cognito-list-users.json"));
}

#[test]
fn pages_follow_each_other_and_each_fault_is_named() {
    let pages = r#"{"Users":[],"PaginationToken":"x"}{"PaginationToken":"y"}{"Users":[
        {"Username":"a","UserStatus":"UNCONFIRMED","Enabled":true,"UserCreateDate":1650398377.876,"Attributes":[{"Name":"sub","Value":"a"},{"Name":"sub","Value":"b"},{"Name":"email_verified","Value":"1"}]},
        {"Username":"b","Attributes":[{"Name":"sub","Value":"b"},{"Name":"identities","Value":"[{\"userId\":1,\"userId\":2}]"}]},
        {"Username":"c"}]}"#;
    expect![[r#"
        2 refused
          Attributes/1/Name: This attribute occurs twice.
          Attributes: The attribute email_verified has to be true or false.
        3 refused
          UserStatus: This is missing.
          Enabled: This is missing.
          Attributes/identities/0/userId: This name occurs twice in its object: send it once.
        4 refused
          Attributes: The attribute sub, the user's id, is missing.
    "#]]
    .assert_eq(&read_text(Format::Cognito, pages));
}
