//! `identitylink.v1.JobService`, and `google.longrunning.Operations`, which has the state of its jobs.

mod lines;
mod operations;
mod shown;
mod start;
mod upload;

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Response, Status, Streaming};

use self::lines::Lines;
use super::{
    permitted,
    proto::{
        self as pb,
        google::longrunning::{self as lro, operations_server::Operations},
        job_service_server::JobService,
    },
    status,
};
use crate::use_cases::UseCases;

/// How many calls may wait for a job at once. Others get its state at once.
const MAX_WAITING: usize = 256;
/// How many plans may arrive at once.
const MAX_UPLOADS: usize = 8;

/// Handles the rpcs of both services. Clones share what they know.
#[derive(Clone)]
pub struct JobHandler {
    use_cases: Arc<UseCases>,
    waiting: Arc<Semaphore>,
    uploads: Arc<Semaphore>,
    /// How long the client of an upload may send nothing.
    max_pause: Duration,
    /// Cancelled when a configuration is in use that may permit a caller less.
    permissions_changed: CancellationToken,
    /// Cancelled when the server stops.
    stop: CancellationToken,
}

impl JobHandler {
    /// Handles them with these use cases. The client of an upload may pause for `max_pause`. Streams and
    /// waits end at the latest when `permissions_changed` or `stop` is cancelled.
    pub fn new(
        use_cases: Arc<UseCases>,
        max_pause: Duration,
        permissions_changed: CancellationToken,
        stop: CancellationToken,
    ) -> Self {
        let [waiting, uploads] =
            [MAX_WAITING, MAX_UPLOADS].map(|slots| Arc::new(Semaphore::new(slots)));
        Self { use_cases, waiting, uploads, max_pause, permissions_changed, stop }
    }
}

#[tonic::async_trait]
impl JobService for JobHandler {
    type ReadLinesStream = Lines;

    async fn find_duplicates(
        &self,
        request: Request<pb::FindDuplicatesRequest>,
    ) -> Result<Response<lro::Operation>, Status> {
        let (permit, message) = permitted(request)?;
        self.find(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn apply_plan(
        &self,
        request: Request<pb::ApplyPlanRequest>,
    ) -> Result<Response<lro::Operation>, Status> {
        let (permit, message) = permitted(request)?;
        self.apply(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn undo_links(
        &self,
        request: Request<pb::UndoLinksRequest>,
    ) -> Result<Response<lro::Operation>, Status> {
        let (permit, message) = permitted(request)?;
        self.undo(permit, message).await.map(Response::new).map_err(status::from_error)
    }

    async fn upload_plan(
        &self,
        request: Request<Streaming<pb::UploadPlanRequest>>,
    ) -> Result<Response<pb::UploadPlanResponse>, Status> {
        let (permit, messages) = permitted(request)?;
        self.upload(&permit, messages).await.map(Response::new)
    }

    async fn read_lines(
        &self,
        request: Request<pb::ReadLinesRequest>,
    ) -> Result<Response<Lines>, Status> {
        let (permit, message) = permitted(request)?;
        self.lines(permit, &message).await.map(Response::new).map_err(status::from_error)
    }
}

#[tonic::async_trait]
impl Operations for JobHandler {
    async fn list_operations(
        &self,
        request: Request<lro::ListOperationsRequest>,
    ) -> Result<Response<lro::ListOperationsResponse>, Status> {
        let (permit, message) = permitted(request)?;
        self.list(&permit, &message).await.map(Response::new).map_err(status::from_error)
    }

    async fn get_operation(
        &self,
        request: Request<lro::GetOperationRequest>,
    ) -> Result<Response<lro::Operation>, Status> {
        let (permit, message) = permitted(request)?;
        self.get(&permit, &message).await.map(Response::new).map_err(status::from_error)
    }

    async fn delete_operation(
        &self,
        request: Request<lro::DeleteOperationRequest>,
    ) -> Result<Response<()>, Status> {
        let (permit, message) = permitted(request)?;
        self.delete(permit, &message).await.map(Response::new).map_err(status::from_error)
    }

    async fn cancel_operation(
        &self,
        request: Request<lro::CancelOperationRequest>,
    ) -> Result<Response<()>, Status> {
        let (permit, message) = permitted(request)?;
        self.cancel(permit, &message).await.map(Response::new).map_err(status::from_error)
    }

    async fn wait_operation(
        &self,
        request: Request<lro::WaitOperationRequest>,
    ) -> Result<Response<lro::Operation>, Status> {
        let (permit, message) = permitted(request)?;
        self.wait(permit, &message).await.map(Response::new).map_err(status::from_error)
    }
}
