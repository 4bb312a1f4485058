//! Calls with streams: watches, exports and imports by Connect and by gRPC-Web.

use std::{convert::Infallible, time::Duration};

use data_encoding::BASE64;
use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Frame, Incoming};
use identity_link::grpc::proto as pb;
use prost::Message as _;
use serde_json::json;
use tokio::time::timeout;

use super::*;
use crate::support::{
    refusal,
    wires::{frame, frames, of_connect, whole},
};

const PATIENCE: Duration = Duration::from_secs(60);
const IMPORT: &str = "/identitylink.v1.TransferService/ImportUsers";
const EXPORT: &str = "/identitylink.v1.TransferService/ExportUsers";

/// A POST of frames.
fn frames_post(path: &str, media_type: &str, frames: impl Into<Bytes>) -> Request<Bytes> {
    Request::post(path).header("content-type", media_type).body(frames.into()).unwrap()
}

/// A response that goes on.
struct Stream {
    body: Incoming,
    heard: Vec<u8>,
}

impl Stream {
    /// Begins a watch by JSON from this start.
    async fn watch(client: &WireClient, start: &Value) -> Self {
        let request =
            frames_post(WATCH, "application/connect+json", frame(0, start.to_string().as_bytes()));
        let response = client.begin(request.map(http_body_util::Full::new)).await;
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "application/connect+json");
        assert_eq!(header(&response, "cache-control"), "no-store");
        Self { body: response.into_body(), heard: Vec::new() }
    }

    /// The next frame; `None` at the end of the body.
    async fn next(&mut self) -> Option<(u8, Value)> {
        loop {
            if let Some(head) = self.heard.first_chunk::<5>() {
                let length = u32::from_be_bytes(head[1..].try_into().unwrap());
                let end = 5 + usize::try_from(length).unwrap();
                if self.heard.len() >= end {
                    let whole: Vec<u8> = self.heard.drain(..end).collect();
                    return Some((whole[0], serde_json::from_slice(&whole[5..]).unwrap()));
                }
            }
            let more = timeout(PATIENCE, self.body.frame()).await.expect("a frame or the end");
            let Some(more) = more else {
                assert!(self.heard.is_empty(), "half a frame");
                return None;
            };
            self.heard.extend(more.unwrap().into_data().unwrap());
        }
    }

    /// The events of the next message that has some, and its position.
    async fn events(&mut self) -> (Vec<Value>, String) {
        loop {
            let (flags, message) = self.next().await.unwrap();
            assert_eq!(flags, 0, "{message}");
            let position = message["position"].as_str().unwrap().to_owned();
            if let Some(events) = message["events"].as_array() {
                return (events.clone(), position);
            }
        }
    }
}

/// A watch that loses its connection goes on by its position, without a gap or a double, and a
/// heartbeat shows each time that the server is there.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_goes_on_by_its_position() {
    let server = TestServer::start_feed_changed(|config| {
        config.feed.heartbeat = Duration::from_millis(50);
    })
    .await;
    let mut start = json!({"fromEnd": "FEED_END_OLDEST"});
    for round in 0..4 {
        let version = BOTH[round % 2];
        let mut stream = Stream::watch(&backend(&server, version), &start).await;
        let id = server.service().create("github", &round.to_string()).await.id;
        let (events, position) = stream.events().await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["userCreated"]["user"]["userId"], id.as_str(), "{events:?}");
        // Two heartbeats: a client that hears none for as long knows that the stream is dead.
        for _ in 0..2 {
            let (flags, heartbeat) = stream.next().await.unwrap();
            assert_eq!((flags, heartbeat.get("events")), (0, None), "{heartbeat}");
        }
        start = json!({"after": position});
    }
}

/// The watches whose clients are gone take no place of the others.
#[tokio::test(flavor = "multi_thread")]
async fn a_watch_ends_with_its_connection() {
    let server = TestServer::start_feed_for_one(|_| {}).await;
    let start = json!({"fromEnd": "FEED_END_NEWEST"});
    for round in 0..4 {
        let client = backend(&server, BOTH[round % 2]);
        // The one place is free as soon as the server has seen the end of the connection before.
        let stream = loop {
            let mut stream = Stream::watch(&client, &start).await;
            match stream.next().await.unwrap() {
                (0, _) => break stream,
                (_, end) => assert_eq!(end["error"]["code"], "resource_exhausted", "{end}"),
            }
        };
        let mut refused = Stream::watch(&client, &start).await;
        let (flags, end) = refused.next().await.unwrap();
        assert_eq!((flags, &end["error"]["code"]), (2, &json!("resource_exhausted")));
        assert_eq!(refusal::<()>(Err(of_connect(&end["error"]))), "ResourceExhausted OVERLOADED");
        assert!(refused.next().await.is_none());
        drop(stream);
    }
}

/// The last frame says how a stream ended, with the reason and the delay before the next attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_of_the_server_ends_a_stream_with_its_reason() {
    for version in BOTH {
        let server = TestServer::start_feed().await;
        let mut stream =
            Stream::watch(&backend(&server, version), &json!({"fromEnd": "FEED_END_NEWEST"})).await;
        assert_eq!(stream.next().await.unwrap().0, 0);
        server.shutdown.cancel();
        let end = loop {
            let (flags, message) = stream.next().await.unwrap();
            if flags == 2 {
                break message;
            }
        };
        assert_eq!(refusal::<()>(Err(of_connect(&end["error"]))), "Unavailable SERVER_STOPPING");
        assert!(stream.next().await.is_none());
    }
}

/// Each form of a stream has the same refusal before the first message.
#[tokio::test(flavor = "multi_thread")]
async fn a_refused_stream_has_its_reason_in_the_last_frame() {
    let server = TestServer::start().await;
    let wrong = pb::WatchEventsRequest::default().encode_to_vec();
    for version in BOTH {
        for (client, expected) in [
            (stranger(&server, version), "Unauthenticated TOKEN_MISSING"),
            (backend(&server, version), "InvalidArgument REQUEST_INVALID"),
        ] {
            for (media_type, message) in [
                ("application/connect+json", &b"{}"[..]),
                ("application/connect+proto", &wrong[..]),
            ] {
                let request = frames_post(WATCH, media_type, frame(0, message));
                let got = client.send(request).await;
                assert_eq!(
                    (got.status().as_u16(), header(&got, "content-type")),
                    (200, media_type)
                );
                let mut all = frames(got.body());
                let (flags, end) = all.pop().unwrap();
                assert_eq!((flags, all.len()), (2, 0));
                let end: Value = serde_json::from_slice(&end).unwrap();
                let refused = refusal::<()>(Err(of_connect(&end["error"])));
                assert!(refused.starts_with(expected), "{refused}");
            }
            // gRPC-Web: the trailers in a frame, or in the headers.
            let request = frames_post(WATCH, "application/grpc-web+proto", frame(0, &wrong));
            let got = crate::support::wires::Form::GrpcWeb.outcome(&client.send(request).await);
            assert!(refusal(got).starts_with(expected));
        }
    }
}

/// An export by each form has the same lines, and ends with success.
#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_same_in_each_form() {
    let server = TestServer::start().await;
    for subject in ["a", "b", "c"] {
        server.service().create("github", subject).await;
    }
    let client = backend(&server, Version::HTTP_11);
    let said = |media_type: &'static str, message: &'static [u8]| {
        let (client, request) =
            (client.clone(), frames_post(EXPORT, media_type, frame(0, message)));
        async move { frames(client.send(request).await.body()) }
    };
    let lines = |messages: &[Vec<u8>]| -> String {
        let lines = messages.iter().map(|message| {
            match pb::ExportUsersResponse::decode(&**message).unwrap().part {
                Some(pb::export_users_response::Part::Lines(lines)) => {
                    String::from_utf8(lines).unwrap()
                }
                _ => String::new(),
            }
        });
        lines.collect()
    };
    let split = |mut frames: Vec<(u8, Vec<u8>)>| {
        let end = frames.pop().unwrap();
        assert!(frames.iter().all(|(flags, _)| *flags == 0));
        (frames.into_iter().map(|(_, message)| message).collect::<Vec<_>>(), end)
    };

    let (web, (flags, _)) = split(said("application/grpc-web+proto", b"").await);
    assert_eq!(flags, 0x80);
    let web = lines(&web);
    assert_eq!(web.lines().count(), 3);
    let (connect, end) = split(said("application/connect+proto", b"").await);
    assert_eq!((lines(&connect), end), (web.clone(), (2, b"{}".to_vec())));
    let (json, end) = split(said("application/connect+json", b"{}").await);
    let from_json: String = json
        .iter()
        .filter_map(|message| {
            let message: Value = serde_json::from_slice(message).unwrap();
            let lines = BASE64.decode(message.get("lines")?.as_str()?.as_bytes()).unwrap();
            Some(String::from_utf8(lines).unwrap())
        })
        .collect();
    assert_eq!((from_json, end), (web, (2, b"{}".to_vec())));
}

/// Messages whose frames are cut anywhere arrive whole, while the server responds.
#[tokio::test(flavor = "multi_thread")]
async fn an_import_by_json_over_http2_is_one() {
    let server = TestServer::start().await;
    let row = json!({"id": "u-1", "identities": [{"provider": "github", "subject": "1"}]});
    let row = BASE64.encode(row.to_string().as_bytes());
    let messages = [json!({"settings": {}}), json!({"rows": row}), json!({"rowsEnd": {}})];
    let all: Vec<u8> =
        messages.iter().flat_map(|message| frame(0, message.to_string().as_bytes())).collect();
    let pieces: Vec<_> = all
        .chunks(7)
        .map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece))))
        .collect();
    let request = Request::post(IMPORT).header("content-type", "application/connect+json");
    let request = request.body(StreamBody::new(stream::iter(pieces))).unwrap();

    let got = whole(backend(&server, Version::HTTP_2).begin(request).await).await;

    let mut got = frames(got.body());
    assert_eq!(got.pop().unwrap(), (2, b"{}".to_vec()));
    let summary: Value = serde_json::from_slice(&got.pop().unwrap().1).unwrap();
    assert!(summary["summary"].is_object(), "{summary}");
    assert_eq!(server.service().user("u-1").await.id, "u-1");
    // A stream that is cut in a frame is refused, and writes nothing.
    let mut cut = messages
        .iter()
        .flat_map(|message| frame(0, message.to_string().as_bytes()))
        .collect::<Vec<u8>>();
    cut.pop();
    let got = backend(&server, Version::HTTP_2)
        .send(frames_post(IMPORT, "application/connect+json", cut))
        .await;
    let (flags, end) = frames(got.body()).pop().unwrap();
    let end: Value = serde_json::from_slice(&end).unwrap();
    assert_eq!((flags, &end["error"]["code"]), (2, &json!("invalid_argument")), "{end}");
}
