//! Keycloak's users.

use expect_test::expect;

use super::*;

#[test]
fn the_sample() {
    expect![[r#"
        4 {"id":"6a1e0000-0000-4000-8000-000000000001","create_time":"2021-03-04T05:06:07.089000Z","app_metadata":{"locale":["de"],"phone":["+15555550101"]},"identities":[{"provider":"keycloak","subject":"6a1e0000-0000-4000-8000-000000000001","email":"mara.quill@example.com","email_verified":true,"profile_data":{"family_name":"Quill","given_name":"Mara","preferred_username":"mara"}},{"provider":"google","subject":"109000000000000000001","profile_data":{"preferred_username":"mara.q@gmail.example"}},{"provider":"github","subject":"7654321","profile_data":{"preferred_username":"mara-q"}}]}
          left out: {Password: 1} {"groups": 1, "realmRoles": 1}
        54 {"id":"6a1e0000-0000-4000-8000-000000000002","create_time":"2022-01-02T03:04:05.006000Z","identities":[{"provider":"keycloak","subject":"6a1e0000-0000-4000-8000-000000000002","email":"tomas.berg@example.com","profile_data":{"preferred_username":"tomas.berg@example.com"}}]}
          left out: {} {"realmRoles": 1, "requiredActions": 1}
        73 {"id":"6a1e0000-0000-4000-8000-000000000003","create_time":"2023-05-06T07:08:09.010000Z","blocked":true,"tokens_valid_from":"2023-11-14T22:13:20.000000Z","identities":[{"provider":"Acme OIDC","subject":"acme|42","profile_data":{"preferred_username":"jo"}}]}
        94 {"id":"f:6a1e0000-0000-4000-8000-0000000000ff:jdoe","create_time":"2023-05-06T07:08:09.011000Z","identities":[{"provider":"keycloak","subject":"f:6a1e0000-0000-4000-8000-0000000000ff:jdoe","email":"jdoe@example.com","email_verified":true,"profile_data":{"preferred_username":"jdoe"}}]}
        108 skipped: a service account of a client, which is no person
    "#]].assert_eq(&read(Format::Keycloak, "keycloak-users-0.json"));
}

#[test]
fn a_realm_has_users_behind_other_members_or_none() {
    let files = r#"{"id":"r","realm":"shop","roles":{"realm":[{"name":"x"}]},"clients":[],"users":[{"id":"a","enabled":true}],"scopes":{}}
        {"realm":"other","clients":[{"users":[1]}]} [{"realm":"third","users":[{"id":"b"}]}]"#;
    expect![[r#"
        1 {"id":"a","identities":[{"provider":"keycloak","subject":"a"}]}
        2 {"id":"b","blocked":true,"identities":[{"provider":"keycloak","subject":"b"}]}
    "#]]
    .assert_eq(&read_text(Format::Keycloak, files));
}
