//! The limits of calls per caller.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use identity_link::{
    auth::{AccessRule, CallClass, access::TABLE},
    config::Config,
    grpc::proto as pb,
};
use tonic::Status;
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tonic_types::StatusExt as _;

use crate::support::{cluster::cluster, server::config_toml, tokens::Token, *};

const LIMITED: &str = "ResourceExhausted RATE_LIMITED";

/// A server with these limits.
async fn limited(limits: &str) -> TestServer {
    TestServer::start_with(cluster().db_migrated().await, |toml| toml + limits).await
}

/// Another service than the one of [`TestServer::service`].
fn importer(server: &TestServer) -> Caller {
    server.caller(&Token::of("services", "importer"))
}

fn create(subject: &str) -> pb::CreateUserRequest {
    let identity =
        pb::NewIdentity { identity_ref: identity_ref("github", subject), ..Default::default() };
    pb::CreateUserRequest { identity: Some(identity), ..Default::default() }
}

/// The class and the limit that a refusal names.
fn named(status: &Status) -> [String; 2] {
    let info = status.get_details_error_info().unwrap();
    ["class", "limit"].map(|key| info.metadata[key].clone())
}

/// G26: the limit bounds one caller, and no other.
#[tokio::test]
async fn a_service_above_its_limit_is_refused_and_nothing_is_written() {
    let server = limited("[rate_limits.services]\nwrites = \"2/h\"\n").await;
    let service = server.service();
    for subject in ["h1", "h2"] {
        service.create("github", subject).await;
    }
    let before = server.database.db_everything().await;

    let refused = service.create_user(create("h3")).await.unwrap_err();

    let wait = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
    // One more call each half an hour.
    assert!((1700..=1800).contains(&wait.as_secs()), "{wait:?}");
    assert_eq!(named(&refused), ["writes", "2/h"]);
    assert_eq!(refusal::<()>(Err(refused)), LIMITED);
    assert_eq!(server.database.db_everything().await, before);
    // A new token is the same caller.
    assert_eq!(refusal(server.service().create_user(create("h3")).await), LIMITED);
    // Other calls of this caller, and the same of others, are not concerned.
    service.get_user(get("x")).await.unwrap_err();
    importer(&server).create("github", "h3").await;
    let person = server.person("github", "h1");
    person.get_user(get("")).await.unwrap();
}

#[tokio::test]
async fn each_user_has_a_limit_of_its_own() {
    let server = limited("[rate_limits.users]\nreads = \"1/h\"\n").await;
    let service = server.service();
    for subject in ["ann", "bob"] {
        service.create("github", subject).await;
    }
    let (ann, bob) = (server.person("github", "ann"), server.person("github", "bob"));
    ann.get_user(get("")).await.unwrap();
    assert_eq!(refusal(ann.get_user(get("")).await), LIMITED);
    assert_eq!(refusal(ann.list_links(Default::default()).await), LIMITED);

    bob.get_user(get("")).await.unwrap();
    // A service may even have the same name.
    server.caller(&Token::of("services", "ann")).find_by_email(by_email("a@b.c")).await.unwrap();
}

/// One call counts as one, however many users it reads.
#[tokio::test]
async fn a_batch_counts_as_one_call_and_a_sign_in_is_neither_a_read_nor_a_write() {
    let server =
        limited("[rate_limits.services]\nreads = \"2/h\"\nwrites = \"1/h\"\nsign_ins = \"1/h\"\n")
            .await;
    let service = server.service();
    let ids = (0..100).map(|n| format!("u{n}")).collect();
    service.resolve_users(pb::ResolveUsersRequest { user_ids: ids }).await.unwrap();
    service.list_providers(Default::default()).await.unwrap();
    assert_eq!(refusal(service.list_users(Default::default()).await), LIMITED);

    service.resolve_sign_in(sign_in("github", "h1")).await.unwrap();
    let refused = service.resolve_sign_in(sign_in("github", "h1")).await.unwrap_err();
    assert_eq!(named(&refused), ["sign_ins", "1/h"]);
    service.create("github", "h2").await;
}

/// The delay in a refusal is true: an earlier call is refused, too.
#[tokio::test]
async fn a_call_passes_after_the_delay_of_the_refusal() {
    let server = limited("[rate_limits.services]\nreads = \"4/s\"\n").await;
    let service = server.service();
    let find = || service.find_by_email(by_email("a@b.c"));
    let (started, wait) = loop {
        let started = Instant::now();
        if let Err(refused) = find().await {
            let delay = refused.get_details_retry_info().unwrap().retry_delay.unwrap();
            let pushback = refused.metadata().get("grpc-retry-pushback-ms").unwrap();
            // Whole milliseconds, rounded up: not before the delay.
            let millis = delay.as_micros().div_ceil(1000).to_string();
            assert_eq!(pushback.to_str().unwrap(), millis);
            break (started, delay);
        }
    };
    while find().await.is_err() {}
    assert!(started.elapsed() >= wait, "after {:?} instead of {wait:?}", started.elapsed());
}

/// G26: a client that calls again at once has each refusal held back, so it takes little from others.
#[tokio::test]
async fn refusals_are_held_back() {
    const REFUSALS: u32 = 5;
    let server = limited("[rate_limits.services]\nreads = \"1/h\"\n").await;
    let service = server.service();
    service.find_by_email(by_email("a@b.c")).await.unwrap();

    let began = Instant::now();
    for _ in 0..REFUSALS {
        assert_eq!(refusal(service.find_by_email(by_email("a@b.c")).await), LIMITED);
    }
    assert!(began.elapsed() >= REFUSALS * Duration::from_millis(40), "{:?}", began.elapsed());
}

/// G26: a caller without an accepted token is refused as before, and uses nothing of the limit of the
/// caller that its token names. Probes have no limit.
#[tokio::test]
async fn only_verified_callers_are_counted() {
    let server = limited("[rate_limits.services]\nreads = \"1/h\"\n").await;
    let mut forged = Token::of("services", "backend");
    forged.signer = "stranger";
    for _ in 0..3 {
        let outcome = server.caller(&forged).find_by_email(by_email("a@b.c")).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_INVALID");
        let outcome = server.nobody().find_by_email(by_email("a@b.c")).await;
        assert_eq!(refusal(outcome), "Unauthenticated TOKEN_MISSING");
        HealthClient::new(server.channel()).check(HealthCheckRequest::default()).await.unwrap();
    }
    let service = server.service();
    service.find_by_email(by_email("a@b.c")).await.unwrap();
    assert_eq!(refusal(service.find_by_email(by_email("a@b.c")).await), LIMITED);
    // Also a caller without the scope: it could call as often as it likes otherwise.
    let powerless = server.caller(&Token::of("services", "reader").scope("x"));
    let outcome = powerless.find_by_email(by_email("a@b.c")).await;
    assert_eq!(refusal(outcome), "PermissionDenied SCOPE_INSUFFICIENT");
    assert_eq!(refusal(powerless.find_by_email(by_email("a@b.c")).await), LIMITED);
}

/// A watch counts once, when it begins.
#[tokio::test]
async fn a_watch_is_one_read() {
    let server = limited("[rate_limits.services]\nreads = \"1/h\"\n").await;
    let service = server.service();
    let mut watch = service.watch_events(events::watch_from(pb::FeedEnd::Newest)).await.unwrap();
    service.create("github", "h1").await;
    while watch.message().await.unwrap().unwrap().events.is_empty() {}
    assert_eq!(refusal(service.list_events(Default::default()).await), LIMITED);
}

#[tokio::test]
async fn a_named_service_has_its_own_limits_and_the_rest_from_all_services() {
    let server = limited(
        "[rate_limits.services]\nreads = \"1/h\"\nwrites = \"1/h\"\n\
         [rate_limits.named_services.importer]\nwrites = \"unlimited\"\n\
         [services.importer]\nissuer = \"https://services.example.com\"\nsubject = \"importer\"\n",
    )
    .await;
    let importer = importer(&server);
    for n in 0..5 {
        importer.create("github", &format!("h{n}")).await;
    }
    importer.find_by_email(by_email("a@b.c")).await.unwrap();
    assert_eq!(refusal(importer.find_by_email(by_email("a@b.c")).await), LIMITED);

    let service = server.service();
    service.create("github", "h5").await;
    assert_eq!(refusal(service.create_user(create("h6")).await), LIMITED);
}

/// The classes of all rpcs, for review: the protos declare them.
#[test]
fn each_rpc_has_a_class() {
    let of = |class: CallClass| {
        let rpcs = TABLE.iter().filter(|rule| rule.class == class).map(AccessRule::rpc);
        format!("{}: {}", class.name(), rpcs.collect::<Vec<_>>().join(" "))
    };
    let classes = [CallClass::Read, CallClass::Write, CallClass::SignIn].map(of).join("\n");
    insta::assert_snapshot!(classes, @r"
        reads: ListEvents WatchEvents FindByEmail GetUser FindByIdentity ResolveUsers ListLinks ListUsers ListLinkCandidates ListConnections ReadLines ListProviders ExportUsers ListOperations GetOperation WaitOperation
        writes: Link Unlink UndoLink MergeMetadata CreateUser UpdateUser DeleteUser SetPrimaryIdentity GetProviderToken FindDuplicates ApplyPlan UndoLinks UploadPlan ReceiveLogoutToken ReceiveSecurityEvents ImportUsers DeleteOperation CancelOperation
        sign_ins: StartSignIn CompleteSignIn ResolveSignIn
    ");
}

#[test]
fn limits_that_cannot_be_meant_are_problems() {
    let toml = config_toml(([127, 0, 0, 1], 0).into(), "postgres://postgres@127.0.0.1:1/x");
    let limits = "[rate_limits.services]\nreads = \"many\"\nwrites = \"0/s\"\nsign_ins = 5\n\
        [rate_limits.users]\nsign_ins = \"1/s\"\nshadow = \"maybe\"\n\
        [rate_limits.named_services.d]\nreads = \"1/s\"\n\
        [services.a]\nissuer = \"https://services.example.com\"\nsubject = \"x\"\n\
        [services.b]\nissuer = \"https://services.example.com\"\nsubject = \"x\"\n\
        [services.c]\nissuer = \"https://elsewhere.example.com\"\n\
        [services.\"?\"]\nissuer = \"https://services.example.com\"\nsubject = \"y\"\n";
    let problems = Config::parse(&(toml + limits), Path::new("."), []).err().unwrap();
    insta::assert_snapshot!(problems.to_string(), @r#"
        line 154: rate_limits.services.reads: must be "unlimited", or 1 to 1000000 calls per "s", "min" or "h", such as "100/s" or "30/min"
        line 155: rate_limits.services.writes: must be "unlimited", or 1 to 1000000 calls per "s", "min" or "h", such as "100/s" or "30/min"
        line 156: rate_limits.services.sign_ins: must be a string
        line 158: rate_limits.users.sign_ins: is not a known key here: it belongs to [rate_limits.services]
        line 159: rate_limits.users.shadow: must be true or false
        line 160: rate_limits.named_services.d: is none of the [services]
        line 165: services.b: is the service that is named "a" already
        line 168: services.c.subject: is required
        line 169: services.c.issuer: is the issuer of none of the [issuers]
        line 170: services.?: the name must be 1 to 64 characters out of a-z, 0-9, '.', '_' and '-', beginning with a letter or a digit
    "#);
}
