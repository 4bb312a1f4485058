//! Each call leaves one line, and none has a token, an email or metadata.

use std::fs;

use identity_link::grpc::proto::{
    self as pb, FindByEmailRequest, GetUserRequest, NewIdentity,
    google::longrunning::ListOperationsRequest,
};
use rustix::process::Signal;
use serde_json::{Map, Value, json};
use tonic::{
    Code, Status,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{SERVICE, SESAME};
use crate::support::{
    child::Running,
    cluster::{Database, cluster},
    tokens::Token,
    *,
};

/// An email that every call carries where it can, as it does [`SESAME`].
const EMAIL: &str = "Ann.Secret@example.com";

/// A server in a process of its own, and the secrets that calls send to it.
struct Logged {
    child: Running,
    channel: Channel,
    secrets: Vec<String>,
    /// The lines that the log must contain.
    expected: Vec<String>,
}

impl Logged {
    fn serve(database: &Database, log: &str) -> Self {
        let (child, address) = Running::serve(database, |toml| format!("log = \"{log}\"\n{toml}"));
        let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
        let secrets =
            vec![EMAIL.to_owned(), EMAIL.to_lowercase(), "secret@".to_owned(), SESAME.to_owned()];
        Self { child, channel, secrets, expected: Vec::new() }
    }

    /// Returns the token, and notes that no part of it may appear in the log. Its header is left
    /// out: it names no user.
    fn keep_secret(&mut self, token: &str) -> String {
        self.secrets
            .extend(token.split('.').skip(1).map(|part| part.chars().take(16).collect::<String>()));
        token.to_owned()
    }

    /// A caller whose calls have a trace id: the number of the call.
    fn caller(&mut self, token: Option<&str>) -> Caller {
        let token = token.map(|token| self.keep_secret(token));
        let trace = self.expected.len();
        Caller::new(self.channel.clone(), token)
            .with_metadata("traceparent", &format!("00-{trace:032x}-00f067aa0ba902b7-01"))
    }

    /// Notes the line that a call by [`Logged::caller`] must have left.
    fn expect<T>(&mut self, rpc: &str, caller: &str, outcome: Result<T, Status>) {
        let (code, reason) = match outcome {
            Ok(_) => (Code::Ok, String::new()),
            Err(status) => (
                status.code(),
                tonic_types::StatusExt::get_error_details(&status)
                    .error_info()
                    .map(|info| info.reason.clone())
                    .unwrap_or_default(),
            ),
        };
        let trace = self.expected.len();
        self.expected.push(format!("{rpc} {caller} {code:?} {reason} {trace:032x}"));
    }

    /// Ends the server and returns its lines. Each of them is JSON without a secret, and each call
    /// has one.
    fn lines(self) -> Vec<Value> {
        self.child.signal(Signal::TERM);
        let ran = self.child.finish();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""));
        for secret in &self.secrets {
            let told = ran.stderr.lines().find(|line| line.contains(secret));
            assert_eq!(told, None, "{secret} is in the log");
        }
        let lines: Vec<Value> =
            ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let calls = lines.iter().filter(|line| line["target"] == "identity_link::call");
        let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
        let documented = documented();
        let calls: Vec<String> = calls
            .map(|line| {
                assert!(line["duration_us"].is_u64(), "{line}");
                let fields = line.as_object().unwrap();
                assert!(fields.keys().all(|key| documented.contains_key(key)), "{line}");
                let missing = documented.keys().filter(|key| !fields.contains_key(*key));
                assert!(missing.clone().all(|key| OPTIONAL.contains(&key.as_str())), "{line}");
                ["rpc", "caller", "code", "reason", "trace_id"].map(|key| text(line, key)).join(" ")
            })
            .collect();
        assert_eq!(calls, self.expected);
        lines
    }
}

/// The fields that the line of a call may lack.
const OPTIONAL: [&str; 4] = ["request_id", "service", "tenant", "user_agent"];

/// The line of a call in the reference.
fn documented() -> Map<String, Value> {
    let page = fs::read_to_string("docs/reference/log-fields.md").unwrap();
    let (_, block) = page.split_once("```json\n").unwrap();
    serde_json::from_str(block.split_once("```").unwrap().0).unwrap()
}

/// Calls of all kinds, good and bad.
async fn calls(logged: &mut Logged) {
    let rpc = |name: &str| format!("{SERVICE}/{name}");
    let backend = Token::of("services", "backend").sign();
    let metadata = || object(json!({"color": SESAME, "list": [SESAME]}));
    let new = |provider: &str, subject: &str| pb::CreateUserRequest {
        identity: Some(NewIdentity {
            identity_ref: identity_ref(provider, subject),
            email: EMAIL.to_owned(),
            email_verified: true,
            profile_data: metadata(),
            ..Default::default()
        }),
        user_metadata: metadata(),
        app_metadata: metadata(),
        ..Default::default()
    };
    for (provider, subject) in [("google-oauth2", "g"), ("sms", "s"), ("sms", "s")] {
        let outcome = logged.caller(Some(&backend)).create_user(new(provider, subject)).await;
        logged.expect(&rpc("CreateUser"), "service", outcome);
    }
    let find = FindByEmailRequest {
        email: EMAIL.to_owned(),
        include_unverified: true,
        ..Default::default()
    };
    let outcome = logged.caller(Some(&backend)).find_by_email(find).await;
    assert_eq!(outcome.as_ref().unwrap().matches.len(), 2);
    logged.expect(&rpc("FindByEmail"), "service", outcome);
    let find = FindByEmailRequest { email: format!("{EMAIL}@{EMAIL}"), ..Default::default() };
    let outcome = logged.caller(Some(&backend)).find_by_email(find).await;
    logged.expect(&rpc("FindByEmail"), "service", outcome);

    let google = Token::of("google-oauth2", "g").with("email", EMAIL);
    let sms = Token::of("sms", "s").with("email", EMAIL).with("color", SESAME);
    // A proof that another key signed, a good one, and the good one again after it was used.
    let proofs = [Token { signer: "stranger", ..sms.clone() }.sign(), sms.sign(), sms.sign()];
    for proof in proofs {
        let proof = logged.keep_secret(&proof);
        let outcome = logged.caller(Some(&google.sign())).link(link_with(&proof)).await;
        logged.expect(&rpc("Link"), "user", outcome);
    }
    let mut merge =
        pb::MergeMetadataRequest { user_metadata: merge_default(), ..Default::default() };
    merge.source = Some(pb::merge_metadata_request::Source::Given(pb::GivenMetadata {
        user_metadata: object(json!({"color": "red", SESAME: SESAME})),
        app_metadata: None,
    }));
    merge.user_metadata.as_mut().unwrap().conflict = pb::metadata_merge::Conflict::Fail.into();
    let outcome = logged.caller(Some(&google.sign())).merge_metadata(merge).await;
    logged.expect(&rpc("MergeMetadata"), "user", outcome);

    // Callers that are refused.
    let get = GetUserRequest::default;
    let bad = [
        None,
        Some(EMAIL.to_owned()),
        Some(Token { signer: "stranger", ..google.clone() }.sign()),
        Some(google.clone().issued_ago(100_000).with("exp", 1).sign()),
        Some(google.clone().tenant(SESAME).sign()),
        Some(Token::of("stranger", EMAIL).sign()),
    ];
    for token in bad {
        let outcome = logged.caller(token.as_deref()).get_user(get()).await;
        logged.expect(&rpc("GetUser"), "none", outcome);
    }
    let two =
        logged.caller(Some(&backend)).with_metadata("authorization", &format!("Bearer {SESAME}"));
    logged.expect(&rpc("GetUser"), "none", two.get_user(get()).await);
    let elsewhere = logged.caller(Some(&backend)).with_metadata("x-tenant", SESAME);
    logged.expect(&rpc("GetUser"), "service", elsewhere.get_user(get()).await);
    let outcome = logged.caller(Some(&google.clone().scope("").sign())).get_user(get()).await;
    logged.expect(&rpc("GetUser"), "user", outcome);
    let unknown = logged.caller(Some(&Token::of("github", EMAIL).sign()));
    logged.expect(&rpc("GetUser"), "user", unknown.get_user(get()).await);
}

/// Calls about users in bulk, with secrets where they can have any.
async fn bulk_calls(logged: &mut Logged) {
    let backend = Token::of("services", "backend").sign();
    let row = |subject: &str| {
        json!({"identities": [{"provider": "sms", "subject": subject, "email": EMAIL,
            "email_verified": true, "profile_data": {"color": SESAME}}],
            "user_metadata": {"color": SESAME}})
    };
    // A row of an account that is imported, one that repeats it, and one that is no row.
    let rows = format!("{}\n{}\n{{\"{SESAME}\": \"{EMAIL}\"}}\n", row("bulk"), row("bulk"));
    let settings = |validate_only| pb::ImportSettings { validate_only, ..Default::default() };
    for rows in [format!("{}\n", row("bulk")), rows] {
        for is_preview in [true, false] {
            let caller = logged.caller(Some(&backend));
            let imported = caller.import_with(settings(is_preview), rows.clone()).await;
            let outcome = imported.refusal.map_or(Ok(()), Err);
            logged.expect("identitylink.v1.TransferService/ImportUsers", "service", outcome);
        }
    }
    let named = pb::ExportUsersRequest { user_ids: vec![SESAME.to_owned()], ..Default::default() };
    let since = pb::ExportUsersRequest { since_position: SESAME.to_owned(), ..Default::default() };
    for request in [pb::ExportUsersRequest::default(), named, since] {
        let caller = logged.caller(Some(&backend));
        let exported = async {
            let mut stream = caller.export_users(request).await?;
            while stream.message().await?.is_some() {}
            Ok::<(), Status>(())
        };
        let outcome = exported.await;
        logged.expect("identitylink.v1.TransferService/ExportUsers", "service", outcome);
    }

    let job = |rpc: &str| format!("identitylink.v1.JobService/{rpc}");
    let lro = |rpc: &str| format!("google.longrunning.Operations/{rpc}");
    let started = logged.caller(Some(&backend)).find_duplicates(Default::default()).await;
    let name = started.as_ref().unwrap().name.clone();
    logged.expect(&job("FindDuplicates"), "service", started);
    let waited = logged.caller(Some(&backend)).wait_operation(&name).await;
    assert!(waited.as_ref().unwrap().done);
    logged.expect(&lro("WaitOperation"), "service", waited);
    let lines = logged.caller(Some(&backend)).lines(&name).await;
    let plan: Vec<String> =
        lines.as_ref().unwrap().iter().map(|(_, line)| line.to_string()).collect();
    assert_eq!(plan.len(), 2, "the users of one email");
    logged.expect(&job("ReadLines"), "service", lines);
    for plan in [plan.clone(), [plan, vec![format!("{{\"{SESAME}\": \"{EMAIL}\"}}")]].concat()] {
        let uploaded = logged.caller(Some(&backend)).upload_plan(plan.chunks(9)).await;
        logged.expect(&job("UploadPlan"), "service", uploaded);
    }
    let apply = pb::ApplyPlanRequest { operation: name.clone(), ..Default::default() };
    let unknown = pb::ApplyPlanRequest {
        operation: SESAME.to_owned(),
        accepted_marks: vec![SESAME.to_owned()],
        ..Default::default()
    };
    for request in [apply, unknown] {
        let applied = logged.caller(Some(&backend)).apply_plan(request).await;
        logged.expect(&job("ApplyPlan"), "service", applied);
    }
    let service =
        pb::undo_links_request::Service { issuer: EMAIL.to_owned(), subject: SESAME.to_owned() };
    let undo = pb::UndoLinksRequest {
        made_by: Some(pb::undo_links_request::MadeBy::Service(service)),
        start_time: Some(prost_types::Timestamp::default()),
        ..Default::default()
    };
    let undone = logged.caller(Some(&backend)).undo_links(undo).await;
    let undone_name = undone.as_ref().unwrap().name.clone();
    logged.expect(&job("UndoLinks"), "service", undone);
    let waited = logged.caller(Some(&backend)).wait_operation(&undone_name).await;
    assert!(waited.as_ref().unwrap().done);
    logged.expect(&lro("WaitOperation"), "service", waited);
    for name in [&*name, SESAME] {
        let outcome = logged.caller(Some(&backend)).get_operation(name).await;
        logged.expect(&lro("GetOperation"), "service", outcome);
        let outcome = logged.caller(Some(&backend)).cancel_operation(name).await;
        logged.expect(&lro("CancelOperation"), "service", outcome);
        let outcome = logged.caller(Some(&backend)).delete_operation(name).await;
        logged.expect(&lro("DeleteOperation"), "service", outcome);
    }
    let list = ListOperationsRequest { filter: SESAME.to_owned(), ..Default::default() };
    let outcome = logged.caller(Some(&backend)).list_operations(list).await;
    logged.expect(&lro("ListOperations"), "service", outcome);
}

/// A call of this path, with the trace id of the next call.
async fn call_path(logged: &mut Logged, path: String) -> Result<(), Status> {
    let mut client = Grpc::new(logged.channel.clone());
    client.ready().await.unwrap();
    let codec = ProstCodec::<GetUserRequest, GetUserRequest>::default();
    let mut request = tonic::Request::new(GetUserRequest { user_id: SESAME.to_owned() });
    let trace = format!("00-{:032x}-00f067aa0ba902b7-01", logged.expected.len());
    request.metadata_mut().insert("traceparent", trace.parse().unwrap());
    client.unary(request, path.parse().unwrap(), codec).await.map(|_| ())
}

/// G23: secrets, and texts that would forge a line.
#[tokio::test(flavor = "multi_thread")]
async fn each_call_leaves_one_line_without_secrets() {
    let database = cluster().db_migrated().await;
    let mut logged = Logged::serve(&database, "info");

    calls(&mut logged).await;
    for (path, rpc) in [(format!("/{SESAME}/{EMAIL}"), "?"), ("/a.B/C".to_owned(), "?")] {
        let outcome = call_path(&mut logged, path).await;
        logged.expect(rpc, "none", outcome);
    }
    insta::assert_snapshot!(logged.expected.join("\n"), @r#"
        identitylink.v1.IdentityService/CreateUser service Ok  00000000000000000000000000000000
        identitylink.v1.IdentityService/CreateUser service Ok  00000000000000000000000000000001
        identitylink.v1.IdentityService/CreateUser service AlreadyExists IDENTITY_TAKEN 00000000000000000000000000000002
        identitylink.v1.IdentityService/FindByEmail service Ok  00000000000000000000000000000003
        identitylink.v1.IdentityService/FindByEmail service InvalidArgument REQUEST_INVALID 00000000000000000000000000000004
        identitylink.v1.IdentityService/Link user FailedPrecondition LINK_TOKEN_INVALID 00000000000000000000000000000005
        identitylink.v1.IdentityService/Link user Ok  00000000000000000000000000000006
        identitylink.v1.IdentityService/Link user Ok  00000000000000000000000000000007
        identitylink.v1.IdentityService/MergeMetadata user FailedPrecondition METADATA_CONFLICT 00000000000000000000000000000008
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_MISSING 00000000000000000000000000000009
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000a
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000b
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000c
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000d
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000e
        identitylink.v1.IdentityService/GetUser none Unauthenticated TOKEN_INVALID 0000000000000000000000000000000f
        identitylink.v1.IdentityService/GetUser service InvalidArgument REQUEST_INVALID 00000000000000000000000000000010
        identitylink.v1.IdentityService/GetUser user PermissionDenied SCOPE_INSUFFICIENT 00000000000000000000000000000011
        identitylink.v1.IdentityService/GetUser user NotFound USER_NOT_FOUND 00000000000000000000000000000012
        ? none Unauthenticated TOKEN_MISSING 00000000000000000000000000000013
        ? none Unauthenticated TOKEN_MISSING 00000000000000000000000000000014
    "#);

    let lines = logged.lines();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
}

/// G23: the same of transfers and jobs, and of what jobs log themselves.
#[tokio::test(flavor = "multi_thread")]
async fn calls_in_bulk_leave_one_line_without_secrets() {
    let database = cluster().db_migrated().await;
    let mut logged = Logged::serve(&database, "debug");
    let backend = Token::of("services", "backend").sign();
    for provider in ["google-oauth2", "github"] {
        let request = pb::CreateUserRequest {
            identity: Some(NewIdentity {
                identity_ref: identity_ref(provider, "g"),
                email: EMAIL.to_owned(),
                email_verified: true,
                ..Default::default()
            }),
            ..Default::default()
        };
        let created = logged.caller(Some(&backend)).create_user(request).await;
        logged.expect(&format!("{SERVICE}/CreateUser"), "service", created);
    }

    bulk_calls(&mut logged).await;

    insta::assert_snapshot!(logged.expected.join("\n"), @r"
        identitylink.v1.IdentityService/CreateUser service Ok  00000000000000000000000000000000
        identitylink.v1.IdentityService/CreateUser service Ok  00000000000000000000000000000001
        identitylink.v1.TransferService/ImportUsers service Ok  00000000000000000000000000000002
        identitylink.v1.TransferService/ImportUsers service Ok  00000000000000000000000000000003
        identitylink.v1.TransferService/ImportUsers service Ok  00000000000000000000000000000004
        identitylink.v1.TransferService/ImportUsers service Ok  00000000000000000000000000000005
        identitylink.v1.TransferService/ExportUsers service Ok  00000000000000000000000000000006
        identitylink.v1.TransferService/ExportUsers service Ok  00000000000000000000000000000007
        identitylink.v1.TransferService/ExportUsers service InvalidArgument POSITION_INVALID 00000000000000000000000000000008
        identitylink.v1.JobService/FindDuplicates service Ok  00000000000000000000000000000009
        google.longrunning.Operations/WaitOperation service Ok  0000000000000000000000000000000a
        identitylink.v1.JobService/ReadLines service Ok  0000000000000000000000000000000b
        identitylink.v1.JobService/UploadPlan service Ok  0000000000000000000000000000000c
        identitylink.v1.JobService/UploadPlan service InvalidArgument REQUEST_INVALID 0000000000000000000000000000000d
        identitylink.v1.JobService/ApplyPlan service Ok  0000000000000000000000000000000e
        identitylink.v1.JobService/ApplyPlan service InvalidArgument REQUEST_INVALID 0000000000000000000000000000000f
        identitylink.v1.JobService/UndoLinks service Ok  00000000000000000000000000000010
        google.longrunning.Operations/WaitOperation service Ok  00000000000000000000000000000011
        google.longrunning.Operations/GetOperation service Ok  00000000000000000000000000000012
        google.longrunning.Operations/CancelOperation service Ok  00000000000000000000000000000013
        google.longrunning.Operations/DeleteOperation service Ok  00000000000000000000000000000014
        google.longrunning.Operations/GetOperation service InvalidArgument REQUEST_INVALID 00000000000000000000000000000015
        google.longrunning.Operations/CancelOperation service InvalidArgument REQUEST_INVALID 00000000000000000000000000000016
        google.longrunning.Operations/DeleteOperation service InvalidArgument REQUEST_INVALID 00000000000000000000000000000017
        google.longrunning.Operations/ListOperations service InvalidArgument REQUEST_INVALID 00000000000000000000000000000018
    ");
    let lines = logged.lines();
    let carried_out = lines.iter().filter(|line| line["message"] == "a job is carried out");
    assert_eq!(carried_out.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debug_log_contains_causes_and_no_secrets() {
    let database = cluster().db_migrated().await;
    let mut logged = Logged::serve(&database, "debug");

    calls(&mut logged).await;

    let lines = logged.lines();
    let causes = lines.iter().filter(|line| line["message"] == "a token was not accepted");
    let causes: Vec<&str> = causes.map(|line| line["cause"].as_str().unwrap()).collect();
    insta::assert_snapshot!(causes.join("\n"), @r#"
        not a signed JWT with an issuer
        the signature is invalid
        a claim, the issuer, the audience or a time is invalid
        its tenant is not one that the issuer may name
        unknown issuer
        two authorization headers
    "#);
    let proofs =
        lines.iter().filter(|line| line["message"] == "a link_with token was not accepted");
    let proofs: Vec<&str> = proofs.map(|line| line["cause"].as_str().unwrap()).collect();
    assert_eq!(proofs, ["the signature is invalid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_error_is_logged_once_and_not_shown_to_the_caller() {
    let database = cluster().db_migrated().await;
    let mut logged = Logged::serve(&database, "info");
    database.db_execute("ALTER TABLE identities RENAME COLUMN email_canonical TO found_by").await;

    let backend = Token::of("services", "backend").sign();
    let find = FindByEmailRequest { email: EMAIL.to_owned(), ..Default::default() };
    let outcome = logged.caller(Some(&backend)).find_by_email(find).await;
    assert_eq!(
        outcome.as_ref().unwrap_err().message(),
        "the server failed internally and has logged the cause"
    );
    logged.expect(&format!("{SERVICE}/FindByEmail"), "service", outcome.clone());
    assert_eq!(refusal(outcome), "Internal INTERNAL");

    let lines = logged.lines();
    let errors: Vec<&Value> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors.len(), 1);
    assert_eq!(errors[0]["error"], "column i.email_canonical does not exist");
    // The line says to which call the fault belongs.
    let call = [&errors[0]["rpc"], &errors[0]["trace_id"]];
    assert_eq!(call, [&json!(format!("{SERVICE}/FindByEmail")), &json!(format!("{:032x}", 0))]);
}
