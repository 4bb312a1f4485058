#!/usr/bin/env bash
# tonic 0.14.9 (crates.io) beside grpcio 1.76.0 (PyPI): a call that reaches the client's own deadline is CANCELLED in tonic.
#
# gRPC's document of status codes has DEADLINE_EXCEEDED for a call whose deadline has passed, and says that the library
# of a client generates it. tonic's client ends such a call with CANCELLED and the text "Timeout expired", whether the
# deadline is that of the request (`Request::set_timeout`, which also sends `grpc-timeout`) or that of the connection
# (`Endpoint::timeout`). CANCELLED is the code of a caller that gave up: a program that repeats calls after
# DEADLINE_EXCEEDED, or counts time-outs by their code, does not see those of its own client. Where the server is the
# first to notice, the same deadline is DEADLINE_EXCEEDED.
#
# Here both clients call a listener that accepts connections and says nothing.
#
# What users should do: put `tokio::time::timeout` around the call. identity-link's client for Rust does so, and reports
# `DeadlineExceeded`.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check grpcio==1.76.0
mkdir src
cat > Cargo.toml <<'TOML'
[package]
name = "deadlines"
edition = "2024"

[dependencies]
http = "1"
tokio = { version = "1", features = ["macros", "net", "process", "rt", "time"] }
tonic = { version = "=0.14.9", default-features = false, features = ["channel", "codegen"] }
TOML
cat > src/main.rs <<'RUST'
use std::{error::Error, time::Duration};

use tokio::{net::TcpListener, process::Command};
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::{Channel, Endpoint},
};

/// Messages without content.
#[derive(Default)]
struct Empty;

impl Codec for Empty {
    type Encode = ();
    type Decode = ();
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Empty {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Decoder for Empty {
    type Item = ();
    type Error = Status;

    fn decode(&mut self, _: &mut DecodeBuf<'_>) -> Result<Option<()>, Status> {
        Ok(Some(()))
    }
}

const TIME: Duration = Duration::from_millis(300);

async fn call(channel: Channel, timeout: Option<Duration>) -> Result<Status, Box<dyn Error>> {
    let mut client = Grpc::new(channel);
    client.ready().await?;
    let mut request = Request::new(());
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    let path = http::uri::PathAndQuery::from_static("/package.Service/Call");
    Ok(client.unary(request, path, Empty).await.unwrap_err())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok(connection) = listener.accept().await {
            open.push(connection);
        }
    });
    let endpoint = Endpoint::from_shared(format!("http://{address}"))?;

    let of_request = call(endpoint.connect().await?, Some(TIME)).await?;
    let of_endpoint = call(endpoint.timeout(TIME).connect().await?, None).await?;
    let of_grpcio = Command::new("python/bin/python").args(["call.py", &address.to_string()]).output().await?;

    println!("tonic, Request::set_timeout: {:?} {:?}", of_request.code(), of_request.message());
    println!("tonic, Endpoint::timeout: {:?} {:?}", of_endpoint.code(), of_endpoint.message());
    println!("grpcio: {}", String::from_utf8_lossy(&of_grpcio.stdout).trim());
    Ok(())
}
RUST
cat > call.py <<'PYTHON'
import sys

import grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    call = channel.unary_unary("/package.Service/Call")
    try:
        call(b"", timeout=0.3)
    except grpc.RpcError as error:
        print(error.code().name)
PYTHON

cargo run --quiet > seen
cat seen
diff - seen <<'SEEN'
tonic, Request::set_timeout: Cancelled "Timeout expired"
tonic, Endpoint::timeout: Cancelled "Timeout expired"
grpcio: DEADLINE_EXCEEDED
SEEN
