//! How a watch goes on after its stream has ended.

use std::{mem, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::{sleep, timeout};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status, Streaming, client::Grpc};
use tonic_prost::ProstCodec;

use crate::{
    Client, Error, Items, Reason,
    attempts::{asked, backoff},
    client::ready,
    error::Failure,
    rpc::Rpc,
    tokens::Bearer,
    v1::{WatchEventsRequest, WatchEventsResponse, watch_events_request::Start},
};

impl Client {
    /// Watches the feed without an end, without a gap and without an event twice.
    ///
    /// A stream ends after ten minutes at the latest, when its token expires, when the server stops, and
    /// when the connection is lost: the watch then continues from the last position, after a growing
    /// pause if need be. It also yields the messages without events: each has a position to store.
    ///
    /// Its last item is an error that no new stream mends, such as [`Reason::PositionExpired`]: then
    /// list the users again. Drop it to end the watch.
    pub fn watch(&self, request: WatchEventsRequest) -> Items<WatchEventsResponse> {
        let watch = Watch {
            client: self.clone(),
            request,
            token: None,
            responses: None,
            failures: 0,
            renewed: false,
            is_over: false,
        };
        stream::unfold(watch, |mut watch| async move {
            let next = watch.next().await?;
            Some((next, watch))
        })
        .boxed()
    }

    async fn open(
        &self,
        request: WatchEventsRequest,
        token: &Bearer,
    ) -> Result<Streaming<WatchEventsResponse>, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        ready(&mut grpc).await?;
        let path = PathAndQuery::from_static(WatchEventsRequest::PATH);
        let codec = ProstCodec::<WatchEventsRequest, WatchEventsResponse>::default();
        let request = self.request(request, token);
        Ok(grpc.server_streaming(request, path, codec).await?.into_inner())
    }
}

/// Why a stream ended.
enum End {
    /// It just ended, or was silent for too long.
    Silent,
    Failed(Box<Failure>),
}

/// The position that a watch has reached, and when to call again.
struct Watch {
    client: Client,
    /// The request of the next stream: from the last position on.
    request: WatchEventsRequest,
    /// The token of the next stream, if it is not that of the source.
    token: Option<Bearer>,
    responses: Option<Streaming<WatchEventsResponse>>,
    failures: u32,
    renewed: bool,
    /// Whether the last item was an error.
    is_over: bool,
}

impl Watch {
    async fn next(&mut self) -> Option<Result<WatchEventsResponse, Error>> {
        if self.is_over {
            return None;
        }
        let next = self.message().await;
        self.is_over = next.is_err();
        Some(next)
    }

    /// The next message, of this stream or of another one.
    async fn message(&mut self) -> Result<WatchEventsResponse, Error> {
        loop {
            let token = match self.token.take() {
                Some(token) => token,
                None => self.client.tokens.token().await.map_err(Error::of_source)?,
            };
            let end = match self.received(&token).await {
                Ok(response) => {
                    self.client.reach.answered();
                    self.request.start = Some(Start::After(response.position.clone()));
                    (self.failures, self.renewed) = (0, false);
                    // The stream has the token that it began with.
                    self.token = Some(token);
                    return Ok(response);
                }
                Err(end) => end,
            };
            self.responses = None;
            self.again(&token, end).await?;
        }
    }

    /// The next message of this stream, which is opened if there is none. The time in which the consumer
    /// handles a message does not count as silence.
    async fn received(&mut self, token: &Bearer) -> Result<WatchEventsResponse, End> {
        let Self { client, request, responses, .. } = self;
        let next = async {
            let responses = match responses {
                Some(responses) => responses,
                None => responses.insert(client.open(request.clone(), token).await?),
            };
            responses.message().await
        };
        match timeout(client.max_silence, next).await {
            Ok(Ok(Some(response))) => Ok(response),
            Ok(Err(status)) => Err(End::Failed(Box::new(Failure::new(status)))),
            Ok(Ok(None)) | Err(_) => Err(End::Silent),
        }
    }

    /// Waits until the next stream, and chooses its token.
    async fn again(&mut self, token: &Bearer, end: End) -> Result<(), Error> {
        if let End::Failed(failure) = &end
            && failure.reason() == Some(Reason::TokenInvalid)
            // Only if no stream was refused since the last message.
            && !mem::replace(&mut self.renewed, true)
        {
            let renewed = self.client.tokens.renewed(token).await.map_err(Error::of_source)?;
            if renewed != *token {
                self.token = Some(renewed);
                return Ok(());
            }
        }
        self.failures += 1;
        let pause = match end {
            End::Silent => backoff(self.failures),
            End::Failed(failure) => match self.pause_after(&failure) {
                Some(pause) => pause,
                None => return Err(Error::Call(failure)),
            },
        };
        sleep(pause).await;
        Ok(())
    }

    /// The pause before the next stream; `None` if the failure ends the watch.
    fn pause_after(&self, failure: &Failure) -> Option<Duration> {
        // The server ends each watch after a time, to judge the caller again. The first call after it
        // waits for nothing.
        if failure.reason() == Some(Reason::WatchExpired) && self.failures == 1 {
            return Some(Duration::ZERO);
        }
        asked(failure).or_else(|| {
            // A connection that is cut makes one of these of a stream, without a reason of the server.
            let is_cut = failure.code() == Code::Unavailable
                || failure.code() == Code::Internal && failure.reason_name().is_empty();
            is_cut.then(|| backoff(self.failures))
        })
    }
}
