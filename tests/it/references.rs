//! The reference pages of the rpcs and of the reasons, made from the compiled protos and from the
//! statuses of all refusals. The pages of the configuration and of the command line have their
//! tests beside their code.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use expect_test::expect_file;
use identity_link::{
    auth::{AuthError, CallClass, access::TABLE},
    domain::{
        DomainError, Violation,
        error::{EventTokenProblem, LinkTokenProblem},
    },
    grpc::{proto::DESCRIPTOR_SET, status},
    rate_limits::{Exceeded, Rate},
    store::StoreError,
    use_cases::Error,
};
use prost_reflect::{
    DescriptorPool, EnumDescriptor, FileDescriptor, MethodDescriptor, ServiceDescriptor,
};
use tonic::Status;
use tonic_types::StatusExt as _;

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
}

/// The comment on an element of a proto file, without the space before each line.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref().unwrap();
    let location = source.location.iter().find(|location| location.path == path).unwrap();
    let lines =
        location.leading_comments().lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// The names of the reasons, as they go over the wire, with their comments.
fn reasons() -> Vec<(String, String)> {
    let reasons: EnumDescriptor = pool().get_enum_by_name("identitylink.v1.Reason").unwrap();
    let sent = reasons.values().filter(|reason| reason.number() != 0);
    let reason = |name: &str| name.strip_prefix("REASON_").unwrap().to_owned();
    sent.map(|value| (reason(value.name()), comment(&reasons.parent_file(), value.path())))
        .collect()
}

/// The text, with a link on each name of a reason, and where these links lead to.
fn linked(text: &str) -> String {
    let names: BTreeSet<String> = reasons().into_iter().map(|(name, _)| name).collect();
    let mut used = BTreeSet::new();
    let mut linked = String::new();
    let is_letter = |c: char| c.is_ascii_alphanumeric() || c == '_';
    for piece in text.split_inclusive(|c| !is_letter(c)) {
        let word = piece.trim_end_matches(|c| !is_letter(c));
        match names.get(word) {
            Some(name) if !linked.ends_with('`') => {
                linked.push_str(&format!("[`{name}`]{}", piece.trim_start_matches(is_letter)));
                used.insert(name);
            }
            _ => linked.push_str(piece),
        }
    }
    linked.push('\n');
    for name in used {
        linked.push_str(&format!("[`{name}`]: reasons.md#{}\n", name.to_ascii_lowercase()));
    }
    linked
}

const RPCS: &str = "# Rpcs

This page is generated from the protos; a test keeps it current.

A scope is what the caller's token needs. A user token acts on its own user, a service token on any user of its tenant.
What each field means is in the proto files.

| rpc | user token | service token |
| --- | --- | --- |
";

/// The scopes that an rpc needs, of a user token and of a service token.
fn scopes(method: &MethodDescriptor, without: &str) -> [String; 2] {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let rule = TABLE.iter().find(|rule| rule.path == path).unwrap();
    [rule.self_scope, rule.service_scope]
        .map(|scope| scope.map_or(without.to_owned(), |scope| format!("`{scope}`")))
}

/// The row of an rpc in the table of all rpcs.
fn row(method: &MethodDescriptor) -> String {
    let (name, [user, service]) = (method.name(), scopes(method, "–"));
    format!("| [`{name}`](#{}) | {user} | {service} |\n", name.to_ascii_lowercase())
}

fn rpc(method: &MethodDescriptor) -> String {
    let text = comment(&method.parent_file(), method.path());
    let (text, errors) = text.split_once("Errors: ").unwrap_or((&text, ""));
    let [user, service] = scopes(method, "not accepted");
    let stream = |is_stream| if is_stream { "stream of " } else { "" };
    let (sent, received) =
        (stream(method.is_client_streaming()), stream(method.is_server_streaming()));
    let changes_nothing = method
        .method_descriptor_proto()
        .options
        .as_ref()
        .unwrap()
        .idempotency_level()
        .as_str_name();
    let mut lines = vec![
        format!("\n### `{}`\n\n{}\n", method.name(), text.trim_end()),
        format!(
            "- Request: {sent}`{}`. Response: {received}`{}`.",
            method.input().name(),
            method.output().name()
        ),
        format!("- User token: {user}. Service token: {service}."),
    ];
    if changes_nothing == "NO_SIDE_EFFECTS" {
        lines.push("- It only reads.".to_owned());
    }
    if !errors.is_empty() {
        lines.push(format!("- Errors: {}", errors.replace('\n', "\n  ")));
    }
    lines.join("\n") + "\n"
}

fn service(service: &ServiceDescriptor) -> String {
    let text = comment(&service.parent_file(), service.path());
    let rpcs: String = service.methods().map(|method| rpc(&method)).collect();
    format!("\n## `{}`\n\n{text}\n{rpcs}", service.full_name())
}

/// A service whose proto is not ours, and says itself what its rpcs do.
fn standard_service(service: &ServiceDescriptor) -> String {
    let rpcs = service.methods().map(|method| {
        let [user, service] = scopes(&method, "not accepted");
        let reads = if is_read(&method) { "- It only reads.\n" } else { "" };
        let (name, input, output) = (method.name(), method.input(), method.output());
        format!(
            "\n### `{name}`\n\n- Request: `{}`. Response: `{}`.\n- User token: {user}. Service token: {service}.\n{reads}",
            input.name(),
            output.name()
        )
    });
    let text = "A standard service, as its [proto](https://github.com/googleapis/googleapis) describes it.\nIts names have the form `operations/ID`.";
    format!("\n## `{}`\n\n{text}\n{}", service.full_name(), rpcs.collect::<String>())
}

fn is_read(method: &MethodDescriptor) -> bool {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    TABLE.iter().any(|rule| rule.path == path && rule.class == CallClass::Read)
}

#[test]
fn the_reference_page_of_the_rpcs_is_that_of_the_protos() {
    let pool = pool();
    let ours: Vec<ServiceDescriptor> =
        pool.services().filter(|service| service.package_name() == "identitylink.v1").collect();
    let methods = ours.iter().flat_map(|ours| ours.methods().collect::<Vec<_>>());
    let table: String = methods.map(|method| row(&method)).collect();
    let standard: Vec<ServiceDescriptor> =
        pool.services().filter(|service| service.package_name() != "identitylink.v1").collect();
    let methods = standard.iter().flat_map(|standard| standard.methods().collect::<Vec<_>>());
    let table = table + &methods.map(|method| row(&method)).collect::<String>();
    let sections = ours.iter().map(service).chain(standard.iter().map(standard_service));
    let page: String = [table].into_iter().chain(sections).collect();

    expect_file!["../../docs/reference/rpcs.md"].assert_eq(&linked(&format!("{RPCS}{page}")));
}

/// A refusal of each kind.
fn domain_errors() -> Vec<DomainError> {
    vec![
        DomainError::Invalid(vec![Violation::new(
            "user_id",
            "is required: a service has no user of its own",
        )]),
        DomainError::RequestIdReused,
        DomainError::SameUser,
        DomainError::LinkTokenInvalid(LinkTokenProblem::Invalid),
        DomainError::LinkTicketInvalid,
        DomainError::SignInInvalid,
        DomainError::ProviderDisabled,
        DomainError::ProviderUnknown,
        DomainError::ProviderRejected,
        DomainError::ProviderUnavailable,
        DomainError::ProviderTokenGone,
        DomainError::ProviderScopesMissing(vec!["calendar".to_owned()]),
        DomainError::ProviderEventsOff,
        DomainError::EventTokenInvalid(EventTokenProblem::Invalid),
        DomainError::EmailMissing,
        DomainError::EmailUnverified,
        DomainError::RegistrationClosed,
        DomainError::EmailNotShared,
        DomainError::UserNotFound,
        DomainError::IdentityNotFound,
        DomainError::LinkNotFound,
        DomainError::UserAbsorbed,
        DomainError::UserBlocked,
        DomainError::IdentityTaken,
        DomainError::UserExists,
        DomainError::LastIdentity,
        DomainError::PrimaryIdentity,
        DomainError::LinkNotUndoable("…"),
        DomainError::TooManyIdentities,
        DomainError::MetadataConflict(vec![
            "user_metadata/color".to_owned(),
            "user_metadata/size".to_owned(),
        ]),
        DomainError::MetadataTooLarge { namespace: "user_metadata", bytes: 20_000 },
        DomainError::OperationNotFound,
        DomainError::OperationUnfinished,
        DomainError::PlanIncomplete,
        DomainError::TooManyOperations,
        DomainError::AbsorbedUsersExist,
        DomainError::VersionMismatch,
        DomainError::PositionInvalid,
        DomainError::PositionExpired { oldest: String::new() },
        DomainError::ConflictRetry,
        DomainError::CallUnderWay,
    ]
}

/// A status of each kind that the server sends.
fn statuses() -> Vec<Status> {
    let auth_errors = [
        AuthError::TokenMissing,
        AuthError::TokenInvalid(""),
        AuthError::ScopeInsufficient("this call needs a token with the scope …".to_owned()),
        AuthError::NotYourUser,
        AuthError::ReauthenticationRequired,
        AuthError::CallerBlocked,
        AuthError::KeysUnavailable,
    ];
    let stores = [StoreError::Unavailable(String::new()), StoreError::CommitUnknown(String::new())];
    let errors = auth_errors.into_iter().map(Error::Auth);
    let errors = errors
        .chain(domain_errors().into_iter().map(Error::Domain))
        .chain(stores.into_iter().map(Error::Store));
    let others = [
        status::overloaded(),
        status::rate_limited(&Exceeded {
            class: CallClass::Read,
            rate: Rate::parse("100/s").unwrap(),
            retry_after: Duration::from_secs(1),
        }),
        status::deadline(),
        status::stopping(),
        status::watch_expired(),
        status::cancelled(),
        status::undecodable(),
        status::message_too_large(),
        status::encoding_unsupported(),
        status::rpc_unknown(),
    ];
    errors.chain([Error::Panicked]).map(status::from_error).chain(others).collect()
}

/// The status codes by the names that gRPC gives them.
fn code(status: &Status) -> String {
    let mut name = String::new();
    for c in format!("{:?}", status.code()).chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_uppercase());
    }
    name
}

/// The comment on a reason without its status code in front.
fn sentence(comment: &str) -> String {
    let (_, text) = comment.split_once(": ").unwrap();
    let (first, rest) = text.split_at(1);
    first.to_uppercase() + rest
}

const REASONS: &str = "# Reasons

This page is generated from the protos and the code; a test keeps it current.

A refused call has a status code, a text for people, and `google.rpc.ErrorInfo` with domain `identity-link` and one of
these reasons for programs. The texts, here with an example for each code, say what to do; they may change. If a reason
is marked *repeat*, `google.rpc.RetryInfo` says after which delay the same call may succeed, and the trailer
`grpc-retry-pushback-ms` has the delay for the retry policies of gRPC's clients, which read nothing else (gRFC A6). Over
Auth0's HTTP a refusal has one of the [error codes over HTTP](error-codes.md).
";

/// gRFC A6: retry policies obey the trailer, and know nothing of the details.
#[test]
fn a_delay_is_in_the_details_and_in_the_trailer() {
    for status in statuses() {
        let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
        let pushback = status.metadata().get("grpc-retry-pushback-ms");
        let pushback = pushback.map(|text| text.to_str().unwrap().parse::<u64>().unwrap());
        assert_eq!(pushback.map(Duration::from_millis), delay, "{status:?}");
    }
}

#[test]
fn the_reference_page_of_the_reasons_is_that_of_the_code() {
    let mut by_reason = BTreeMap::<String, Vec<Status>>::new();
    for status in statuses() {
        by_reason.entry(status.get_details_error_info().unwrap().reason).or_default().push(status);
    }

    let mut page = REASONS.to_owned();
    for (name, text) in reasons() {
        let sent = by_reason
            .remove(&name)
            .unwrap_or_else(|| panic!("{name} is in no status of this test"));
        let is_first = |status: &Status| text.starts_with(&format!("{}: ", code(status)));
        assert!(sent.iter().any(is_first), "the comment on {name} begins with its status");
        assert!(
            sent.iter().all(|status| text.contains(&code(status))),
            "the comment on {name} has all its statuses"
        );
        page.push_str(&format!("\n## `{name}`\n\n{}\n\n", sentence(&text)));
        for status in sent {
            let repeat = if status.get_details_retry_info().is_some() { " *repeat*" } else { "" };
            page.push_str(&format!(
                "- `{}`{repeat}: {}\n",
                code(&status),
                status.message().replace('<', "\\<")
            ));
        }
    }
    assert_eq!(Vec::from_iter(by_reason.keys()), [""; 0]);

    expect_file!["../../docs/reference/reasons.md"].assert_eq(&linked(&page));
}
