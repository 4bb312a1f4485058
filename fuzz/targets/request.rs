//! Requests: any bytes that decode as a message are checked field by field, without a panic, and a
//! refusal is small enough to arrive.
#![no_main]

use chrono::DateTime;
use identity_link::{
    domain::{DomainError, EmailVerification, Verifier},
    grpc::{proto as pb, requests::Checks, status},
};
use libfuzzer_sys::fuzz_target;
use prost::Message;
use tonic::Code;
use tonic_types::StatusExt as _;

/// Many clients accept no longer header list than this.
const MAX_HEADERS: usize = 8 * 1024;

fuzz_target!(|bytes: &[u8]| {
    check::<pb::LinkRequest>(bytes, |checks, request| {
        use pb::link_request::Secondary;
        checks.optional_user_id("user_id", &request.user_id);
        checks.strategy("user_metadata", request.user_metadata);
        checks.strategy("app_metadata", request.app_metadata);
        match &request.secondary {
            Some(Secondary::Identity(identity)) => {
                drop(checks.identity("identity", Some(identity)))
            }
            Some(Secondary::SecondaryUserId(id)) => drop(checks.user_id("secondary_user_id", id)),
            Some(Secondary::LinkTicket(text)) => checks.ticket_text("link_ticket", text),
            Some(Secondary::LinkWith(_)) | None => {}
        }
    });
    check::<pb::UnlinkRequest>(bytes, |checks, request| {
        checks.request_id("request_id", &request.request_id, &request, request.validate_only);
        checks.optional_user_id("user_id", &request.user_id);
        checks.unlink_metadata("metadata", request.metadata, true);
        checks.identity("identity", request.identity.as_ref());
    });
    check::<pb::FindByEmailRequest>(bytes, |checks, request| {
        drop(checks.email("email", &request.email))
    });
    check::<pb::MergeMetadataRequest>(bytes, |checks, request| {
        use pb::merge_metadata_request::Source;
        checks.optional_user_id("user_id", &request.user_id);
        checks.strategy("user_metadata", request.user_metadata);
        checks.strategy("app_metadata", request.app_metadata);
        match request.source {
            Some(Source::SourceUserId(id)) => drop(checks.user_id("source_user_id", &id)),
            Some(Source::LinkId(id)) => drop(checks.link_id("link_id", &id)),
            Some(Source::Given(given)) => {
                checks.metadata("given.user_metadata", given.user_metadata);
                checks.metadata("given.app_metadata", given.app_metadata);
            }
            None => {}
        }
    });
    check::<pb::CreateUserRequest>(bytes, |checks, request| {
        let by = Verifier::Issuer("https://issuer.example".to_owned());
        checks.new_identity(
            "identity",
            request.identity,
            &EmailVerification { time: DateTime::UNIX_EPOCH, by },
        );
        checks.user_id_form("user_id_form", request.user_id_form);
        checks.metadata("user_metadata", request.user_metadata);
        checks.metadata("app_metadata", request.app_metadata);
        checks.metadata("profile_overrides", request.profile_overrides);
    });
    check::<pb::CompleteSignInRequest>(bytes, |checks, request| {
        checks.request_id("request_id", &request.request_id, &request, false);
        checks.required("state", &request.state, 128);
        checks.bounded("code", &request.code, 4096);
        checks.required("redirect_uri", &request.redirect_uri, 2048);
    });
    check::<pb::ResolveSignInRequest>(bytes, |checks, request| {
        use pb::resolve_sign_in_request::Proof;
        let by = Verifier::Issuer("https://issuer.example".to_owned());
        let verified = EmailVerification { time: DateTime::UNIX_EPOCH, by };
        match request.proof {
            Some(Proof::Account(account)) => {
                drop(checks.proven_account("account", account, &verified))
            }
            Some(Proof::SignInTicket(text)) => checks.ticket_text("sign_in_ticket", &text),
            None => {}
        }
    });
    check::<pb::UpdateUserRequest>(bytes, |checks, request| {
        checks.optional_user_id("user_id", &request.user_id);
        let update = request.update.unwrap_or_default();
        checks.metadata("update.user_metadata", update.user_metadata);
        checks.metadata("update.app_metadata", update.app_metadata);
        checks.metadata("update.profile_overrides", update.profile_overrides);
    });
    check::<pb::ResolveUsersRequest>(bytes, |checks, request| {
        for (at, id) in request.user_ids.iter().enumerate() {
            checks.user_id(&format!("user_ids[{at}]"), id);
        }
    });
    check::<pb::ListLinksRequest>(bytes, |checks, request| {
        checks.optional_user_id("user_id", &request.user_id);
        checks.page_size("page_size", request.page_size, 50, 100);
        for is_service in [true, false] {
            if let Some(filter) = &request.filter {
                checks.link_filter("filter", filter, (is_service, is_service));
            }
        }
    });
    check::<pb::UndoLinkRequest>(bytes, |checks, request| {
        checks.request_id("request_id", &request.request_id, &request, request.validate_only);
        checks.link_id("link_id", &request.link_id);
        checks.unlink_metadata("metadata", request.metadata, false);
    });
    check::<pb::SetPrimaryIdentityRequest>(bytes, |checks, request| {
        checks.optional_user_id("user_id", &request.user_id);
        checks.identity("identity", request.identity.as_ref());
    });
    // The other messages contain no other kinds of fields.
});

/// Checks the bytes as one kind of message.
fn check<M: Message + Default>(bytes: &[u8], fields: impl FnOnce(&mut Checks, M)) {
    let Ok(message) = M::decode(bytes) else { return };
    let mut checks = Checks::default();
    fields(&mut checks, message);
    if let Err(refusal) = checks.into_result() {
        expect_an_answer(refusal);
    }
}

fn expect_an_answer(refusal: DomainError) {
    let status = status::from_domain_error(refusal);
    assert_eq!(status.code(), Code::InvalidArgument);
    let details = status.get_error_details();
    assert_eq!(details.error_info().map(|info| info.reason.as_str()), Some("REQUEST_INVALID"));
    assert!(details.bad_request().is_some_and(|wrong| !wrong.field_violations.is_empty()));
    let response = status.into_http::<()>();
    let headers = response.headers().iter();
    // The size of an entry as HTTP/2 counts it (RFC 9113 §6.5.2).
    let bytes: usize = headers.map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
    assert!(bytes <= MAX_HEADERS, "{bytes} bytes of headers");
}
