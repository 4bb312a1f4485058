//! Auth0's own client for Python, with the service as its domain. Its models check that each
//! response has Auth0's form.

use std::{fs, process::Command};

use identity_link_dev::packages::install_all;

use super::node::tokens;
use crate::support::{auth0_domain::Auth0Domain, child::run_command, fetched::fetched_dir};

const REQUIREMENTS: &str = "tests/it/auth0-python/requirements.txt";

/// What a program prints that uses the client with this token, or these.
pub(super) async fn printed(program: &'static str, tokens: String) -> String {
    let domain = Auth0Domain::start().await;
    let run = move || {
        let packages = fetched_dir("auth0-python", &[REQUIREMENTS]);
        install_all(REQUIREMENTS, &fs::read_to_string(REQUIREMENTS).unwrap(), &packages).unwrap();
        let mut command = Command::new("python3");
        command.args([&format!("tests/it/auth0-python/{program}"), &domain.name, &tokens]);
        command.env("PYTHONPATH", packages).env("SSL_CERT_FILE", &domain.authority);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[tokio::test]
async fn the_client_for_python_finds_its_users_here() {
    let printed = printed("story.py", tokens().to_string()).await;
    insta::assert_snapshot!(printed, @r#"
        created: {"app_metadata": {"roles": ["Admin"]}, "blocked": false, "email": "your0@email.com", "email_verified": true, "identities": [{"connection": "google-oauth2", "isSocial": true, "provider": "google-oauth2", "user_id": "115015401343387192604"}], "name": "John Doe", "nickname": "your0", "picture": "data", "user_id": "google-oauth2|115015401343387192604", "user_metadata": {"color": "red", "size": 7}}
        created: {"app_metadata": {}, "blocked": false, "email_verified": false, "identities": [{"connection": "sms", "isSocial": false, "provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"}], "name": "+14258831929", "nickname": "+14258831929", "phone_number": "+14258831929", "phone_verified": true, "picture": "data", "user_id": "sms|560ebaeef609ee1adaa7c551", "user_metadata": {"color": "blue"}}
        some fields: {"email": "your0@email.com", "user_id": "google-oauth2|115015401343387192604"}
        updated: {"app_metadata": {}, "blocked": false, "email": "your0@email.com", "email_verified": true, "identities": [{"connection": "google-oauth2", "isSocial": true, "provider": "google-oauth2", "user_id": "115015401343387192604"}], "name": "John Doe", "nickname": "johnny", "picture": "data", "user_id": "google-oauth2|115015401343387192604", "user_metadata": {"shape": {"round": true}, "size": 7}}
        pages: [[true], ["google-oauth2|115015401343387192604"], ["sms|560ebaeef609ee1adaa7c551"]]
        searched: ["google-oauth2|115015401343387192604"]
        linked by token: [{"connection": "google-oauth2", "isSocial": true, "provider": "google-oauth2", "user_id": "115015401343387192604"}, {"connection": "sms", "isSocial": false, "profileData": {"phone_number": "+14258831929", "phone_verified": true}, "provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"}]
        linked again: [409, "identity_conflict", "Specified identity already exists."]
        the main one: [400, "operation_not_supported", "Main identity cannot be removed."]
        unlinked: [{"connection": "google-oauth2", "isSocial": true, "provider": "google-oauth2", "user_id": "115015401343387192604"}]
        alone: {"app_metadata": {}, "blocked": false, "email_verified": false, "identities": [{"connection": "sms", "isSocial": false, "provider": "sms", "user_id": "560ebaeef609ee1adaa7c551"}], "name": "+14258831929", "nickname": "+14258831929", "phone_number": "+14258831929", "phone_verified": true, "picture": "data", "user_id": "sms|560ebaeef609ee1adaa7c551", "user_metadata": {}}
        a token that is none: [400, "invalid_body", "Invalid token (link_with)."]
        without a token: [403, "insufficient_scope", "Insufficient scope; expected: update:users."]
        by another user: [403, "unowned_resource", "User to be acted on does not match subject in bearer token."]
        with an invalid token: [401, null, "Invalid token."]
        linked by ids: ["google-oauth2", "Username-Password-Authentication"]
        unlinked: [{"connection": "google-oauth2", "isSocial": true, "provider": "google-oauth2", "user_id": "115015401343387192604"}]
        an account without a user: [400, "inexistent_identity", "Linking to an inexistent identity is not allowed."]
        created twice: [409, "auth0_idp_error", "The user already exists."]
        a password: [400, "invalid_body", "Payload validation error: 'password is not stored here: people sign in at their providers'."]
        a search by name: [400, "invalid_query_string", "Query validation error: 'q: has the field `name`, which has no index; supported are user_id:\"\u2026\", email:\"\u2026\", email:jan* (three characters or more), email.raw:\"\u2026\" (case-sensitive), email_verified:true, identities.provider:\"\u2026\", identities.user_id:\"\u2026\" and identities.connection:\"\u2026\", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'."]
        deleted: [404, "inexistent_user", "The user does not exist."]
    "#);
}
