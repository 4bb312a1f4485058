//! The rpcs that are streams, beside the watch. They have no deadline.

use futures_util::{Stream, StreamExt as _, stream};
use tokio::time::sleep;
use tonic::{Status, Streaming, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_prost::ProstCodec;

use crate::{
    Client, Error, Items, Reason,
    attempts::Attempts,
    client::{deadline_after, ready},
    error::Failure,
    rpc::Rpc,
    tokens::Bearer,
    v1::{
        ExportUsersRequest, ExportUsersResponse, ImportUsersRequest, ImportUsersResponse,
        ReadLinesRequest, ReadLinesResponse, UploadPlanRequest, UploadPlanResponse,
    },
};

impl Client {
    /// The users of the tenant as lines: first the position of the feed, last the counts. An error is the
    /// last item, and an export that ends with one is not complete.
    ///
    /// It has no deadline: drop it to end it. It is begun again as a call is repeated, until its first
    /// message has come.
    pub fn export_users(&self, request: ExportUsersRequest) -> Items<ExportUsersResponse> {
        self.read(request)
    }

    /// The lines of a job. An error is the last item: continue with `after_line`.
    ///
    /// It has no deadline: drop it to end it. It is begun again as a call is repeated, until its first
    /// message has come.
    pub fn read_lines(&self, request: ReadLinesRequest) -> Items<ReadLinesResponse> {
        self.read(request)
    }

    /// Creates users from rows: what became of each row. An error is the last item.
    ///
    /// The requests are the settings, the rows, and `rows_end`; they are read as fast as the server takes
    /// them. If they end without `rows_end`, nothing is written: end them so if a row cannot be made.
    ///
    /// It has no deadline, and is made once. After an error, send the same rows again: users that are
    /// there already are `OUTCOME_PRESENT`, and nothing of them changes.
    pub fn import_users(
        &self,
        requests: impl Stream<Item = ImportUsersRequest> + Send + 'static,
    ) -> Items<ImportUsersResponse> {
        self.write(requests)
    }

    /// Stores a plan, whose lines the requests have. If they end without `complete`, nothing is stored.
    ///
    /// It has no deadline, and is made once. After an error, send the same lines again with the same
    /// `request_id`: the plan is stored once.
    ///
    /// # Errors
    /// If the call fails: see [`Error`].
    pub async fn upload_plan(
        &self,
        requests: impl Stream<Item = UploadPlanRequest> + Send + 'static,
    ) -> Result<UploadPlanResponse, Error> {
        let ended = || Error::from(Failure::new(Status::unknown("the stream has no response")));
        self.write(requests).next().await.unwrap_or_else(|| Err(ended()))
    }

    fn read<R: Rpc>(&self, request: R) -> Items<R::Response> {
        let client = self.clone();
        let begun = async move {
            let (first, rest) = match client.begin(request).await {
                Ok((first, rest)) => (first.map(Ok), Some(rest)),
                Err(error) => (Some(Err(error)), None),
            };
            stream::iter(first).chain(stream::iter(rest).flatten())
        };
        stream::once(begun).flatten().boxed()
    }

    /// The first message of a stream, and those behind it.
    async fn begin<R: Rpc>(
        &self,
        mut request: R,
    ) -> Result<(Option<R::Response>, Items<R::Response>), Error> {
        // The time until the stream begins, not of the stream.
        let deadline = deadline_after(self.timeout);
        let mut attempts = Attempts::new(&mut request, deadline, self.max_attempts);
        let mut token = self.tokens.token().await.map_err(Error::of_source)?;
        loop {
            let failure = match self.first(request.clone(), &token).await {
                Ok((first, rest)) => {
                    self.reach.answered();
                    return Ok((first, messages(rest)));
                }
                Err(status) => self.reach.explained(Failure::new(status)),
            };
            if attempts.may_renew(&failure) {
                let renewed = self.tokens.renewed(&token).await.map_err(Error::of_source)?;
                if renewed != token {
                    token = renewed;
                    continue;
                }
            }
            let Some(pause) = attempts.pause_after(&failure) else { return Err(failure.into()) };
            sleep(pause).await;
        }
    }

    async fn first<R: Rpc>(
        &self,
        request: R,
        token: &Bearer,
    ) -> Result<(Option<R::Response>, Streaming<R::Response>), Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        ready(&mut grpc).await?;
        let path = PathAndQuery::from_static(R::PATH);
        let codec = ProstCodec::<R, R::Response>::default();
        let responses = grpc.server_streaming(self.request(request, token), path, codec).await?;
        let mut responses = responses.into_inner();
        Ok((responses.message().await?, responses))
    }

    fn write<R: Rpc>(
        &self,
        requests: impl Stream<Item = R> + Send + 'static,
    ) -> Items<R::Response> {
        let client = self.clone();
        let begun = async move {
            match client.exchange(requests).await {
                Ok(responses) => responses,
                Err(error) => stream::iter([Err(error)]).boxed(),
            }
        };
        stream::once(begun).flatten().boxed()
    }

    async fn exchange<R: Rpc>(
        self,
        requests: impl Stream<Item = R> + Send + 'static,
    ) -> Result<Items<R::Response>, Error> {
        let token = self.tokens.token().await.map_err(Error::of_source)?;
        let sent = async {
            let mut grpc = Grpc::new(self.channel.clone());
            ready(&mut grpc).await?;
            let path = PathAndQuery::from_static(R::PATH);
            let codec = ProstCodec::<R, R::Response>::default();
            grpc.streaming(self.request(requests, &token), path, codec).await
        };
        match sent.await {
            Ok(responses) => Ok(messages(responses.into_inner())),
            Err(status) => {
                let failure = self.reach.explained(Failure::new(status));
                if failure.reason() == Some(Reason::TokenInvalid) {
                    // A token that was refused is not used again.
                    self.tokens.renewed(&token).await.map_err(Error::of_source)?;
                }
                Err(failure.into())
            }
        }
    }
}

/// The messages of a stream. An error is the last item.
fn messages<M: Send + 'static>(responses: Streaming<M>) -> Items<M> {
    responses.map(|message| message.map_err(|status| Failure::new(status).into())).boxed()
}
