//! The client: calls with their attempts, pages, and ids in batches.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout_at};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{
    Request, Status,
    client::Grpc,
    metadata::{Ascii, MetadataKey, MetadataMap, MetadataValue},
    transport::Channel,
};
use tonic_prost::ProstCodec;

use crate::{
    BuildError, Builder, Error, Items, TokenSource,
    attempts::Attempts,
    error::Failure,
    reach::Reach,
    rpc::{Paged, Rpc},
    tokens::Bearer,
    v1,
};

/// How many ids one call resolves.
const IDS_AT_ONCE: usize = 100;

/// Calls identity-link, by one connection. Clones share the connection, and a clone is cheap.
///
/// A call ends when its future is dropped. A write that the server has begun may still be made.
#[derive(Clone)]
pub struct Client {
    pub(crate) channel: Channel,
    pub(crate) reach: Arc<Reach>,
    pub(crate) tokens: TokenSource,
    pub(crate) timeout: Duration,
    pub(crate) max_attempts: u32,
    pub(crate) max_silence: Duration,
    pub(crate) metadata: MetadataMap,
}

impl Client {
    /// A client of the server at this address, such as `https://identity.example.com`, which
    /// calls with the tokens of this source.
    pub fn builder(address: impl Into<String>, tokens: TokenSource) -> Builder {
        Builder::new(address.into(), tokens)
    }

    /// The same client, whose calls last so long at most, with all their attempts.
    #[must_use]
    pub fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    /// The same client, whose calls carry this metadata too: `x-tenant` if the token serves several
    /// tenants, or `traceparent` for the trace of a call. It replaces what the key had before.
    ///
    /// # Errors
    /// [`BuildError::Metadata`] if the key or the value has characters that metadata cannot have.
    pub fn with_metadata(&self, key: &str, value: &str) -> Result<Self, BuildError> {
        let key: MetadataKey<Ascii> = key.parse().map_err(|_| BuildError::Metadata)?;
        let value: MetadataValue<Ascii> = value.parse().map_err(|_| BuildError::Metadata)?;
        let mut metadata = self.metadata.clone();
        metadata.insert(key, value);
        Ok(Self { metadata, ..self.clone() })
    }

    /// Makes a call, with the attempts that are safe.
    pub(crate) async fn call<R: Rpc>(&self, mut message: R) -> Result<R::Response, Error> {
        let deadline = deadline_after(self.timeout);
        let attempts = Attempts::new(&mut message, deadline, self.max_attempts);
        let error = match timeout_at(deadline, self.attempt(attempts, &message, deadline)).await {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => error,
            Err(_) => self.reach.explained(Failure::deadline()).into(),
        };
        Err(error.under(message.request_id().map_or("", |id| id)))
    }

    async fn attempt<R: Rpc>(
        &self,
        mut attempts: Attempts,
        message: &R,
        deadline: Instant,
    ) -> Result<R::Response, Error> {
        let mut token = self.tokens.token().await.map_err(Error::of_source)?;
        loop {
            let mut request = self.request(message.clone(), &token);
            request.set_timeout(deadline.saturating_duration_since(Instant::now()));
            let failure = match self.unary(request).await {
                Ok(response) => {
                    self.reach.answered();
                    return Ok(response);
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

    /// A request of this message, by this token.
    pub(crate) fn request<R>(&self, message: R, token: &Bearer) -> Request<R> {
        let mut request = Request::new(message);
        request.metadata_mut().clone_from(&self.metadata);
        request.metadata_mut().insert("authorization", token.0.clone());
        request
    }

    async fn unary<R: Rpc>(&self, request: Request<R>) -> Result<R::Response, Status> {
        let mut grpc = Grpc::new(self.channel.clone());
        ready(&mut grpc).await?;
        let path = PathAndQuery::from_static(R::PATH);
        let codec = ProstCodec::<R, R::Response>::default();
        grpc.unary(request, path, codec).await.map(tonic::Response::into_inner)
    }

    /// The items of all pages. An error is the last item.
    pub(crate) fn pages<R: Paged>(&self, message: R) -> Items<R::Item> {
        let first = Some((self.clone(), message));
        let pages = stream::try_unfold(first, |next| async move {
            let Some((client, message)) = next else { return Ok::<_, Error>(None) };
            let (items, token) = R::page(client.call(message.clone()).await?);
            let next = (!token.is_empty()).then(|| {
                let mut message = message;
                message.set_page_token(token);
                (client, message)
            });
            Ok(Some((stream::iter(items.into_iter().map(Ok)), next)))
        });
        pages.try_flatten().boxed()
    }

    /// Resolves any number of user ids, live or absorbed, in their order: 100 with each call. An error is
    /// the last item.
    pub fn resolve(
        &self,
        user_ids: impl IntoIterator<Item = impl Into<String>>,
    ) -> Items<v1::ResolvedUser> {
        let ids: Vec<String> = user_ids.into_iter().map(Into::into).collect();
        let begun = (self.clone(), ids.into_iter());
        let batches = stream::try_unfold(begun, |(client, mut ids)| async move {
            let user_ids: Vec<String> = ids.by_ref().take(IDS_AT_ONCE).collect();
            if user_ids.is_empty() {
                return Ok::<_, Error>(None);
            }
            let users = client.resolve_users(v1::ResolveUsersRequest { user_ids }).await?.users;
            Ok(Some((stream::iter(users.into_iter().map(Ok)), (client, ids))))
        });
        batches.try_flatten().boxed()
    }
}

/// Waits until the channel takes a request.
pub(crate) async fn ready(grpc: &mut Grpc<Channel>) -> Result<(), Status> {
    grpc.ready().await.map_err(|error| Status::from_error(Box::new(error)))
}

/// The time after this duration; for one that no clock reaches, a far one.
pub(crate) fn deadline_after(timeout: Duration) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
    Instant::now() + timeout.min(FAR)
}

/// Hides the metadata, which may identify a person.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tokens, timeout, max_attempts, max_silence, .. } = self;
        f.debug_struct("Client")
            .field("tokens", tokens)
            .field("timeout", timeout)
            .field("max_attempts", max_attempts)
            .field("max_silence", max_silence)
            .finish_non_exhaustive()
    }
}
