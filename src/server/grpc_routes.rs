//! The services of gRPC, with the longest request that each reads.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic_health::{pb::health_server::HealthServer, server::HealthService};

use super::ServeError;
use crate::{
    feed::Feed,
    grpc::{
        EventHandler, IdentityHandler, JobHandler, SignInHandler, TransferHandler,
        proto::{
            DESCRIPTOR_SET,
            event_service_server::EventServiceServer,
            google::longrunning::operations_server::OperationsServer,
            identity_service_server::{self, IdentityServiceServer},
            job_service_server::{self, JobServiceServer},
            sign_in_service_server::{self, SignInServiceServer},
            transfer_service_server::{self, TransferServiceServer},
        },
    },
    transfer::{export::Form, limits::TransferLimits},
    use_cases::UseCases,
};

/// The longest request of a call without a token, of a watch, or about an operation, in bytes.
const MAX_OPEN_MESSAGE: usize = 4 * 1024;
/// The longest request of `SignInService`, in bytes: a profile has up to 16 KiB.
const MAX_SIGN_IN: usize = 128 * 1024;
/// The longest request of any other call, in bytes.
const MAX_MESSAGE: usize = 2 * 1024 * 1024;

/// The longest message of a call to a path, in bytes.
pub(super) fn longest_message(path: &str) -> usize {
    let service = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    match service {
        identity_service_server::SERVICE_NAME
        | job_service_server::SERVICE_NAME
        | transfer_service_server::SERVICE_NAME => MAX_MESSAGE,
        sign_in_service_server::SERVICE_NAME => MAX_SIGN_IN,
        _ => MAX_OPEN_MESSAGE,
    }
}

/// The services of identity-link, the standard health service, and reflection if it is configured.
/// Streams end when `permissions_changed` or `stop` is cancelled.
pub(super) fn grpc_routes(
    use_cases: &Arc<UseCases>,
    (feed, permissions_changed, stop): (Arc<Feed>, CancellationToken, CancellationToken),
    (transfers, auth0_form): (TransferLimits, Form),
    health: HealthService,
    with_reflection: bool,
) -> Result<Routes, ServeError> {
    let identity = IdentityServiceServer::new(IdentityHandler::new(Arc::clone(use_cases)))
        .max_decoding_message_size(MAX_MESSAGE);
    let sign_in = SignInServiceServer::new(SignInHandler::new(Arc::clone(use_cases)))
        .max_decoding_message_size(MAX_SIGN_IN);
    let max_pause = transfers.max_pause;
    let changed = permissions_changed.clone();
    let jobs = JobHandler::new(Arc::clone(use_cases), max_pause, changed, stop);
    let operations =
        OperationsServer::new(jobs.clone()).max_decoding_message_size(MAX_OPEN_MESSAGE);
    let jobs = JobServiceServer::new(jobs).max_decoding_message_size(MAX_MESSAGE);
    let events = EventHandler::new(Arc::clone(use_cases), feed, permissions_changed);
    let events = EventServiceServer::new(events).max_decoding_message_size(MAX_OPEN_MESSAGE);
    let transfers = TransferHandler::new(Arc::clone(use_cases), transfers, auth0_form);
    let transfers = TransferServiceServer::new(transfers).max_decoding_message_size(MAX_MESSAGE);
    let health = HealthServer::new(health).max_decoding_message_size(MAX_OPEN_MESSAGE);
    let routes = Routes::new(identity)
        .add_service(sign_in)
        .add_service(events)
        .add_service(jobs)
        .add_service(operations)
        .add_service(transfers)
        .add_service(health);
    let routes = if with_reflection { add_reflection(routes)? } else { routes };
    Ok(routes.prepare())
}

/// The services that the pages of the console call.
/// They end as those of [`grpc_routes`].
pub(super) fn console_routes(
    use_cases: &Arc<UseCases>,
    (feed, permissions_changed, stop): (Arc<Feed>, CancellationToken, CancellationToken),
    max_pause: Duration,
) -> Routes {
    let identity = IdentityHandler::new(Arc::clone(use_cases));
    let changed = permissions_changed.clone();
    let jobs = JobHandler::new(Arc::clone(use_cases), max_pause, changed, stop);
    let events = EventHandler::new(Arc::clone(use_cases), feed, permissions_changed);
    let sign_in = SignInHandler::new(Arc::clone(use_cases));
    Routes::new(IdentityServiceServer::new(identity))
        .add_service(SignInServiceServer::new(sign_in))
        .add_service(EventServiceServer::new(events))
        .add_service(JobServiceServer::new(jobs.clone()))
        .add_service(OperationsServer::new(jobs))
        .prepare()
}

/// Adds both versions of reflection: older tools support v1alpha only.
fn add_reflection(routes: Routes) -> Result<Routes, ServeError> {
    let part = |error: tonic_reflection::server::Error| ServeError::Part(error.to_string());
    let v1 = reflection().build_v1().map_err(part)?;
    let v1alpha = reflection().build_v1alpha().map_err(part)?;
    Ok(routes
        .add_service(v1.max_decoding_message_size(MAX_OPEN_MESSAGE))
        .add_service(v1alpha.max_decoding_message_size(MAX_OPEN_MESSAGE)))
}

fn reflection() -> tonic_reflection::server::Builder<'static> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
}
