//! `MergeMetadata`.

use std::mem::take;

use prost_types::Struct;

use super::IdentityHandler;
use crate::{
    auth::{AuthError, Permit},
    clock,
    domain::merge::Strategy,
    grpc::{
        proto::{self as pb, merge_metadata_request::Source},
        requests::Checks,
        responses,
    },
    use_cases::{Error, MERGE_APP_METADATA, MergeMetadata, MergeMetadataResult, MergeSource},
};

/// The end of "user tokens may not …".
const NOT_GIVEN: &str = "merge metadata that is not given in the request";

impl IdentityHandler {
    pub(super) async fn merge_metadata(
        &self,
        permit: Permit,
        mut request: pb::MergeMetadataRequest,
    ) -> Result<pb::MergeMetadataResponse, Error> {
        let id = take(&mut request.request_id);
        let mut checks = Checks::default();
        let request_id = checks.request_id("request_id", &id, &request, request.validate_only);
        let target = checks.target("user_id", &permit, &request.user_id);
        let user_metadata = checks.strategy("user_metadata", request.user_metadata);
        let app_metadata = checks.strategy("app_metadata", request.app_metadata);
        if user_metadata == Strategy::KeepPrimary && app_metadata == Strategy::KeepPrimary {
            checks.report(
                "user_metadata.strategy",
                "must be STRATEGY_MERGE, or app_metadata.strategy must: otherwise nothing is merged",
            );
        }
        expect_permitted(&permit, request.source.as_ref(), app_metadata)?;
        let source = source(&mut checks, request.source, user_metadata, app_metadata);
        let (target, source) = checks.into_result_with(target.zip(source))?;
        let (expected_version, validate_only) = (request.expected_version, request.validate_only);
        let now = clock::now();
        let merge = MergeMetadata {
            permit,
            target,
            source,
            user_metadata,
            app_metadata,
            expected_version,
            validate_only,
            now,
        };
        let reply = |result: MergeMetadataResult| pb::MergeMetadataResponse {
            user: Some(responses::user(&result.user)),
            metadata_changes: responses::changes(&result.changes),
        };
        self.use_cases.run(merge, request_id, reply).await
    }
}

/// Refuses what user tokens may not merge.
fn expect_permitted(
    permit: &Permit,
    source: Option<&Source>,
    app_metadata: Strategy,
) -> Result<(), AuthError> {
    let gives_app_metadata = match source {
        None => false,
        Some(Source::SourceUserId(_) | Source::LinkId(_)) => {
            permit.services_only(NOT_GIVEN)?;
            false
        }
        Some(Source::Given(given)) => has_fields(given.app_metadata.as_ref()),
    };
    if gives_app_metadata || app_metadata != Strategy::KeepPrimary {
        permit.services_only(MERGE_APP_METADATA)?;
    }
    Ok(())
}

/// Where the merged metadata comes from; `None` if that is absent or wrong.
fn source(
    checks: &mut Checks,
    source: Option<Source>,
    user_metadata: Strategy,
    app_metadata: Strategy,
) -> Option<MergeSource> {
    match source {
        None => {
            checks.report("source", "is required: source_user_id, given or link_id");
            None
        }
        Some(Source::SourceUserId(id)) => {
            checks.user_id("source_user_id", &id).map(MergeSource::User)
        }
        Some(Source::LinkId(id)) => checks.link_id("link_id", &id).map(MergeSource::Link),
        Some(Source::Given(given)) => {
            let namespaces = [
                ("given.user_metadata", &given.user_metadata, user_metadata),
                ("given.app_metadata", &given.app_metadata, app_metadata),
            ];
            for (field, metadata, strategy) in namespaces {
                if has_fields(metadata.as_ref()) && strategy == Strategy::KeepPrimary {
                    checks.report(field, "would be ignored: its strategy is not STRATEGY_MERGE");
                }
            }
            Some(MergeSource::Given {
                user_metadata: checks.metadata("given.user_metadata", given.user_metadata),
                app_metadata: checks.metadata("given.app_metadata", given.app_metadata),
            })
        }
    }
}

fn has_fields(metadata: Option<&Struct>) -> bool {
    metadata.is_some_and(|given| !given.fields.is_empty())
}
