//! `UploadPlan`.

use tonic::{Status, Streaming};

use super::{JobHandler, shown};
use crate::{
    auth::Permit,
    grpc::{proto as pb, status},
    transfer::plans::PlanUpload,
};

impl JobHandler {
    /// Stores the lines as they arrive, so that a long plan is not in memory.
    pub(super) async fn upload(
        &self,
        permit: &Permit,
        mut messages: Streaming<pb::UploadPlanRequest>,
    ) -> Result<pb::UploadPlanResponse, Status> {
        let begun = PlanUpload::begin(self.use_cases.store(), permit).await;
        let mut upload = begun.map_err(status::from_error)?;
        while let Some(pb::UploadPlanRequest { lines }) = messages.message().await? {
            if !upload.take(lines).await.map_err(status::from_error)? {
                break;
            }
        }
        let job = upload.finish().await.map_err(status::from_error)?;
        let operation = shown::operation(&job).map_err(status::from_error)?;
        Ok(pb::UploadPlanResponse { operation: Some(operation) })
    }
}
