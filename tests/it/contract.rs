//! The contract of the protos: which callers may call which rpc, and which fields have presence.

mod build;

use std::{collections::BTreeSet, fs};

use identity_link::{
    auth::{CallClass, access::TABLE},
    grpc::proto::DESCRIPTOR_SET,
};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor};

fn pool() -> DescriptorPool {
    DescriptorPool::decode(DESCRIPTOR_SET).unwrap()
}

/// `Rpc: self scope | service scope | side effects`; `-` for a scope means that no such caller may
/// call it.
fn rpc(method: &MethodDescriptor) -> String {
    let rule =
        TABLE.iter().find(|rule| rule.path.ends_with(&format!("/{}", method.name()))).unwrap();
    let options = method.method_descriptor_proto().options.clone().unwrap_or_default();
    let effects = match rule.class {
        // What `access_of` says of an rpc of a standard service.
        CallClass::Read => "NO_SIDE_EFFECTS",
        CallClass::Write | CallClass::SignIn => options.idempotency_level().as_str_name(),
    };
    let scope = |scope: Option<&'static str>| scope.unwrap_or("-");
    format!(
        "{}: {} | {} | {effects}",
        method.name(),
        scope(rule.self_scope),
        scope(rule.service_scope)
    )
}

/// A field with its presence: `a` has none, `a?` is optional, `a{}` is a message, `a[]` is
/// repeated, `oneof/a` is in a oneof.
fn field(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        Kind::Message(message) if field.is_list() => format!("{}[]", message.name()),
        Kind::Message(message) => format!("{}{{}}", message.name()),
        Kind::Enum(kind) => kind.name().to_owned(),
        kind if field.is_list() => format!("{kind:?}[]"),
        kind => format!("{kind:?}"),
    };
    let oneof = field.containing_oneof().filter(|oneof| !oneof.is_synthetic());
    let oneof = oneof.map(|oneof| format!("{}/", oneof.name())).unwrap_or_default();
    let optional = if field.field_descriptor_proto().proto3_optional() { "?" } else { "" };
    format!("{oneof}{}{optional}={} {kind}", field.name(), field.number())
}

fn message(message: &MessageDescriptor) -> String {
    let mut fields: Vec<FieldDescriptor> = message.fields().collect();
    fields.sort_by_key(FieldDescriptor::number);
    let fields: Vec<String> = fields.iter().map(field).collect();
    format!("{}: {}", message.full_name().trim_start_matches("identitylink.v1."), fields.join(", "))
}

#[test]
fn which_callers_may_call_which_rpc() {
    let pool = pool();
    let (ours, standard): (Vec<_>, Vec<_>) =
        pool.services().partition(|service| service.package_name() == "identitylink.v1");
    let rpcs: Vec<String> = ours
        .iter()
        .chain(&standard)
        .flat_map(|service| service.methods().map(|method| rpc(&method)).collect::<Vec<_>>())
        .collect();

    assert_eq!(rpcs.len(), TABLE.len());
    insta::assert_snapshot!(rpcs.join("\n"), @"
    ListEvents: - | read:events | NO_SIDE_EFFECTS
    WatchEvents: - | read:events | NO_SIDE_EFFECTS
    Link: update:current_user_identities | update:users | IDEMPOTENCY_UNKNOWN
    Unlink: update:current_user_identities | update:users | IDEMPOTENCY_UNKNOWN
    UndoLink: update:current_user_identities | update:users | IDEMPOTENCY_UNKNOWN
    FindByEmail: - | read:users | NO_SIDE_EFFECTS
    MergeMetadata: update:current_user_metadata | update:users | IDEMPOTENCY_UNKNOWN
    CreateUser: - | create:users | IDEMPOTENCY_UNKNOWN
    GetUser: read:current_user | read:users | NO_SIDE_EFFECTS
    UpdateUser: update:current_user_metadata | update:users | IDEMPOTENCY_UNKNOWN
    DeleteUser: delete:current_user | delete:users | IDEMPOTENCY_UNKNOWN
    FindByIdentity: - | read:users | NO_SIDE_EFFECTS
    ResolveUsers: - | read:users | NO_SIDE_EFFECTS
    SetPrimaryIdentity: update:current_user_identities | update:users | IDEMPOTENCY_UNKNOWN
    ListLinks: read:current_user | read:users | NO_SIDE_EFFECTS
    ListUsers: - | read:users | NO_SIDE_EFFECTS
    ListLinkCandidates: read:current_user | read:users | NO_SIDE_EFFECTS
    ListConnections: - | read:connections | NO_SIDE_EFFECTS
    GetProviderToken: - | read:provider_tokens | IDEMPOTENCY_UNKNOWN
    FindDuplicates: - | jobs:users | IDEMPOTENCY_UNKNOWN
    ApplyPlan: - | jobs:users | IDEMPOTENCY_UNKNOWN
    UndoLinks: - | jobs:users | IDEMPOTENCY_UNKNOWN
    UploadPlan: - | jobs:users | IDEMPOTENCY_UNKNOWN
    ReadLines: - | jobs:users | NO_SIDE_EFFECTS
    ListProviders: - | sign_in:users | NO_SIDE_EFFECTS
    ReceiveLogoutToken: - | receive:provider_events | IDEMPOTENCY_UNKNOWN
    ReceiveSecurityEvents: - | receive:provider_events | IDEMPOTENCY_UNKNOWN
    StartSignIn: - | sign_in:users | IDEMPOTENCY_UNKNOWN
    CompleteSignIn: - | sign_in:users | IDEMPOTENCY_UNKNOWN
    ResolveSignIn: - | sign_in:users | IDEMPOTENCY_UNKNOWN
    ImportUsers: - | import:users | IDEMPOTENCY_UNKNOWN
    ExportUsers: - | export:users | NO_SIDE_EFFECTS
    ListOperations: - | jobs:users | NO_SIDE_EFFECTS
    GetOperation: - | jobs:users | NO_SIDE_EFFECTS
    DeleteOperation: - | jobs:users | IDEMPOTENCY_UNKNOWN
    CancelOperation: - | jobs:users | IDEMPOTENCY_UNKNOWN
    WaitOperation: - | jobs:users | NO_SIDE_EFFECTS
    ");
}

#[test]
fn the_fields_of_each_message_and_their_presence() {
    let pool = pool();
    let ours = pool.all_messages().filter(|message| message.package_name() == "identitylink.v1");
    let mut lines: Vec<String> = ours.map(|ours| message(&ours)).collect();
    lines.sort();

    insta::assert_snapshot!(lines.join("\n"), @"
    Access: self_scope=1 string, service_scope=2 string
    AccessOf: rpc=1 string, access=2 Access{}, only_reads=3 bool
    AccountEventReported: user_id=1 string, identity=2 IdentityRef{}, account_event=3 Event, tokens_withdrawn=4 bool
    Actor: kind=1 Kind, issuer=2 string, subject=3 string, reason=4 string
    ApplyPlanRequest: operation=1 string, validate_only=2 bool, limit=3 int64, rate=4 int32, accepted_marks=5 string[], request_id=6 string
    ApplyPlanResponse: plan_id=1 string, counts=2 VerdictCounts{}, limited=3 bool
    CompleteSignInRequest: attempt_secret=1 string, state=2 string, code=3 string, iss=4 string, user_token=5 string, error=6 string, request_id=7 string, redirect_uri=8 string, link=9 LinkTerms{}, validate_only=10 bool
    CompleteSignInResponse: result/decision=1 SignInDecision{}, result/link=2 LinkResponse{}, ticket=3 string, ticket_expire_time=4 Timestamp{}
    Connection: name=1 string, provider=2 string
    CreateUserRequest: identity=1 NewIdentity{}, user_id_form=2 UserIdForm, user_metadata=3 Struct{}, app_metadata=4 Struct{}, profile_overrides=5 Struct{}, blocked=6 bool, validate_only=7 bool, request_id=8 string
    CreateUserResponse: user=1 User{}
    DeleteUserRequest: user_id=1 string, expected_version?=2 int64, include_absorbed=3 bool, validate_only=4 bool, request_id=5 string
    DeleteUserResponse: deleted_user_ids=1 string[]
    EmailEvidence: identity=1 IdentityRef{}, user_id=2 string, email=3 string, counts=4 bool, verify_time=5 Timestamp{}, verifier_issuer=6 string, verifier_subject=7 string
    EmailMatch: user=1 User{}, identities=2 IdentityRef[], verified=3 bool
    Event: position=1 string, time=2 Timestamp{}, tenant=3 string, actor=4 Actor{}, request_id=5 string, detail/user_created=20 UserCreated{}, detail/user_updated=21 UserUpdated{}, detail/user_blocked=22 UserBlocked{}, detail/user_deleted=23 UserDeleted{}, detail/user_linked=24 UserLinked{}, detail/user_unlinked=25 UserUnlinked{}, detail/link_undone=26 LinkUndone{}, detail/identity_attached=27 IdentityAttached{}, detail/identity_detached=28 IdentityDetached{}, detail/identity_updated=29 IdentityUpdated{}, detail/user_metadata_merged=30 UserMetadataMerged{}, detail/user_primary_identity_changed=31 UserPrimaryIdentityChanged{}, detail/identity_released=32 IdentityReleased{}, detail/users_imported=33 UsersImported{}, detail/identities_renamed=34 IdentitiesRenamed{}, detail/identity_logged_out=40 IdentityLoggedOut{}, detail/account_event_reported=41 AccountEventReported{}
    ExportSummary: user_count=1 int64, deleted_count=2 int64, unknown_user_ids=3 string[]
    ExportUsersRequest: form=1 Form, user_ids=2 string[], since_position=3 string, include_links=4 bool
    ExportUsersResponse: part/position=1 string, part/lines=2 bytes, part/summary=3 ExportSummary{}
    FindByEmailRequest: email=1 string, include_unverified=2 bool, page_size=3 int32, page_token=4 string
    FindByEmailResponse: matches=1 EmailMatch[], next_page_token=2 string
    FindByIdentityRequest: identity=1 IdentityRef{}
    FindByIdentityResponse: user=1 User{}
    FindDuplicatesRequest: rules=1 DuplicateRule, primary=2 Primary, request_id=3 string
    FindDuplicatesResponse.Cluster: line=1 int64, user_count=2 int64
    FindDuplicatesResponse.OfMark: mark=1 string, cluster_count=2 int64
    FindDuplicatesResponse.OfRule: rule=1 string, pair_count=2 int64, cluster_count=3 int64
    FindDuplicatesResponse: plan_id=1 string, identity_count=2 int64, cluster_count=3 int64, user_count=4 int64, marked_count=5 int64, rules=6 OfRule[], marks=7 OfMark[], largest=8 Cluster[]
    GetProviderTokenRequest: user_id=1 string, identity=2 IdentityRef{}, scopes=3 string[]
    GetProviderTokenResponse: access_token=1 string, token_type=2 string, expire_time=3 Timestamp{}, scopes=4 string[]
    GetUserRequest: user_id=1 string
    GetUserResponse: user=1 User{}
    GivenMetadata: user_metadata=1 Struct{}, app_metadata=2 Struct{}
    IdentitiesRenamed: user=1 UserChange{}, renamed=2 RenamedIdentity[]
    Identity: identity_ref=1 IdentityRef{}, connection=2 string, email=3 string, email_verified=4 bool, profile_data=5 Struct{}, attach_time=6 Timestamp{}, origin_user_id=7 string, social=8 bool, email_verify_time=9 Timestamp{}, email_verifier_issuer=10 string, email_verifier_subject=11 string
    IdentityAttached: user=1 UserChange{}, identity=2 IdentityRef{}, link_id=3 string, basis=4 LinkBasis{}
    IdentityDetached: user=1 UserChange{}, detached=2 UserChange{}, identity=3 IdentityRef{}, link_id=4 string
    IdentityLoggedOut: user_id=1 string, identity=2 IdentityRef{}
    IdentityRef: provider=1 string, subject=2 string
    IdentityReleased: user=1 UserChange{}, identity=2 IdentityRef{}
    IdentityUpdated: user=1 UserChange{}, identity=2 IdentityRef{}
    ImportEnd: 
    ImportLoss: field=1 string, row_count=2 int64
    ImportProvider: name=1 string, target/provider=2 string, target/left_out=3 bool
    ImportRefusal: reason=1 Reason, field=2 string, description=3 string
    ImportSettings: validate_only=1 bool, providers=2 ImportProvider[]
    ImportSummary: run_id=1 string, row_count=2 int64, created_count=3 int64, present_count=4 int64, skipped_count=5 int64, refused_count=6 int64, providers=7 ImportedProvider[], verified_email_count=8 int64, counting_email_count=9 int64, shared_email_count=10 int64, losses=11 ImportLoss[]
    ImportUsersRequest: part/settings=1 ImportSettings{}, part/rows=2 bytes, part/rows_end=3 ImportEnd{}
    ImportUsersResponse: part/verdicts=1 ImportVerdicts{}, part/summary=2 ImportSummary{}
    ImportVerdict: line=1 int64, outcome=2 Outcome, user_id=3 string, refusals=4 ImportRefusal[]
    ImportVerdicts: verdicts=1 ImportVerdict[]
    ImportedProvider: name=1 string, account_count=2 int64, target/provider=3 string, target/left_out=4 bool
    JobMetadata: kind=1 Kind, state=2 State, done=3 int64, total=4 int64, counts=5 VerdictCounts{}, line_count=6 int64, cancel_requested=7 bool, create_time=8 Timestamp{}, start_time=9 Timestamp{}, end_time=10 Timestamp{}, actor=11 Actor{}, request/find_duplicates=12 FindDuplicatesRequest{}, request/apply_plan=13 ApplyPlanRequest{}, request/undo_links=14 UndoLinksRequest{}
    LinkBasis: proof_kind=1 Kind, rule=2 SignInRule, plan_id=3 string
    LinkCandidate: user_id=1 string, shared_emails=2 string[], providers=3 string[], handle=4 string, reasons=5 Reason, other_accounts=6 OtherAccount[], other_providers=7 string[]
    LinkFilter: start_time=1 Timestamp{}, end_time=2 Timestamp{}, proof_kind=3 Kind, rule=4 SignInRule, actor=5 Actor{}, plan_id=6 string, standing_only=7 bool, link_id=8 string
    LinkIntent: user_token=1 string
    LinkProof.Plan: 
    LinkProof.Service: issuer=1 string, subject=2 string
    LinkProof.SignIn: 
    LinkProof.Ticket: 
    LinkProof.Token: issuer=1 string, subject=2 string, token_hash=3 bytes
    LinkProof.VerifiedEmail: rule=1 SignInRule
    LinkProof: proof/token=1 Token{}, proof/service=2 Service{}, proof/ticket=3 Ticket{}, proof/verified_email=4 VerifiedEmail{}, proof/sign_in=5 SignIn{}, proof/plan=6 Plan{}
    LinkRecord: id=1 string, primary_user_id=2 string, secondary_user_id=3 string, moved_identities=4 IdentityRef[], link_time=5 Timestamp{}, undo_time=6 Timestamp{}, actor=10 Actor{}, proof=11 LinkProof{}, user_metadata=12 MetadataMerge{}, app_metadata=13 MetadataMerge{}, require_shared_verified_email=14 bool, metadata_changes=15 MetadataChange[], undo_actor=16 Actor{}, request_id=17 string, plan_id=18 string
    LinkRequest: user_id=1 string, secondary/link_with=2 string, secondary/link_ticket=3 string, secondary/identity=4 IdentityRef{}, secondary/secondary_user_id=5 string, user_metadata=6 MetadataMerge{}, app_metadata=7 MetadataMerge{}, expected_version?=8 int64, expected_secondary_version?=9 int64, validate_only=10 bool, request_id=11 string, require_shared_verified_email=12 bool, attach_only=13 bool, plan_id=14 string
    LinkResponse: user=1 User{}, outcome=2 Outcome, link=3 LinkRecord{}, metadata_changes=4 MetadataChange[]
    LinkTerms: attach_only=1 bool, user_metadata=2 MetadataMerge{}, app_metadata=3 MetadataMerge{}, expected_version?=4 int64, expected_secondary_version?=5 int64, require_shared_verified_email=6 bool
    LinkUndone: user=1 UserChange{}, restored=2 UserChange{}, repointed_user_ids=3 string[], moved_identities=4 IdentityRef[], link_id=5 string, metadata_changes=6 MetadataChange[], also_changed=7 UserChange[]
    ListConnectionsRequest: page_size=1 int32, page_token=2 string
    ListConnectionsResponse: connections=1 Connection[], next_page_token=2 string
    ListEventsRequest: start/after=1 string, start/from_end=2 FeedEnd, kinds=3 EventKind, user_id=4 string, page_size=5 int32
    ListEventsResponse: events=1 Event[], position=2 string, has_more=3 bool
    ListLinkCandidatesRequest: user_id=1 string
    ListLinkCandidatesResponse: candidates=1 LinkCandidate[]
    ListLinksRequest: user_id=1 string, page_size=2 int32, page_token=3 string, filter=4 LinkFilter{}
    ListLinksResponse: links=1 LinkRecord[], next_page_token=2 string
    ListProvidersRequest: page_size=1 int32, page_token=2 string
    ListProvidersResponse: providers=1 SignInProvider[], next_page_token=2 string
    ListUsersRequest: page_size=1 int32, page_token=2 string
    ListUsersResponse: users=1 User[], next_page_token=2 string, position=3 string
    MergeMetadataRequest: user_id=1 string, source/source_user_id=2 string, source/given=3 GivenMetadata{}, user_metadata=4 MetadataMerge{}, app_metadata=5 MetadataMerge{}, expected_version?=6 int64, validate_only=7 bool, request_id=8 string, source/link_id=9 string
    MergeMetadataResponse: user=1 User{}, metadata_changes=2 MetadataChange[]
    MetadataChange: metadata_namespace=1 MetadataNamespace, path=2 string, effect=3 Effect
    MetadataMerge: strategy=1 Strategy, conflict=2 Conflict, arrays=3 Arrays
    NewIdentity: identity_ref=1 IdentityRef{}, connection=2 string, social=3 bool, email=4 string, email_verified=5 bool, profile_data=6 Struct{}
    OtherAccount: identity=1 IdentityRef{}, since=2 Timestamp{}
    ProvenAccount: identity_ref=1 IdentityRef{}, connection=2 string, email=3 string, email_verified=4 bool, profile_data=5 Struct{}, sign_in_time=6 Timestamp{}
    ReadLinesRequest: operation=1 string, after_line=2 int64
    ReadLinesResponse.Line: number=1 int64, json=2 string
    ReadLinesResponse: lines=1 Line[]
    ReceiveLogoutTokenRequest: provider=1 string, logout_token=2 string
    ReceiveLogoutTokenResponse: 
    ReceiveSecurityEventsRequest: provider=1 string, security_event_token=2 string
    ReceiveSecurityEventsResponse: 
    RenamedIdentity: identity=1 IdentityRef{}, former=2 IdentityRef{}
    ResolveSignInRequest: proof/account=1 ProvenAccount{}, proof/sign_in_ticket=2 string, validate_only=3 bool, request_id=4 string
    ResolveSignInResponse: decision=1 SignInDecision{}
    ResolveUsersRequest: user_ids=1 string[]
    ResolveUsersResponse: users=1 ResolvedUser[]
    ResolvedUser: requested_id=1 string, state=2 State, user_id=3 string, since_time=4 Timestamp{}, link_id=5 string
    SetPrimaryIdentityRequest: user_id=1 string, identity=2 IdentityRef{}, expected_version?=3 int64, validate_only=4 bool, request_id=5 string
    SetPrimaryIdentityResponse: user=1 User{}
    SignInCandidate: user_id=1 string, providers=2 string[], verify_time=3 Timestamp{}, other_accounts=4 OtherAccount[]
    SignInDecision: outcome=1 Outcome, user=2 User{}, identity=3 IdentityRef{}, rule=4 SignInRule, evidence=5 EmailEvidence[], candidates=6 SignInCandidate[], ticket=7 string, ticket_expire_time=8 Timestamp{}, link=9 LinkRecord{}
    SignInIntent: 
    SignInProvider: provider=1 string, display_name=2 string, social=3 bool, mode=4 Mode, redirect_uris=5 string[]
    StartSignInRequest: provider=1 string, redirect_uri=2 string, intent/sign_in=3 SignInIntent{}, intent/link=4 LinkIntent{}, login_hint=5 string, prompt=6 string, max_age=7 Duration{}, scopes=8 string[]
    StartSignInResponse: attempt_secret=1 string, authorization_url=2 string, expire_time=3 Timestamp{}
    UndoLinkRequest: link_id=1 string, metadata=2 UnlinkMetadata, expected_version?=3 int64, validate_only=4 bool, request_id=5 string
    UndoLinkResponse: user=1 User{}, restored_user=2 User{}, link=3 LinkRecord{}, metadata_changes=4 MetadataChange[]
    UndoLinksRequest.Service: issuer=1 string, subject=2 string
    UndoLinksRequest: made_by/plan_id=1 string, made_by/rule=2 SignInRule, made_by/service=3 Service{}, start_time=4 Timestamp{}, end_time=5 Timestamp{}, validate_only=6 bool, rate=7 int32, request_id=8 string
    UndoLinksResponse: counts=1 VerdictCounts{}
    UnlinkRequest: user_id=1 string, identity=2 IdentityRef{}, metadata=3 UnlinkMetadata, expected_version?=4 int64, validate_only=5 bool, request_id=6 string, mode=7 UnlinkMode
    UnlinkResponse: user=1 User{}, detached_user=2 User{}, restored=3 bool, metadata_changes=4 MetadataChange[], link_id=5 string, released=6 bool
    UpdateUserRequest: user_id=1 string, update=2 UserUpdate{}, update_mask=3 FieldMask{}, expected_version?=4 int64, validate_only=5 bool, request_id=6 string
    UpdateUserResponse: user=1 User{}
    UploadPlanRequest: lines=1 string[], complete=2 bool, request_id=3 string
    UploadPlanResponse: operation=1 Operation{}
    User: id=1 string, version=2 int64, create_time=3 Timestamp{}, update_time=4 Timestamp{}, identities=5 Identity[], user_metadata=6 Struct{}, app_metadata=7 Struct{}, profile_overrides=8 Struct{}, blocked=9 bool, profile=10 Struct{}
    UserBlocked: user=1 UserChange{}, blocked=2 bool, changed_fields=3 FieldMask{}
    UserChange: user_id=1 string, version_before=2 int64, version_after=3 int64
    UserCreated: user=1 UserChange{}, identities=2 IdentityRef[], blocked=3 bool
    UserDeleted: user=1 UserChange{}, absorbed_user_ids=2 string[], identities=3 IdentityRef[]
    UserLinked: primary=1 UserChange{}, absorbed=2 UserChange{}, repointed_user_ids=3 string[], moved_identities=4 IdentityRef[], link_id=5 string, metadata_changes=6 MetadataChange[], basis=7 LinkBasis{}
    UserMetadataMerged: user=1 UserChange{}, source_user_id=2 string, link_id=3 string, metadata_changes=4 MetadataChange[]
    UserPrimaryIdentityChanged: user=1 UserChange{}, identity=2 IdentityRef{}
    UserUnlinked: user=1 UserChange{}, restored=2 UserChange{}, moved_identities=3 IdentityRef[], link_id=4 string, metadata_changes=5 MetadataChange[], also_changed=6 UserChange[], repointed_user_ids=7 string[]
    UserUpdate: user_metadata=1 Struct{}, app_metadata=2 Struct{}, profile_overrides=3 Struct{}, blocked=4 bool
    UserUpdated: user=1 UserChange{}, changed_fields=2 FieldMask{}
    UsersImported: run_id=1 string, user_count=2 int64
    VerdictCounts.Skipped: reason=1 string, count=2 int64
    VerdictCounts: done=1 int64, already=2 int64, skipped=3 Skipped[]
    WatchEventsRequest: start/after=1 string, start/from_end=2 FeedEnd, kinds=3 EventKind, user_id=4 string
    WatchEventsResponse: events=1 Event[], position=2 string, delay_millis=3 int64
    ");
}

/// The reserved words of the languages for which the protos have options, and of Python, Rust and
/// JavaScript, that could be the name of a field.
const RESERVED: &str = "abstract and alias and as assert async await base begin bool boolean break byte case catch char \
    checked class clone const continue crate debugger decimal declare def default del delegate delete die do double dyn \
    echo elif else elseif elsif empty end endfor endif ensure enum eval event except exit explicit export extends extern \
    fallthrough false final finally fixed float fn for foreach from func function global go goto hash if impl implements \
    implicit import in include instanceof int interface internal is isset lambda let lock long loop map match method mod \
    module move mut namespace native new next nil none nonlocal not null object operator or out override package params \
    pass print private protected pub public raise range readonly redo ref require rescue retry return sbyte sealed self \
    short sizeof stackalloc static strictfp string struct super switch synchronized then this throw throws trait transient \
    true try type typeof uint ulong unchecked undef union unless unsafe unset until use ushort using var virtual void \
    volatile when where while with xor yield";

#[test]
fn no_field_has_a_name_that_a_language_reserves() {
    let pool = pool();
    let ours = pool.all_messages().filter(|message| message.package_name() == "identitylink.v1");
    let names = ours.flat_map(|message| {
        let oneofs: Vec<String> = message.oneofs().map(|oneof| oneof.name().to_owned()).collect();
        message.fields().map(|field| field.name().to_owned()).chain(oneofs).collect::<Vec<_>>()
    });
    let names: BTreeSet<String> = names.collect();

    assert!(names.contains("user_id") && names.contains("secondary"), "{names:?}");
    let reserved: Vec<&str> =
        RESERVED.split_whitespace().filter(|word| names.contains(*word)).collect();
    assert_eq!(reserved, [""; 0]);
}

#[test]
fn every_proto_names_the_package_of_each_language() {
    let pool = pool();
    let ours = pool.files().filter(|file| file.package_name() == "identitylink.v1");
    let options = ours.map(|file| file.file_descriptor_proto().options.clone().unwrap());
    let packages: BTreeSet<String> = options
        .map(|options| {
            let (go, java, ruby) =
                (options.go_package(), options.java_package(), options.ruby_package());
            let (csharp, php, files) = (
                options.csharp_namespace(),
                options.php_namespace(),
                options.java_multiple_files(),
            );
            format!("{go} {java} {files} {csharp} {php} {ruby}")
        })
        .collect();

    let expected = r"identitylink/v1;identitylinkv1 identitylink.v1 true IdentityLink.V1 IdentityLink\V1 IdentityLink::V1";
    assert_eq!(packages.into_iter().collect::<Vec<_>>(), [expected]);
}

#[test]
fn the_values_of_each_enum() {
    let pool = pool();
    let ours =
        pool.all_enums().filter(|kind| kind.parent_file().package_name() == "identitylink.v1");
    let mut lines: Vec<String> = ours
        .map(|kind| {
            let values: Vec<String> =
                kind.values().map(|value| format!("{} {}", value.number(), value.name())).collect();
            format!(
                "{}: {}",
                kind.full_name().trim_start_matches("identitylink.v1."),
                values.join(", ")
            )
        })
        .collect();
    lines.sort();

    insta::assert_snapshot!(lines.join("\n"), @"
    AccountEventReported.Event: 0 EVENT_UNSPECIFIED, 1 EVENT_DISABLED, 2 EVENT_ENABLED, 3 EVENT_PURGED, 4 EVENT_CREDENTIAL_CHANGE_REQUIRED, 5 EVENT_CREDENTIAL_COMPROMISE, 6 EVENT_CREDENTIAL_CHANGE, 7 EVENT_SESSIONS_REVOKED, 8 EVENT_TOKEN_CLAIMS_CHANGE, 9 EVENT_TOKENS_REVOKED
    Actor.Kind: 0 KIND_UNSPECIFIED, 1 KIND_USER, 2 KIND_SERVICE, 3 KIND_DELETION, 4 KIND_OPERATOR, 5 KIND_PROVIDER
    DuplicateRule: 0 DUPLICATE_RULE_UNSPECIFIED, 1 DUPLICATE_RULE_VERIFIED_EMAIL, 2 DUPLICATE_RULE_VERIFIED_PHONE, 3 DUPLICATE_RULE_EMAIL_ONE_SIDE, 4 DUPLICATE_RULE_GMAIL
    EventKind: 0 EVENT_KIND_UNSPECIFIED, 1 EVENT_KIND_USER_CREATED, 2 EVENT_KIND_USER_UPDATED, 3 EVENT_KIND_USER_BLOCKED, 4 EVENT_KIND_USER_DELETED, 5 EVENT_KIND_USER_LINKED, 6 EVENT_KIND_USER_UNLINKED, 7 EVENT_KIND_LINK_UNDONE, 8 EVENT_KIND_IDENTITY_ATTACHED, 9 EVENT_KIND_IDENTITY_DETACHED, 10 EVENT_KIND_IDENTITY_UPDATED, 11 EVENT_KIND_USER_METADATA_MERGED, 12 EVENT_KIND_USER_PRIMARY_IDENTITY_CHANGED, 13 EVENT_KIND_IDENTITY_RELEASED, 14 EVENT_KIND_USERS_IMPORTED, 15 EVENT_KIND_IDENTITIES_RENAMED, 20 EVENT_KIND_IDENTITY_LOGGED_OUT, 21 EVENT_KIND_ACCOUNT_EVENT_REPORTED
    ExportUsersRequest.Form: 0 FORM_UNSPECIFIED, 1 FORM_NEUTRAL, 2 FORM_AUTH0
    FeedEnd: 0 FEED_END_UNSPECIFIED, 1 FEED_END_OLDEST, 2 FEED_END_NEWEST
    FindDuplicatesRequest.Primary: 0 PRIMARY_UNSPECIFIED, 1 PRIMARY_OLDEST, 2 PRIMARY_MOST_USED
    ImportRefusal.Reason: 0 REASON_UNSPECIFIED, 1 REASON_INVALID, 2 REASON_REPEATED, 3 REASON_IDENTITY_TAKEN, 4 REASON_ID_TAKEN, 5 REASON_DELETED
    ImportVerdict.Outcome: 0 OUTCOME_UNSPECIFIED, 1 OUTCOME_CREATED, 2 OUTCOME_PRESENT, 3 OUTCOME_SKIPPED, 4 OUTCOME_REFUSED
    JobMetadata.Kind: 0 KIND_UNSPECIFIED, 1 KIND_FIND_DUPLICATES, 2 KIND_APPLY_PLAN, 3 KIND_UNDO_LINKS, 4 KIND_UPLOAD_PLAN, 5 KIND_IMPORT_USERS, 6 KIND_EXPORT_USERS
    JobMetadata.State: 0 STATE_UNSPECIFIED, 1 STATE_WAITING, 2 STATE_RUNNING, 3 STATE_SUCCEEDED, 4 STATE_FAILED, 5 STATE_CANCELLED
    LinkCandidate.Reason: 0 REASON_UNSPECIFIED, 1 REASON_SHARED_VERIFIED_EMAIL, 2 REASON_WAS_LINKED_BEFORE
    LinkProof.Kind: 0 KIND_UNSPECIFIED, 1 KIND_TOKEN, 2 KIND_SERVICE, 3 KIND_TICKET, 4 KIND_VERIFIED_EMAIL, 5 KIND_SIGN_IN, 6 KIND_PLAN
    LinkResponse.Outcome: 0 OUTCOME_UNSPECIFIED, 1 OUTCOME_ABSORBED, 2 OUTCOME_ATTACHED, 3 OUTCOME_ALREADY_LINKED
    MetadataChange.Effect: 0 EFFECT_UNSPECIFIED, 1 EFFECT_ADDED, 2 EFFECT_CONFLICT_PRIMARY, 3 EFFECT_CONFLICT_SECONDARY, 4 EFFECT_COMBINED, 5 EFFECT_WITHHELD, 6 EFFECT_REVERSED, 7 EFFECT_KEPT
    MetadataMerge.Arrays: 0 ARRAYS_UNSPECIFIED, 1 ARRAYS_CONCATENATE, 2 ARRAYS_UNION, 3 ARRAYS_REPLACE
    MetadataMerge.Conflict: 0 CONFLICT_UNSPECIFIED, 1 CONFLICT_PRIMARY_WINS, 2 CONFLICT_SECONDARY_WINS, 3 CONFLICT_FAIL
    MetadataMerge.Strategy: 0 STRATEGY_UNSPECIFIED, 1 STRATEGY_KEEP_PRIMARY, 2 STRATEGY_MERGE
    MetadataNamespace: 0 METADATA_NAMESPACE_UNSPECIFIED, 1 METADATA_NAMESPACE_USER, 2 METADATA_NAMESPACE_APP
    Reason: 0 REASON_UNSPECIFIED, 1 REASON_TOKEN_MISSING, 2 REASON_TOKEN_INVALID, 3 REASON_SCOPE_INSUFFICIENT, 4 REASON_NOT_YOUR_USER, 5 REASON_REAUTHENTICATION_REQUIRED, 6 REASON_REQUEST_INVALID, 7 REASON_SAME_USER, 8 REASON_LINK_TOKEN_INVALID, 9 REASON_EMAIL_NOT_SHARED, 10 REASON_USER_NOT_FOUND, 11 REASON_IDENTITY_NOT_FOUND, 12 REASON_LINK_NOT_FOUND, 13 REASON_USER_ABSORBED, 14 REASON_USER_BLOCKED, 15 REASON_IDENTITY_TAKEN, 16 REASON_USER_EXISTS, 17 REASON_LAST_IDENTITY, 18 REASON_PRIMARY_IDENTITY, 19 REASON_TOO_MANY_IDENTITIES, 20 REASON_METADATA_CONFLICT, 21 REASON_METADATA_TOO_LARGE, 22 REASON_VERSION_MISMATCH, 23 REASON_CONFLICT_RETRY, 24 REASON_OVERLOADED, 25 REASON_STORE_UNAVAILABLE, 26 REASON_KEYS_UNAVAILABLE, 27 REASON_COMMIT_UNKNOWN, 28 REASON_ABSORBED_USERS_EXIST, 29 REASON_INTERNAL, 30 REASON_DEADLINE, 31 REASON_REQUEST_ID_REUSED, 32 REASON_LINK_NOT_UNDOABLE, 33 REASON_POSITION_INVALID, 34 REASON_POSITION_EXPIRED, 35 REASON_SERVER_STOPPING, 36 REASON_WATCH_EXPIRED, 37 REASON_LINK_TICKET_INVALID, 38 REASON_SIGN_IN_INVALID, 39 REASON_EMAIL_MISSING, 40 REASON_EMAIL_UNVERIFIED, 41 REASON_PROVIDER_DISABLED, 42 REASON_PROVIDER_REJECTED, 43 REASON_PROVIDER_UNAVAILABLE, 44 REASON_PROVIDER_UNKNOWN, 45 REASON_REGISTRATION_CLOSED, 46 REASON_RATE_LIMITED, 47 REASON_RPC_UNKNOWN, 48 REASON_ENCODING_UNSUPPORTED, 49 REASON_MESSAGE_TOO_LARGE, 60 REASON_OPERATION_NOT_FOUND, 61 REASON_OPERATION_UNFINISHED, 62 REASON_OPERATION_CANCELLED, 63 REASON_PLAN_INCOMPLETE, 64 REASON_TOO_MANY_OPERATIONS, 70 REASON_PROVIDER_EVENTS_OFF, 71 REASON_EVENT_TOKEN_INVALID, 75 REASON_PROVIDER_TOKEN_GONE, 76 REASON_PROVIDER_SCOPES_MISSING
    ResolvedUser.State: 0 STATE_UNSPECIFIED, 1 STATE_CURRENT, 2 STATE_ABSORBED, 3 STATE_DELETED, 4 STATE_UNKNOWN
    SignInDecision.Outcome: 0 OUTCOME_UNSPECIFIED, 1 OUTCOME_SIGNED_IN, 2 OUTCOME_CREATED, 3 OUTCOME_LINKED, 4 OUTCOME_CANDIDATES, 5 OUTCOME_REGISTRATION_NEEDED
    SignInProvider.Mode: 0 MODE_UNSPECIFIED, 1 MODE_SIGN_IN, 2 MODE_LINK_ONLY
    SignInRule: 0 SIGN_IN_RULE_UNSPECIFIED, 1 SIGN_IN_RULE_IDENTITY_KNOWN, 2 SIGN_IN_RULE_EMAIL_MISSING, 3 SIGN_IN_RULE_EMAIL_UNVERIFIED, 4 SIGN_IN_RULE_EMAIL_NOT_ASCII, 5 SIGN_IN_RULE_LINKING_OFF, 6 SIGN_IN_RULE_EMAIL_UNCLAIMED, 7 SIGN_IN_RULE_EMAIL_UNVERIFIED_ON_OTHER_USERS, 8 SIGN_IN_RULE_PROVIDER_ALREADY_LINKED, 9 SIGN_IN_RULE_DELETED_BEFORE, 10 SIGN_IN_RULE_EMAIL_VERIFIED_ON_BOTH_SIDES, 11 SIGN_IN_RULE_LINKING_SUGGESTED, 12 SIGN_IN_RULE_SEVERAL_USERS, 13 SIGN_IN_RULE_NEW_USER_CHOSEN, 14 SIGN_IN_RULE_EMAIL_VERIFIED_LONG_AGO, 15 SIGN_IN_RULE_EMAIL_CHANGED, 16 SIGN_IN_RULE_ACCOUNT_OLDER_THAN_EMAIL, 17 SIGN_IN_RULE_RELEASED_BEFORE, 18 SIGN_IN_RULE_OTHER_EMAIL_VERIFIED
    UnlinkMetadata: 0 UNLINK_METADATA_UNSPECIFIED, 1 UNLINK_METADATA_RESTORE, 2 UNLINK_METADATA_DISCARD
    UnlinkMode: 0 UNLINK_MODE_UNSPECIFIED, 1 UNLINK_MODE_RESTORE, 2 UNLINK_MODE_RELEASE
    UserIdForm: 0 USER_ID_FORM_UNSPECIFIED, 1 USER_ID_FORM_RANDOM, 2 USER_ID_FORM_PROVIDER_SUBJECT
    ");
}

#[test]
fn every_reason_is_used_by_a_status() {
    let files = ["src/grpc/status.rs", "src/grpc/status/refusals.rs"];
    let status = files.map(|file| fs::read_to_string(file).unwrap()).concat();
    let reasons = pool().get_enum_by_name("identitylink.v1.Reason").unwrap();
    let unused: Vec<String> = reasons
        .values()
        .filter(|reason| reason.number() != 0)
        .map(|reason| {
            let words = reason.name().trim_start_matches("REASON_").split('_').map(|word| {
                let (first, rest) = word.split_at(1);
                format!("{first}{}", rest.to_ascii_lowercase())
            });
            format!("Reason::{}", words.collect::<String>())
        })
        .filter(|reason| {
            ![",", ")", " "].iter().any(|end| status.contains(&format!("{reason}{end}")))
        })
        .collect();

    assert_eq!(unused, [""; 0]);
}
