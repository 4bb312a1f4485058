//! The lines that `dev` prints: the whole story of two sample users, ready to paste.

use super::sample::{EMAIL, GOOGLE_SUBJECT, SMS_SUBJECT};

/// What a client makes for a request, and keeps for its retries.
const REQUEST_ID: &str = "9ba1f3a6-55a6-4c28-8d6f-1e4ad2a0c7b5";

/// A step of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens, in a sentence.
    pub what: &'static str,
    /// The command line.
    pub line: String,
}

/// The story, told to a server at `address` with tokens made by `token`, which is how the shell
/// runs `identity-link token` for its data folder.
pub fn steps(token: &str, address: &str) -> Vec<Step> {
    let google = format!("--identity google-oauth2 {GOOGLE_SUBJECT}");
    let sms = format!("--identity sms {SMS_SUBJECT}");
    let service = "--service backend".to_owned();
    let sms_identity = format!(r#"{{"provider": "sms", "subject": "{SMS_SUBJECT}"}}"#);
    let link_with = format!(r#""link_with": "'"$({token} {sms})"'""#);
    let (google_id, sms_id) = (format!("google-oauth2|{GOOGLE_SUBJECT}"), format!("sms|{SMS_SUBJECT}"));
    let call = |what, bearer: &str, rpc: &str, body: &str| Step {
        what,
        line: format!(
            "grpcurl -plaintext -H \"authorization: Bearer $({token} {bearer})\" \
             -d '{body}' {address} identity.v1.IdentityService/{rpc}"
        ),
    };
    let resolve =
        call("And the old id still resolves.", &service, "ResolveUsers", &format!(r#"{{"user_ids": ["{sms_id}"]}}"#));
    let merge = format!(
        r#"{{"request_id": "{REQUEST_ID}", "user_id": "{google_id}", "source_user_id": "{sms_id}", "user_metadata": {{"strategy": "STRATEGY_MERGE"}}, "app_metadata": {{"strategy": "STRATEGY_MERGE"}}}}"#
    );
    vec![
        call("A service finds who has the email.", &service, "FindByEmail", &format!(r#"{{"email": "{EMAIL}"}}"#)),
        call(
            "A preview of what comes next: everything is judged and told, and nothing is changed.",
            &google,
            "Link",
            &format!(r#"{{{link_with}, "validate_only": true}}"#),
        ),
        call(
            "The person, signed in with Google, proves the SMS account too: two users become one.",
            &google,
            "Link",
            &format!("{{{link_with}}}"),
        ),
        call(
            "Whoever signs in by SMS is the Google user now.",
            &service,
            "FindByIdentity",
            &format!(r#"{{"identity": {sms_identity}}}"#),
        ),
        resolve.clone(),
        call(
            "A service takes them apart again: the SMS user comes back under its own id, with its own metadata.",
            &service,
            "Unlink",
            &format!(r#"{{"user_id": "{google_id}", "identity": {sms_identity}}}"#),
        ),
        call("There are two users again.", &service, "GetUser", &format!(r#"{{"user_id": "{sms_id}"}}"#)),
        call(
            "This time the metadata is merged first: the values of the primary win, arrays are joined.",
            &service,
            "MergeMetadata",
            &merge,
        ),
        call(
            "Was the answer lost? The same call again, under its request_id: the same answer, and no array is joined twice.",
            &service,
            "MergeMetadata",
            &merge,
        ),
        call(
            "And linked, on the word of a service.",
            &service,
            "Link",
            &format!(r#"{{"user_id": "{google_id}", "identity": {sms_identity}}}"#),
        ),
        call(
            "A link is undone as a whole by its id, which ResolveUsers tells: two users again.",
            &service,
            "UndoLink",
            &format!(r#"{{"link_id": "'"$({} | sed -n 's/.*"linkId": *"\([^"]*\)".*/\1/p')"'"}}"#, resolve.line),
        ),
    ]
}
