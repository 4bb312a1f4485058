//! The lines that `dev` prints: the whole story of two sample users, ready to paste.

use crate::sample::{EMAIL, GOOGLE_SUBJECT, SMS_SUBJECT};

/// The id that a client makes for a request, and keeps for its retries.
const REQUEST_ID: &str = "9ba1f3a6-55a6-4c28-8d6f-1e4ad2a0c7b5";

/// The service of the story, as an option of `token`.
const SERVICE: &str = "--service backend";

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
    fn step(self, what: &'static str, bearer: &str, method: &str, body: &str) -> Step {
        let Self { token, address } = self;
        let line = format!(
            "grpcurl -plaintext -H \"authorization: Bearer $({token} {bearer})\" \
             -d '{body}' {address} identitylink.v1.{method}"
        );
        Step { what, line }
    }

    fn identity_step(self, what: &'static str, bearer: &str, rpc: &str, body: &str) -> Step {
        self.step(what, bearer, &format!("IdentityService/{rpc}"), body)
    }
}

/// The step that watches the events of the story in its own terminal.
pub fn watch(context: StoryContext<'_>) -> Step {
    context.step(
        "In a terminal of its own: a service watches the events as they happen, until Ctrl-C.",
        "--service shop",
        "EventService/WatchEvents",
        r#"{"from_end": "FEED_END_NEWEST"}"#,
    )
}

/// The steps of the story.
pub fn steps(context: StoryContext<'_>) -> Vec<Step> {
    [linked_by_the_person(context), unlinked_and_linked_by_a_service(context)].concat()
}

/// The person links the two users.
fn linked_by_the_person(context: StoryContext<'_>) -> Vec<Step> {
    let google = format!("--identity google-oauth2 {GOOGLE_SUBJECT}");
    let sms = format!("--identity sms {SMS_SUBJECT}");
    let link_with = format!(r#""link_with": "'"$({} {sms})"'""#, context.token);
    vec![
        context.identity_step(
            "A service finds the user by email.",
            SERVICE,
            "FindByEmail",
            &format!(r#"{{"email": "{EMAIL}"}}"#),
        ),
        context.identity_step(
            "A preview of what comes next: the response shows the result, and nothing is changed.",
            &google,
            "Link",
            &format!(r#"{{{link_with}, "validate_only": true}}"#),
        ),
        context.identity_step(
            "The person, signed in with Google, proves the SMS account too: two users become one.",
            &google,
            "Link",
            &format!("{{{link_with}}}"),
        ),
        context.identity_step(
            "The SMS account belongs to the Google user now.",
            SERVICE,
            "FindByIdentity",
            &format!(r#"{{"identity": {}}}"#, sms_identity()),
        ),
        resolve(context),
    ]
}

/// A service unlinks them, merges their metadata, links them and undoes the link.
fn unlinked_and_linked_by_a_service(context: StoryContext<'_>) -> Vec<Step> {
    let sms_identity = sms_identity();
    let (google_id, sms_id) = (google_id(), sms_id());
    let merge = format!(
        r#"{{"request_id": "{REQUEST_ID}", "user_id": "{google_id}", "source_user_id": "{sms_id}", "user_metadata": {{"strategy": "STRATEGY_MERGE"}}, "app_metadata": {{"strategy": "STRATEGY_MERGE"}}}}"#
    );
    let call = |what, rpc: &str, body: &str| context.identity_step(what, SERVICE, rpc, body);
    vec![
        call(
            "A service takes them apart again: the SMS user comes back under its own id, with its own metadata.",
            "Unlink",
            &format!(r#"{{"user_id": "{google_id}", "identity": {sms_identity}}}"#),
        ),
        call("There are two users again.", "GetUser", &format!(r#"{{"user_id": "{sms_id}"}}"#)),
        call(
            "This time the metadata is merged first: the values of the primary win, arrays are joined.",
            "MergeMetadata",
            &merge,
        ),
        call(
            "If the response was lost, the same call under its request_id gets it again, and no array is joined twice.",
            "MergeMetadata",
            &merge,
        ),
        call(
            "Now a service links the two: it needs no proof.",
            "Link",
            &format!(r#"{{"user_id": "{google_id}", "identity": {sms_identity}}}"#),
        ),
        call(
            "A link is undone as a whole by its id, which ResolveUsers returns: two users again.",
            "UndoLink",
            &format!(
                r#"{{"link_id": "'"$({} | sed -n 's/.*"linkId": *"\([^"]*\)".*/\1/p')"'"}}"#,
                resolve(context).line
            ),
        ),
    ]
}

fn resolve(context: StoryContext<'_>) -> Step {
    context.identity_step(
        "And the old id still resolves.",
        SERVICE,
        "ResolveUsers",
        &format!(r#"{{"user_ids": ["{}"]}}"#, sms_id()),
    )
}

fn google_id() -> String {
    format!("google-oauth2|{GOOGLE_SUBJECT}")
}

fn sms_id() -> String {
    format!("sms|{SMS_SUBJECT}")
}

fn sms_identity() -> String {
    format!(r#"{{"provider": "sms", "subject": "{SMS_SUBJECT}"}}"#)
}
