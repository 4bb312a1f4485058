#!/usr/bin/env bash
# tonic 0.14.9 on hyper 1.12.0 and h2 0.4.20 (crates.io): the stream of a client that gives up seems to end as a whole one
# does.
#
# A gRPC client that is cancelled resets its HTTP/2 stream with the code CANCEL (RFC 9113 §7). A server that reads the
# client's messages would expect an error, which hyper gives, and which tonic gives for each other code. For CANCEL,
# `Streaming::message` returns `Ok(None)` instead, as it does when the client has sent all of its messages. No document of
# tonic says so.
#
# The handler is dropped soon, because its response has no receiver, but it goes on until it next has to wait, and a server
# that detaches its work stores the part as if it were all.
#
# What users should do: let the last message say that it is the last one, and refuse a stream without it. identity-link's
# ImportUsers (`rows_end`) and UploadPlan (`complete`) do.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "streams"
edition = "2024"

[dependencies]
bytes = "1"
h2 = "=0.4.20"
http = "1"
http-body-util = "0.1"
hyper = { version = "=1.12.0", features = ["http2", "server"] }
hyper-util = { version = "0.1", features = ["tokio"] }
tokio = { version = "1", features = ["io-util", "macros", "rt", "sync"] }
tonic = { version = "=0.14.9", default-features = false, features = ["codegen", "server"] }
TOML
cat > src/main.rs <<'RUST'
use std::convert::Infallible;

use bytes::{Buf, Bytes};
use h2::Reason;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::{body::Incoming, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::mpsc;
use tonic::{
    Status,
    codec::{DecodeBuf, Decoder, Streaming},
};

/// Reads each message as its length.
struct Lengths;

impl Decoder for Lengths {
    type Item = usize;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<usize>, Status> {
        let length = message.remaining();
        message.advance(length);
        Ok(Some(length))
    }
}

/// What a server reads of a stream in which a client sends a message of three bytes, before it ends the stream with this
/// code, or by END_STREAM.
async fn read_of(reset: Option<Reason>) -> String {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (send, mut receive) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let send = send.clone();
        async move {
            let mut messages = Streaming::new_request(Lengths, request.into_body(), None, None);
            let mut count = 0;
            let end = loop {
                match messages.message().await {
                    Ok(None) => break "the end".to_owned(),
                    Err(status) => break format!("{:?}", status.code()),
                    Ok(Some(_)) => {
                        count += 1;
                        send.send(String::new()).unwrap();
                    }
                }
            };
            send.send(format!("{count} message and {end}")).unwrap();
            Ok::<_, Infallible>(Response::new(Empty::<Bytes>::new()))
        }
    });
    tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(far), service));
    let (client, connection) = h2::client::handshake(near).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let request = Request::post("http://server.test/").body(()).unwrap();
    let (_response, mut stream) = client.send_request(request, false).unwrap();
    stream.send_data(Bytes::from_static(b"\0\0\0\0\x03one"), false).unwrap();
    // The server has the message before the stream ends.
    receive.recv().await.unwrap();
    match reset {
        Some(reason) => stream.send_reset(reason),
        None => stream.send_data(Bytes::new(), true).unwrap(),
    }
    loop {
        let read = receive.recv().await.unwrap();
        if !read.is_empty() {
            return read;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("END_STREAM:     {}", read_of(None).await);
    println!("CANCEL:         {}", read_of(Some(Reason::CANCEL)).await);
    println!("INTERNAL_ERROR: {}", read_of(Some(Reason::INTERNAL_ERROR)).await);
}
RUST
cargo build --quiet
target/debug/streams > seen
cat seen
diff seen - <<'EXPECTED'
END_STREAM:     1 message and the end
CANCEL:         1 message and the end
INTERNAL_ERROR: 1 message and Internal
EXPECTED
