//! The lines that `dev` prints: the whole story of two sample users, ready to paste.

use super::sample::{EMAIL, GOOGLE_SUBJECT, SMS_SUBJECT};

/// The id that a client makes for a request, and keeps for its retries.
const REQUEST_ID: &str = "9ba1f3a6-55a6-4c28-8d6f-1e4ad2a0c7b5";

/// A step of the story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What happens, in a sentence.
    pub what: &'static str,
    /// The command line.
    pub line: String,
}

/// The parameters of a story: a server at `address`, and the shell command `token`, which runs
/// `identity-link token` for the server's data folder.
#[derive(Debug, Clone, Copy)]
pub struct StoryContext<'a> {
    /// The command that prints a token.
    pub token: &'a str,
    /// The address of the server.
    pub address: &'a str,
}

impl StoryContext<'_> {
    fn call(self, bearer: &str, method: &str, body: &str) -> String {
        let Self { token, address } = self;
        format!(
            "grpcurl -plaintext -H \"authorization: Bearer $({token} {bearer})\" \
             -d '{body}' {address} identitylink.v1.{method}"
        )
    }
}

/// The step that watches the events of the story in its own terminal.
pub fn watch(context: StoryContext<'_>) -> Step {
    Step {
        what: "In a terminal of its own: a service watches the events as they happen, until Ctrl-C.",
        line: context.call(
            "--service shop",
            "EventService/WatchEvents",
            r#"{"from_end": "FEED_END_NEWEST"}"#,
        ),
    }
}

/// The steps of the story.
pub fn steps(context: StoryContext<'_>) -> Vec<Step> {
    let token = context.token;
    let google = format!("--identity google-oauth2 {GOOGLE_SUBJECT}");
    let sms = format!("--identity sms {SMS_SUBJECT}");
    let service = "--service backend".to_owned();
    let sms_identity = format!(r#"{{"provider": "sms", "subject": "{SMS_SUBJECT}"}}"#);
    let link_with = format!(r#""link_with": "'"$({token} {sms})"'""#);
    let (google_id, sms_id) =
        (format!("google-oauth2|{GOOGLE_SUBJECT}"), format!("sms|{SMS_SUBJECT}"));
    let call = |what, bearer: &str, rpc: &str, body: &str| Step {
        what,
        line: context.call(bearer, &format!("IdentityService/{rpc}"), body),
    };
    let resolve = call(
        "And the old id still resolves.",
        &service,
        "ResolveUsers",
        &format!(r#"{{"user_ids": ["{sms_id}"]}}"#),
    );
    let merge = format!(
        r#"{{"request_id": "{REQUEST_ID}", "user_id": "{google_id}", "source_user_id": "{sms_id}", "user_metadata": {{"strategy": "STRATEGY_MERGE"}}, "app_metadata": {{"strategy": "STRATEGY_MERGE"}}}}"#
    );
    vec![
        call(
            "A service finds the user by email.",
            &service,
            "FindByEmail",
            &format!(r#"{{"email": "{EMAIL}"}}"#),
        ),
        call(
            "A preview of what comes next: the response shows the result, and nothing is changed.",
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
            "The SMS account belongs to the Google user now.",
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
        call(
            "There are two users again.",
            &service,
            "GetUser",
            &format!(r#"{{"user_id": "{sms_id}"}}"#),
        ),
        call(
            "This time the metadata is merged first: the values of the primary win, arrays are joined.",
            &service,
            "MergeMetadata",
            &merge,
        ),
        call(
            "If the response was lost, the same call under its request_id gets it again, and no array is joined twice.",
            &service,
            "MergeMetadata",
            &merge,
        ),
        call(
            "Now a service links the two: it needs no proof.",
            &service,
            "Link",
            &format!(r#"{{"user_id": "{google_id}", "identity": {sms_identity}}}"#),
        ),
        call(
            "A link is undone as a whole by its id, which ResolveUsers returns: two users again.",
            &service,
            "UndoLink",
            &format!(
                r#"{{"link_id": "'"$({} | sed -n 's/.*"linkId": *"\([^"]*\)".*/\1/p')"'"}}"#,
                resolve.line
            ),
        ),
    ]
}
