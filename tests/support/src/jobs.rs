//! Calls about jobs, and short ways to read what they return.

use futures_util::stream;
use identity_link::grpc::proto::{
    self as pb,
    google::longrunning::{
        CancelOperationRequest, DeleteOperationRequest, GetOperationRequest, ListOperationsRequest,
        ListOperationsResponse, Operation, WaitOperationRequest,
        operation::Result as OperationResult,
    },
};
use prost::Message;
use serde_json::Value;
use tonic::{Response, Status};

use super::Caller;

impl Caller {
    pub async fn find_duplicates(
        &self,
        message: pb::FindDuplicatesRequest,
    ) -> Result<Operation, Status> {
        let request = self.request(message);
        self.jobs.clone().find_duplicates(request).await.map(Response::into_inner)
    }

    pub async fn apply_plan(&self, message: pb::ApplyPlanRequest) -> Result<Operation, Status> {
        let request = self.request(message);
        self.jobs.clone().apply_plan(request).await.map(Response::into_inner)
    }

    pub async fn undo_links(&self, message: pb::UndoLinksRequest) -> Result<Operation, Status> {
        let request = self.request(message);
        self.jobs.clone().undo_links(request).await.map(Response::into_inner)
    }

    /// Uploads a plan; each of the chunks is a message.
    pub async fn upload_plan<'a>(
        &self,
        chunks: impl Iterator<Item = &'a [String]>,
    ) -> Result<pb::UploadPlanResponse, Status> {
        let lines = chunks
            .map(|lines| pb::UploadPlanRequest { lines: lines.to_vec(), ..Default::default() });
        let end = pb::UploadPlanRequest { complete: true, ..Default::default() };
        self.upload_messages(lines.chain([end]).collect()).await
    }

    pub async fn upload_messages(
        &self,
        messages: Vec<pb::UploadPlanRequest>,
    ) -> Result<pb::UploadPlanResponse, Status> {
        let request = self.request(stream::iter(messages));
        self.jobs.clone().upload_plan(request).await.map(Response::into_inner)
    }

    /// An upload by a client that sends nothing, and does not end.
    pub async fn upload_and_pause(&self) -> Result<pb::UploadPlanResponse, Status> {
        let request = self.request(stream::pending());
        self.jobs.clone().upload_plan(request).await.map(Response::into_inner)
    }

    pub async fn get_operation(&self, name: &str) -> Result<Operation, Status> {
        let request = self.request(GetOperationRequest { name: name.to_owned() });
        self.operations.clone().get_operation(request).await.map(Response::into_inner)
    }

    pub async fn cancel_operation(&self, name: &str) -> Result<(), Status> {
        let request = self.request(CancelOperationRequest { name: name.to_owned() });
        self.operations.clone().cancel_operation(request).await.map(Response::into_inner)
    }

    pub async fn delete_operation(&self, name: &str) -> Result<(), Status> {
        let request = self.request(DeleteOperationRequest { name: name.to_owned() });
        self.operations.clone().delete_operation(request).await.map(Response::into_inner)
    }

    pub async fn list_operations(
        &self,
        message: ListOperationsRequest,
    ) -> Result<ListOperationsResponse, Status> {
        let request = self.request(message);
        self.operations.clone().list_operations(request).await.map(Response::into_inner)
    }

    pub async fn wait_operation(&self, name: &str) -> Result<Operation, Status> {
        let request =
            self.request(WaitOperationRequest { name: name.to_owned(), ..Default::default() });
        self.operations.clone().wait_operation(request).await.map(Response::into_inner)
    }

    /// The operation, after its end.
    pub async fn done(&self, name: &str) -> Operation {
        loop {
            let operation = self.wait_operation(name).await.unwrap();
            if operation.done {
                return operation;
            }
        }
    }

    /// The lines of an operation, with their numbers.
    pub async fn lines(&self, operation: &str) -> Result<Vec<(i64, Value)>, Status> {
        let message =
            pb::ReadLinesRequest { operation: operation.to_owned(), ..Default::default() };
        let request = self.request(message);
        let mut stream = self.jobs.clone().read_lines(request).await?.into_inner();
        let mut lines = Vec::new();
        while let Some(message) = stream.message().await? {
            let line = |line: pb::read_lines_response::Line| {
                (line.number, serde_json::from_str(&line.json).unwrap())
            };
            lines.extend(message.lines.into_iter().map(line));
        }
        Ok(lines)
    }
}

/// The metadata of an operation.
pub fn metadata(operation: &Operation) -> pb::JobMetadata {
    let any = operation.metadata.as_ref().unwrap();
    assert_eq!(any.type_url, "type.googleapis.com/identitylink.v1.JobMetadata");
    pb::JobMetadata::decode(&*any.value).unwrap()
}

/// The response of an operation. Panics if it has none.
pub fn response<T: Message + Default>(operation: &Operation, name: &str) -> T {
    match operation.result.as_ref() {
        Some(OperationResult::Response(any)) => {
            assert_eq!(any.type_url, format!("type.googleapis.com/identitylink.v1.{name}"));
            T::decode(&*any.value).unwrap()
        }
        other => panic!("no response: {other:?}"),
    }
}

/// The error of an operation, as the status of a call. Panics if it has none.
pub fn error(operation: &Operation) -> Status {
    match operation.result.as_ref() {
        Some(OperationResult::Error(error)) => {
            let details = error.encode_to_vec().into();
            Status::with_details(error.code.into(), error.message.clone(), details)
        }
        other => panic!("no error: {other:?}"),
    }
}
