//! Calls by path, with any metadata and any bytes, also such as no generated client sends.

use std::{convert::Infallible, time::Duration};

use futures_util::{StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use prost::bytes::{Buf as _, BufMut as _, Bytes};
use tokio::time::timeout;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    metadata::MetadataValue,
};

use super::TestServer;

impl TestServer {
    /// The bytes of the response; of a stream, of its first message. Metadata whose name ends with
    /// `-bin` is sent as bytes.
    pub async fn raw(
        &self,
        path: &str,
        metadata: &[(&'static str, &str)],
        message: &[u8],
    ) -> Result<Vec<u8>, Status> {
        self.raw_messages(path, metadata, vec![message.to_vec()]).await
    }

    /// The same with any number of messages.
    pub async fn raw_messages(
        &self,
        path: &str,
        metadata: &[(&'static str, &str)],
        messages: Vec<Vec<u8>>,
    ) -> Result<Vec<u8>, Status> {
        let mut request = Request::new(stream::iter(messages));
        for (name, value) in metadata {
            if name.ends_with("-bin") {
                request
                    .metadata_mut()
                    .append_bin(*name, MetadataValue::from_bytes(value.as_bytes()));
            } else {
                request.metadata_mut().append(*name, value.parse().unwrap());
            }
        }
        let mut client = Grpc::new(self.channel());
        client.ready().await.unwrap();
        let answer = client.streaming(request, path.parse().unwrap(), Verbatim).await?;
        Ok(answer.into_inner().message().await?.unwrap_or_default())
    }

    /// The response to a call that ends without a message.
    pub async fn raw_without_message(
        &self,
        path: &str,
        authorization: &str,
    ) -> Result<Vec<u8>, Status> {
        let mut request = Request::new(stream::empty::<Vec<u8>>());
        request.metadata_mut().insert("authorization", authorization.parse().unwrap());
        let mut client = Grpc::new(self.channel());
        client.ready().await.unwrap();
        client
            .client_streaming(request, path.parse().unwrap(), Verbatim)
            .await
            .map(tonic::Response::into_inner)
    }

    /// The status of a call whose body stops after three bytes and does not end. Its metadata may
    /// contain a `grpc-timeout`, which this client does not enforce.
    pub async fn raw_unfinished(
        &self,
        path: &str,
        metadata: &[(&'static str, &str)],
    ) -> Result<(), Status> {
        let origin = format!("http://{}", self.address);
        let mut request = http::Request::post(format!("{origin}{path}"))
            .header("content-type", "application/grpc");
        for (name, value) in metadata {
            request = request.header(*name, *value);
        }
        let begun = stream::once(async {
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0, 0, 0])))
        });
        let body = StreamBody::new(begun.chain(stream::pending()));
        let client = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
        let answer = client.request(request.body(body.boxed_unsync()).unwrap());
        let response = timeout(Duration::from_secs(30), answer)
            .await
            .expect("the server should respond")
            .unwrap();
        Status::from_header_map(response.headers()).map_or(Ok(()), Err)
    }

    /// The response to an empty message with this `authorization`.
    pub async fn raw_authorized(&self, path: &str, authorization: &str) -> Result<Vec<u8>, Status> {
        self.raw(path, &[("authorization", authorization)], &[]).await
    }
}

/// Sends and receives bytes as they are.
#[derive(Clone, Copy)]
struct Verbatim;

impl Codec for Verbatim {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Verbatim {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, dst: &mut EncodeBuf<'_>) -> Result<(), Status> {
        dst.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Verbatim {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, src: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(src.copy_to_bytes(src.remaining()).to_vec()))
    }
}
