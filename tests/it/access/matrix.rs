//! The outcome of every rpc for every type of caller, one table per question. The tables are for
//! review: each cell shows what a caller may do. After an intended change, correct them by hand. A
//! new rpc needs a good request in `requests.rs`.

pub(crate) mod callers;
mod moved;
mod requests;

use futures_util::{StreamExt as _, stream};
use identity_link::auth::{AccessRule, access::TABLE};
use tonic::Status;

use self::{
    callers::{Call, Cast},
    requests::{About, messages, tells},
};
use super::stranger;
use crate::support::{
    tokens::{SELF_SCOPES, SERVICE_SCOPES},
    *,
};

/// The words of the tables, and the outcomes that they stand for.
const WORDS: [(&str, &str); 15] = [
    ("missing", "Unauthenticated TOKEN_MISSING"),
    ("invalid", "Unauthenticated TOKEN_INVALID"),
    ("scope", "PermissionDenied SCOPE_INSUFFICIENT"),
    ("not yours", "PermissionDenied NOT_YOUR_USER"),
    ("sign in", "PermissionDenied REAUTHENTICATION_REQUIRED"),
    ("blocked", "PermissionDenied USER_BLOCKED"),
    ("is blocked", "FailedPrecondition USER_BLOCKED"),
    ("absorbed", "FailedPrecondition USER_ABSORBED"),
    ("no user", "NotFound USER_NOT_FOUND"),
    ("no identity", "NotFound IDENTITY_NOT_FOUND"),
    ("no link", "NotFound LINK_NOT_FOUND"),
    ("no provider", "NotFound PROVIDER_UNKNOWN"),
    ("off", "FailedPrecondition PROVIDER_EVENTS_OFF"),
    ("no job", "NotFound OPERATION_NOT_FOUND"),
    ("gone", "FailedPrecondition SIGN_IN_INVALID"),
];

/// How the account of a token came to its user, and whether the token was issued before or after.
pub(crate) const MOVED: [&str; 9] = [
    "absorbed before",
    "absorbed, that second",
    "proven before",
    "proven, that second",
    "proven after",
    "attached before",
    "attached after",
    "in a chain before",
    "once more before",
];

/// A server that trusts `stranger` with everything, so that no refusal is about the issuer.
async fn generous() -> TestServer {
    generous_with("").await
}

/// The same, with more in its configuration.
pub(crate) async fn generous_with(more: &str) -> TestServer {
    let scopes: Vec<String> = SELF_SCOPES
        .split(' ')
        .chain(SERVICE_SCOPES.split(' '))
        .map(|scope| format!("\"{scope}\""))
        .collect();
    let settings = format!(
        "kind_claim = \"kind\"\nsubject = \"subject\"\nprovider = \"acme\"\ntenant_claim = \"tenant\"\n\
         audiences = [\"identity-link\"]\nallowed_scopes = [{}]",
        scopes.join(", ")
    );
    // StartSignIn sends no request to GitHub.
    let client = "[tenants.default.providers.hub.oauth]\nkind = \"github\"\nclient_id = \"c\"\nclient_secret = \"s\"\n\
                  redirect_uris = [\"https://www.example.com/callback\"]\n";
    TestServer::start_with(cluster::cluster().db_migrated().await, |toml| {
        // The cells of a table are made at once.
        let toml =
            toml.replace("[feed]\n", "[transfers]\nmax_imports = 100\nmax_exports = 100\n[feed]\n");
        stranger(&toml, &settings) + client + more
    })
    .await
}

/// The outcome of an rpc, as a word.
fn word(rpc: &str, outcome: Result<Vec<u8>, Status>) -> String {
    match outcome {
        Ok(answer) if tells(rpc, &answer) => "ok".to_owned(),
        Ok(_) => "nobody".to_owned(),
        Err(status) => {
            let refused = refusal::<()>(Err(status));
            WORDS
                .iter()
                .find(|(_, said)| *said == refused)
                .map_or(refused, |(word, _)| (*word).to_owned())
        }
    }
}

/// The outcome of one rpc for one caller, with users that no other cell uses.
async fn cell(
    server: &TestServer,
    rule: &'static AccessRule,
    caller: &str,
    subject: String,
) -> String {
    let rpc = rule.path.rsplit('/').next().unwrap();
    let cast = Cast::create(server, subject).await;
    let Call { authorization, user_id, tenant } = callers::call(server, caller, rule, &cast).await;
    let messages = messages(
        rpc,
        &About { user_id: &user_id, subject: &cast.subject, link: &cast.link, tenant },
    );
    let metadata = authorization.as_deref().map(|value| ("authorization", value));
    word(rpc, server.raw_messages(rule.path, metadata.as_slice(), messages).await)
}

/// A table with a line per rpc and a column per caller.
async fn table(server: &TestServer, title: &str, callers: &[&str]) -> String {
    let cells = TABLE.iter().flat_map(|rule| callers.iter().map(move |caller| (rule, *caller)));
    let cells = cells
        .enumerate()
        .map(|(at, (rule, caller))| cell(server, rule, caller, format!("{title}-{at}")));
    let answers: Vec<String> = stream::iter(cells).buffered(6).collect().await;
    let names: Vec<&str> = TABLE.iter().map(|rule| rule.path.rsplit('/').next().unwrap()).collect();
    drawn(title, callers, &names, &answers)
}

/// The outcomes, row by row, with the names of the rows and of the columns.
pub(crate) fn drawn(title: &str, callers: &[&str], names: &[&str], answers: &[String]) -> String {
    let mut lines = vec![callers.iter().map(|caller| (*caller).to_owned()).collect::<Vec<_>>()];
    lines.extend(answers.chunks(callers.len()).map(<[String]>::to_vec));
    let width = |column: usize| lines.iter().map(|line| line[column].len()).max().unwrap();
    let names: Vec<&str> = [title].into_iter().chain(names.iter().copied()).collect();
    let longest = names.iter().map(|name| name.len()).max().unwrap();
    let line = |name: &str, line: &[String]| {
        let cells = line
            .iter()
            .enumerate()
            .map(|(column, cell)| format!(" | {cell:width$}", width = width(column)));
        format!("{name:longest$}{}", cells.collect::<String>()).trim_end().to_owned()
    };
    names
        .into_iter()
        .zip(&lines)
        .map(|(name, cells)| line(name, cells))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_words_of_the_tables() {
    let words: Vec<String> = WORDS.iter().map(|(word, said)| format!("{word:11} {said}")).collect();
    insta::assert_snapshot!(words.join("\n"), @r#"
        missing     Unauthenticated TOKEN_MISSING
        invalid     Unauthenticated TOKEN_INVALID
        scope       PermissionDenied SCOPE_INSUFFICIENT
        not yours   PermissionDenied NOT_YOUR_USER
        sign in     PermissionDenied REAUTHENTICATION_REQUIRED
        blocked     PermissionDenied USER_BLOCKED
        is blocked  FailedPrecondition USER_BLOCKED
        absorbed    FailedPrecondition USER_ABSORBED
        no user     NotFound USER_NOT_FOUND
        no identity NotFound IDENTITY_NOT_FOUND
        no link     NotFound LINK_NOT_FOUND
        no provider NotFound PROVIDER_UNKNOWN
        off         FailedPrecondition PROVIDER_EVENTS_OFF
        no job      NotFound OPERATION_NOT_FOUND
        gone        FailedPrecondition SIGN_IN_INVALID
    "#);
}

/// Without a token that is good in every way, a caller gets no data, and no refusal names what is
/// wrong.
#[tokio::test]
async fn tokens() {
    let callers = [
        "service",
        "nobody",
        "garbage",
        "expired",
        "audience",
        "issuer",
        "type",
        "algorithm",
        "key",
    ];
    insta::assert_snapshot!(table(&generous().await, "tokens", &callers).await, @"
    tokens                | service     | nobody  | garbage | expired | audience | issuer  | type    | algorithm | key
    ListEvents            | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    WatchEvents           | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    Link                  | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    Unlink                | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    UndoLink              | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    FindByEmail           | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    MergeMetadata         | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    CreateUser            | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    GetUser               | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    UpdateUser            | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    DeleteUser            | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    FindByIdentity        | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ResolveUsers          | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    SetPrimaryIdentity    | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListLinks             | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListUsers             | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListLinkCandidates    | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListConnections       | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    GetProviderToken      | no provider | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    FindDuplicates        | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ApplyPlan             | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    UndoLinks             | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    UploadPlan            | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ReadLines             | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListProviders         | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ReceiveLogoutToken    | off         | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ReceiveSecurityEvents | off         | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    StartSignIn           | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    CompleteSignIn        | gone        | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ResolveSignIn         | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ImportUsers           | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ExportUsers           | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ListOperations        | ok          | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    GetOperation          | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    DeleteOperation       | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    CancelOperation       | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    WaitOperation         | no job      | missing | invalid | invalid | invalid  | invalid | invalid | invalid   | invalid
    ");
}

/// A call needs exactly the scope of its rpc, for its own type of caller.
#[tokio::test]
async fn scopes() {
    let callers = [
        "user",
        "user, other scopes",
        "user, service scopes",
        "service",
        "service, other scopes",
        "service, self scopes",
        "service, part of it",
        "service, more than it",
    ];
    insta::assert_snapshot!(table(&generous().await, "scopes", &callers).await, @"
    scopes                | user  | user, other scopes | user, service scopes | service     | service, other scopes | service, self scopes | service, part of it | service, more than it
    ListEvents            | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    WatchEvents           | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    Link                  | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    Unlink                | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    UndoLink              | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    FindByEmail           | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    MergeMetadata         | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    CreateUser            | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    GetUser               | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    UpdateUser            | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    DeleteUser            | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    FindByIdentity        | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ResolveUsers          | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    SetPrimaryIdentity    | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ListLinks             | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ListUsers             | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ListLinkCandidates    | ok    | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ListConnections       | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    GetProviderToken      | scope | scope              | scope                | no provider | scope                 | scope                | scope               | scope
    FindDuplicates        | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ApplyPlan             | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    UndoLinks             | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    UploadPlan            | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ReadLines             | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    ListProviders         | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ReceiveLogoutToken    | scope | scope              | scope                | off         | scope                 | scope                | scope               | scope
    ReceiveSecurityEvents | scope | scope              | scope                | off         | scope                 | scope                | scope               | scope
    StartSignIn           | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    CompleteSignIn        | scope | scope              | scope                | gone        | scope                 | scope                | scope               | scope
    ResolveSignIn         | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ImportUsers           | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ExportUsers           | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    ListOperations        | scope | scope              | scope                | ok          | scope                 | scope                | scope               | scope
    GetOperation          | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    DeleteOperation       | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    CancelOperation       | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    WaitOperation         | scope | scope              | scope                | no job      | scope                 | scope                | scope               | scope
    ");
}

/// A user may act on itself by its own identities and ids; a service may act on all users of its
/// tenant.
#[tokio::test]
async fn whose() {
    let callers = [
        "user",
        "user, another's id",
        "user, absorbed id",
        "user that never was",
        "user elsewhere",
        "service",
        "service, absorbed id",
        "service elsewhere",
    ];
    insta::assert_snapshot!(table(&generous().await, "whose", &callers).await, @"
    whose                 | user  | user, another's id | user, absorbed id | user that never was | user elsewhere | service     | service, absorbed id | service elsewhere
    ListEvents            | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    WatchEvents           | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    Link                  | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    Unlink                | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    UndoLink              | ok    | ok                 | ok                | no user             | no link        | ok          | ok                   | no link
    FindByEmail           | scope | scope              | scope             | scope               | scope          | ok          | ok                   | nobody
    MergeMetadata         | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    CreateUser            | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    GetUser               | ok    | not yours          | ok                | no user             | not yours      | ok          | ok                   | no user
    UpdateUser            | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    DeleteUser            | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    FindByIdentity        | scope | scope              | scope             | scope               | scope          | ok          | ok                   | no identity
    ResolveUsers          | scope | scope              | scope             | scope               | scope          | ok          | ok                   | nobody
    SetPrimaryIdentity    | ok    | not yours          | absorbed          | no user             | not yours      | ok          | absorbed             | no user
    ListLinks             | ok    | not yours          | ok                | no user             | not yours      | ok          | ok                   | no user
    ListUsers             | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ListLinkCandidates    | ok    | not yours          | ok                | no user             | not yours      | ok          | ok                   | no user
    ListConnections       | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    GetProviderToken      | scope | scope              | scope             | scope               | scope          | no provider | no provider          | no provider
    FindDuplicates        | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ApplyPlan             | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    UndoLinks             | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    UploadPlan            | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ReadLines             | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    ListProviders         | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ReceiveLogoutToken    | scope | scope              | scope             | scope               | scope          | off         | off                  | no provider
    ReceiveSecurityEvents | scope | scope              | scope             | scope               | scope          | off         | off                  | no provider
    StartSignIn           | scope | scope              | scope             | scope               | scope          | ok          | ok                   | no provider
    CompleteSignIn        | scope | scope              | scope             | scope               | scope          | gone        | gone                 | gone
    ResolveSignIn         | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ImportUsers           | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ExportUsers           | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    ListOperations        | scope | scope              | scope             | scope               | scope          | ok          | ok                   | ok
    GetOperation          | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    DeleteOperation       | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    CancelOperation       | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    WaitOperation         | scope | scope              | scope             | scope               | scope          | no job      | no job               | no job
    ");
}

/// What a user may do as an absorbed, a blocked or an unlinked one, or with an old sign-in.
#[tokio::test]
async fn standing() {
    let callers = [
        "absorbed identity",
        "absorbed id, before",
        "absorbed id, after",
        "blocked user",
        "service, blocked user",
        "withdrawn token",
        "old sign-in",
    ];
    insta::assert_snapshot!(table(&generous().await, "standing", &callers).await, @"
    standing              | absorbed identity | absorbed id, before | absorbed id, after | blocked user | service, blocked user | withdrawn token | old sign-in
    ListEvents            | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    WatchEvents           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    Link                  | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | sign in
    Unlink                | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | sign in
    UndoLink              | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | sign in
    FindByEmail           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    MergeMetadata         | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | ok
    CreateUser            | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    GetUser               | ok                | ok                  | ok                 | blocked      | ok                    | invalid         | ok
    UpdateUser            | ok                | sign in             | ok                 | blocked      | ok                    | invalid         | ok
    DeleteUser            | ok                | sign in             | ok                 | blocked      | ok                    | invalid         | sign in
    FindByIdentity        | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ResolveUsers          | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    SetPrimaryIdentity    | ok                | sign in             | ok                 | blocked      | is blocked            | invalid         | sign in
    ListLinks             | ok                | ok                  | ok                 | blocked      | ok                    | invalid         | ok
    ListUsers             | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ListLinkCandidates    | ok                | ok                  | ok                 | blocked      | ok                    | invalid         | ok
    ListConnections       | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    GetProviderToken      | scope             | scope               | scope              | scope        | no provider           | scope           | scope
    FindDuplicates        | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ApplyPlan             | scope             | scope               | scope              | scope        | no job                | scope           | scope
    UndoLinks             | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    UploadPlan            | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ReadLines             | scope             | scope               | scope              | scope        | no job                | scope           | scope
    ListProviders         | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ReceiveLogoutToken    | scope             | scope               | scope              | scope        | off                   | scope           | scope
    ReceiveSecurityEvents | scope             | scope               | scope              | scope        | off                   | scope           | scope
    StartSignIn           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    CompleteSignIn        | scope             | scope               | scope              | scope        | gone                  | scope           | scope
    ResolveSignIn         | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ImportUsers           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ExportUsers           | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    ListOperations        | scope             | scope               | scope              | scope        | ok                    | scope           | scope
    GetOperation          | scope             | scope               | scope              | scope        | no job                | scope           | scope
    DeleteOperation       | scope             | scope               | scope              | scope        | no job                | scope           | scope
    CancelOperation       | scope             | scope               | scope              | scope        | no job                | scope           | scope
    WaitOperation         | scope             | scope               | scope              | scope        | no job                | scope           | scope
    ");
}
