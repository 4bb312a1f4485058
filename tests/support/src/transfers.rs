//! Clients that import over gRPC.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use identity_link::grpc::proto::{
    self as pb, import_refusal::Reason, import_users_request, import_users_response::Part,
    import_verdict::Outcome,
};
use tokio::time::timeout;
use tonic::{Status, Streaming, transport::Endpoint};

use super::{Caller, TestServer, tokens::Token};

/// How long a test waits for something that must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// The first message of an import.
pub fn settings(settings: pb::ImportSettings) -> pb::ImportUsersRequest {
    pb::ImportUsersRequest { part: Some(import_users_request::Part::Settings(settings)) }
}

/// A message with rows.
pub fn rows(lines: impl AsRef<[u8]>) -> pb::ImportUsersRequest {
    pb::ImportUsersRequest { part: Some(import_users_request::Part::Rows(lines.as_ref().to_vec())) }
}

/// The last message of an import.
pub fn end() -> pb::ImportUsersRequest {
    pb::ImportUsersRequest { part: Some(import_users_request::Part::RowsEnd(pb::ImportEnd {})) }
}

/// What a client was sent of an import.
#[derive(Debug, Default)]
pub struct Imported {
    pub verdicts: Vec<pb::ImportVerdict>,
    pub summary: Option<pb::ImportSummary>,
    pub refusal: Option<Status>,
}

impl Imported {
    /// All that the server still sends.
    pub async fn read(mut stream: Streaming<pb::ImportUsersResponse>) -> Self {
        let mut imported = Self::default();
        loop {
            let next = timeout(PATIENCE, stream.message()).await.expect("the import should end");
            match next {
                Ok(Some(pb::ImportUsersResponse { part: Some(Part::Verdicts(more)) })) => {
                    assert_eq!(imported.summary, None, "the summary should be the last message");
                    imported.verdicts.extend(more.verdicts);
                }
                Ok(Some(pb::ImportUsersResponse { part: Some(Part::Summary(summary)) })) => {
                    assert!(imported.summary.replace(summary).is_none(), "two summaries");
                }
                Ok(Some(message)) => panic!("{message:?}"),
                Ok(None) => return imported,
                Err(status) => {
                    imported.refusal = Some(status);
                    return imported;
                }
            }
        }
    }

    /// `created: …, present: …, skipped: …, refused: …`, as the command prints it.
    pub fn counts(&self) -> String {
        let summary = self.summary.as_ref().unwrap_or_else(|| panic!("{:?}", self.refusal));
        format!(
            "created: {}, present: {}, skipped: {}, refused: {}",
            summary.created_count,
            summary.present_count,
            summary.skipped_count,
            summary.refused_count
        )
    }

    /// A line for each verdict.
    pub fn lines(&self) -> String {
        self.verdicts.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// How many verdicts have this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.verdicts.iter().filter(|verdict| verdict.outcome() == outcome).count()
    }
}

/// `line outcome user`, and a line for each reason.
fn line(verdict: &pb::ImportVerdict) -> String {
    let pb::ImportVerdict { line, user_id, refusals, .. } = verdict;
    let outcome = verdict.outcome().as_str_name().trim_start_matches("OUTCOME_").to_lowercase();
    let mut text = format!("{line} {outcome} {user_id}").trim_end().to_owned();
    for refusal in refusals {
        text.push_str(&format!("\n  {}", reason(refusal)));
    }
    text
}

/// The reason, the field and the sentence.
pub fn reason(refusal: &pb::ImportRefusal) -> String {
    let pb::ImportRefusal { field, description, .. } = refusal;
    format!("{} {field}: {description}", reason_word(refusal.reason()))
}

/// The word that the report of the command has for it.
pub fn reason_word(reason: Reason) -> &'static str {
    reason.as_str_name().trim_start_matches("REASON_")
}

impl Caller {
    /// Imports these lines in one message.
    pub async fn import(&self, lines: impl AsRef<[u8]>) -> Imported {
        self.import_with(pb::ImportSettings::default(), lines).await
    }

    /// The same with settings.
    pub async fn import_with(&self, with: pb::ImportSettings, lines: impl AsRef<[u8]>) -> Imported {
        self.import_messages(vec![settings(with), rows(lines), end()]).await
    }

    /// An import of these messages, after which the client ends its side of the stream.
    pub async fn import_messages(&self, messages: Vec<pb::ImportUsersRequest>) -> Imported {
        match self.import_users(stream::iter(messages)).await {
            Ok(stream) => Imported::read(stream).await,
            Err(status) => Imported { refusal: Some(status), ..Imported::default() },
        }
    }
}

impl TestServer {
    /// Begins an import with these messages by a client that is gone before it has sent more.
    pub async fn begin_import_and_go(&self, messages: Vec<pb::ImportUsersRequest>) {
        let address = self.address;
        let going = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            // The connection is closed at the end of its runtime.
            runtime.unwrap().block_on(async {
                let channel =
                    Endpoint::from_shared(format!("http://{address}")).unwrap().connect_lazy();
                let service = Caller::new(channel, Some(Token::of("services", "backend").sign()));
                let unended = stream::iter(messages).chain(stream::pending());
                drop(service.import_users(unended).await.unwrap());
            });
        };
        tokio::task::spawn_blocking(move || std::thread::spawn(going).join().unwrap())
            .await
            .unwrap();
    }

    /// A service that takes a byte of a response at a time, on a connection of its own.
    pub fn service_that_stalls(&self) -> Caller {
        let channel = Endpoint::from_shared(format!("http://{}", self.address))
            .unwrap()
            .initial_stream_window_size(1)
            .initial_connection_window_size(65_535)
            .connect_lazy();
        Caller::new(channel, Some(Token::of("services", "backend").sign()))
    }
}
