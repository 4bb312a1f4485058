//! `UploadPlan`.

use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{JobHandler, shown};
use crate::{
    auth::Permit,
    domain::Violation,
    grpc::{
        long_calls, proto as pb,
        requests::Checks,
        status::{self, from_error},
    },
    transfer::plans::PlanUpload,
};

impl JobHandler {
    /// Stores the lines as they arrive, so that a long plan is not in memory. As an import, it lasts until
    /// its client pauses for too long, or something ends calls that last.
    pub(super) async fn upload(
        &self,
        permit: &Permit,
        messages: Streaming<pb::UploadPlanRequest>,
    ) -> Result<pb::UploadPlanResponse, Status> {
        let _slot = self.uploads.try_acquire().map_err(|_| status::uploads_busy())?;
        let (changed, stop) = (self.permissions_changed.clone(), self.stop.clone());
        tokio::select! {
            biased;
            stored = self.store_plan(permit, messages) => stored,
            ended = long_calls::ended(permit, changed, stop) => Err(ended),
        }
    }

    async fn store_plan(
        &self,
        permit: &Permit,
        mut messages: Streaming<pb::UploadPlanRequest>,
    ) -> Result<pb::UploadPlanResponse, Status> {
        let mut next = self.next(&mut messages).await?;
        let mut checks = Checks::default();
        let request_id =
            next.as_ref().and_then(|first| checks.optional_uuid("request_id", &first.request_id));
        let begun = PlanUpload::begin(self.use_cases.store(), permit, request_id).await;
        let mut upload = begun.map_err(from_error)?;
        upload.report(checks.into_violations());
        // A stream that its client resets seems to end.
        let mut is_complete = false;
        while let Some(pb::UploadPlanRequest { lines, complete, .. }) = next {
            let is_late = is_complete;
            is_complete = complete;
            if !upload.take(lines, is_late).await.map_err(from_error)? {
                break;
            }
            next = self.next(&mut messages).await?;
            if next.as_ref().is_some_and(|later| !later.request_id.is_empty()) {
                let later = "must be in the first message only";
                upload.report(vec![Violation::new("request_id", later)]);
                break;
            }
        }
        let reply = |job| shown::operation(&job).unwrap_or_default();
        let stored = upload.finish(&self.use_cases, is_complete, reply).await;
        Ok(pb::UploadPlanResponse { operation: Some(stored.map_err(from_error)?) })
    }

    /// The next message; `None` after the last one.
    async fn next(
        &self,
        messages: &mut Streaming<pb::UploadPlanRequest>,
    ) -> Result<Option<pb::UploadPlanRequest>, Status> {
        let next = timeout(self.max_pause, messages.message()).await;
        next.map_err(|_| status::upload_stalled())?.map_err(status::of_message)
    }
}
