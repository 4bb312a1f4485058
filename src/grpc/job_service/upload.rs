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
        // A stream that its client resets seems to end.
        let mut is_complete = false;
        while let Some(message) = messages.message().await? {
            let pb::UploadPlanRequest { lines, complete } = message;
            let is_late = is_complete;
            is_complete = complete;
            if !upload.take(lines, is_late).await.map_err(status::from_error)? {
                break;
            }
        }
        let job = upload.finish(is_complete).await.map_err(status::from_error)?;
        let operation = shown::operation(&job).map_err(status::from_error)?;
        Ok(pb::UploadPlanResponse { operation: Some(operation) })
    }
}
