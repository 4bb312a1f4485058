//! Auth0's own client for Node.js, which takes the service for its domain: the present one, and the
//! generation before, which many still use. What no client of ours would show is in here: how they
//! write ids into paths, what they expect of answers, and what they throw.

use serde_json::{Value, json};

use crate::support::{auth0_domain::Auth0Domain, child::run_command, npm, tokens::Token};

/// The folder with the programs for Node.js and the page, and what they need.
pub(super) const SOURCE: &str = "tests/it/auth0-node";

/// The tokens of the stories: a back end's, and those of the two accounts of "Linking User
/// Accounts".
pub(super) fn tokens() -> Value {
    json!({
        "service": Token::of("services", "backend").sign(),
        "john": Token::of("google-oauth2", "115015401343387192604").sign(),
        // From before whatever the story does.
        "sms": Token::of("sms", "560ebaeef609ee1adaa7c551").issued_ago(60).sign(),
    })
}

/// What a program prints that uses this client with the tokens of the stories.
pub(super) async fn printed(program: &'static str, generation: &'static str) -> String {
    let domain = Auth0Domain::start().await;
    let tokens = tokens().to_string();
    let run = move || {
        let mut command = npm::program(SOURCE, program);
        command
            .args([generation, &domain.name, &tokens])
            .env("NODE_EXTRA_CA_CERTS", &domain.authority);
        run_command(command)
    };
    let ran = tokio::task::spawn_blocking(run).await.unwrap();
    assert_eq!(ran.code, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    ran.stdout
}

#[tokio::test]
async fn the_clients_for_node_find_their_users_here() {
    let newest = printed("story.mjs", "auth0").await;
    insta::assert_snapshot!(newest, @r#"
        created: {"user_id":"google-oauth2|115015401343387192604","email":"your0@email.com","email_verified":true,"name":"John Doe","nickname":"your0","picture":"data:","identities":[{"connection":"google-oauth2","user_id":"115015401343387192604","provider":"google-oauth2","isSocial":true}],"user_metadata":{"color":"red","size":7},"app_metadata":{"roles":["Admin"]},"blocked":false}
        created: {"user_id":"sms|560ebaeef609ee1adaa7c551","email_verified":false,"name":"+14258831929","nickname":"+14258831929","picture":"data:","identities":[{"connection":"sms","user_id":"560ebaeef609ee1adaa7c551","provider":"sms","isSocial":false}],"user_metadata":{"color":"blue"},"app_metadata":{},"blocked":false,"phone_number":"+14258831929","phone_verified":true}
        some fields: {"email":"your0@email.com","user_id":"google-oauth2|115015401343387192604"}
        all others: {"app_metadata":{"roles":["Admin"]},"blocked":false,"email":"your0@email.com","email_verified":true,"name":"John Doe","nickname":"your0","user_id":"google-oauth2|115015401343387192604","user_metadata":{"color":"red","size":7}}
        updated: {"user_id":"google-oauth2|115015401343387192604","email":"your0@email.com","email_verified":true,"name":"John Doe","nickname":"johnny","picture":"data:","identities":[{"connection":"google-oauth2","user_id":"115015401343387192604","provider":"google-oauth2","isSocial":true}],"user_metadata":{"shape":{"round":true},"size":7},"app_metadata":{},"blocked":false}
        the second page: {"start":2,"limit":2,"length":1,"total":3,"users":["sms|560ebaeef609ee1adaa7c551"]}
        searched: ["google-oauth2|115015401343387192604"]
        by email: [{"email_verified":true},{"email_verified":false}]
        linked by token: [{"connection":"google-oauth2","user_id":"115015401343387192604","provider":"google-oauth2","isSocial":true},{"connection":"sms","user_id":"560ebaeef609ee1adaa7c551","provider":"sms","isSocial":false,"profileData":{"phone_number":"+14258831929","phone_verified":true}}]
        its id: [404,"inexistent_user","The user does not exist any more: it was linked into another, which reading it with ?resolve=true shows."]
        linked again: [409,"identity_conflict","Specified identity already exists."]
        updated by its id: [404,"inexistent_user","The user does not exist any more: it was linked into another, which reading it with ?resolve=true shows."]
        the main one: [400,"operation_not_supported","Main identity cannot be removed."]
        unlinked: [{"connection":"google-oauth2","user_id":"115015401343387192604","provider":"google-oauth2","isSocial":true}]
        alone: {"user_id":"sms|560ebaeef609ee1adaa7c551","email_verified":false,"name":"+14258831929","nickname":"+14258831929","picture":"data:","identities":[{"connection":"sms","user_id":"560ebaeef609ee1adaa7c551","provider":"sms","isSocial":false}],"user_metadata":{},"app_metadata":{},"blocked":false,"phone_number":"+14258831929","phone_verified":true}
        a token that is none: [400,"invalid_body","Invalid token (link_with)."]
        a token from before it was unlinked: [400,"invalid_body","Invalid token (link_with)."]
        without a token: [403,"insufficient_scope","Insufficient scope; expected: update:users."]
        by another user: [403,"unowned_resource","User to be acted on does not match subject in bearer token."]
        with an invalid token: [401,null,"Invalid token."]
        linked by ids: ["google-oauth2","Username-Password-Authentication"]
        unlinked: ["google-oauth2"]
        a strange id: "sms|a/../b|c%2F?d#e"
        linked: ["115015401343387192604","a/../b|c%2F?d#e"]
        unlinked: ["115015401343387192604"]
        itself: [400,"invalid_body","Main identity and the new one are the same."]
        an account without a user: [400,"inexistent_identity","Linking to an inexistent identity is not allowed."]
        an unknown provider: [400,"inexistent_connection","The provider/connection is not configured."]
        an identity of another: [400,"inexistent_identity","The user has no such identity."]
        created twice: [409,"auth0_idp_error","The user already exists."]
        an unknown connection: [400,"inexistent_connection","The connection does not exist."]
        a password: [400,"invalid_body","Payload validation error: 'password is not stored here: people sign in at their providers'."]
        another email: [400,"invalid_body","Payload validation error: 'email cannot be updated: the identity's provider states it'."]
        a search by name: [400,"invalid_query_string","Query validation error: 'q: has the field `name`, which has no index; supported are user_id:\"…\", email:\"…\", email:jan* (three characters or more), email.raw:\"…\" (case-sensitive), email_verified:true, identities.provider:\"…\", identities.user_id:\"…\" and identities.connection:\"…\", joined by AND, with a leading - to exclude one; user_id, email and email.raw have an index: OR joins their terms too, in parentheses beside other terms'."]
        deleted: [404,"inexistent_user","The user does not exist."]
        left: {"start":0,"limit":50,"length":0,"total":0,"users":[]}
    "#);
    assert_eq!(printed("story.mjs", "auth0/legacy").await, newest);
}
