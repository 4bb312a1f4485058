use std::{
    error::Error,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
};

use data_encoding::BASE64URL_NOPAD;
use tokio::sync::Notify;

use super::*;

/// Issues numbered tokens, each good for a hundred seconds. It can fail, and it sets the clock.
#[derive(Default)]
struct Issuer {
    seconds: Mutex<u64>,
    issued: AtomicU32,
    fails: AtomicBool,
    /// Whether a token is issued only after `go_on`.
    is_slow: AtomicBool,
    begun: Notify,
    go_on: Notify,
}

impl Issuer {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + *lock(&self.seconds))
    }

    fn wait(&self, seconds: u64) {
        *lock(&self.seconds) += seconds;
    }

    async fn issue(self: Arc<Self>) -> Result<Token, TokenError> {
        if self.fails.load(SeqCst) {
            return Err("there is no issuer".into());
        }
        if self.is_slow.load(SeqCst) {
            self.begun.notify_one();
            self.go_on.notified().await;
        }
        let number = self.issued.fetch_add(1, SeqCst);
        Ok(Token::new(format!("token{number}")).expires_at(self.now() + Duration::from_secs(100)))
    }

    fn source(self: &Arc<Self>) -> TokenSource {
        let issuer = Arc::clone(self);
        self.source_of(move || Box::pin(Arc::clone(&issuer).issue()))
    }

    fn source_of(
        self: &Arc<Self>,
        fetch: impl Fn() -> BoxFuture<'static, Result<Token, TokenError>> + Send + Sync + 'static,
    ) -> TokenSource {
        let clock = Arc::clone(self);
        let source = FunctionSource::new(fetch, move || clock.now());
        TokenSource(Source::Function(Arc::new(source)))
    }
}

async fn value(source: &TokenSource) -> String {
    text(&source.token().await.unwrap())
}

fn text(bearer: &Bearer) -> String {
    bearer.0.to_str().unwrap().strip_prefix("Bearer ").unwrap().to_owned()
}

#[tokio::test]
async fn a_token_is_used_until_shortly_before_its_end() {
    let issuer = Arc::new(Issuer::default());
    let source = issuer.source();
    assert_eq!(value(&source).await, "token0");
    issuer.wait(79);
    assert_eq!(value(&source).await, "token0");
    issuer.wait(2);
    assert_eq!(value(&source).await, "token1");
}

#[tokio::test]
async fn a_token_that_is_good_is_used_while_the_issuer_fails() {
    let issuer = Arc::new(Issuer::default());
    let source = issuer.source();
    assert_eq!(value(&source).await, "token0");
    issuer.fails.store(true, SeqCst);
    issuer.wait(90);
    assert_eq!(value(&source).await, "token0");
    issuer.wait(20);
    let failed = source.token().await.err().unwrap();
    assert_eq!(failed.to_string(), "there is no issuer");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_all_calls() {
    let issuer = Arc::new(Issuer::default());
    let source = issuer.source();
    let first = source.token().await.unwrap();
    let second = source.renewed(&first).await.unwrap();
    let third = source.renewed(&first).await.unwrap();
    assert_eq!([text(&second), text(&third)], ["token1", "token1"]);
    assert_eq!(issuer.issued.load(SeqCst), 2);
}

#[tokio::test]
async fn the_end_of_a_jwt_is_read() {
    let issuer = Arc::new(Issuer::default());
    let (claims, counter) = (BASE64URL_NOPAD.encode(br#"{"exp": 1000100}"#), Arc::clone(&issuer));
    let source = issuer.source_of(move || {
        let number = counter.issued.fetch_add(1, SeqCst);
        let token = Token::new(format!("a.{claims}.{number}"));
        Box::pin(async { Ok(token) })
    });
    let first = value(&source).await;
    issuer.wait(79);
    assert_eq!(value(&source).await, first);
    issuer.wait(2);
    assert_ne!(value(&source).await, first);
}

#[tokio::test]
async fn no_call_waits_for_the_renewal_of_a_good_token() {
    let issuer = Arc::new(Issuer::default());
    let source = issuer.source();
    assert_eq!(value(&source).await, "token0");
    issuer.wait(90);
    issuer.is_slow.store(true, SeqCst);
    let renewing = source.clone();
    let renewal = tokio::spawn(async move { value(&renewing).await });
    issuer.begun.notified().await;
    assert_eq!(value(&source).await, "token0");
    issuer.go_on.notify_one();
    assert_eq!(renewal.await.unwrap(), "token1");
}

#[tokio::test]
async fn a_file_is_read_again_after_it_was_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let (path, next) = (folder.path().join("token"), folder.path().join("next"));
    fs::write(&path, " first\n").unwrap();
    let source = TokenSource::file(&path);
    assert_eq!(value(&source).await, "first");
    fs::write(&next, "other\n").unwrap();
    fs::rename(&next, &path).unwrap();
    assert_eq!(value(&source).await, "other");
}

#[tokio::test]
async fn what_is_no_bearer_token_is_refused_and_not_quoted() {
    for token in ["", "=", "two words", "a\r\nx-admin: 1", "é", "a\n", "a=b"] {
        let refused = TokenSource::fixed(token).token().await.err().unwrap().to_string();
        assert!(token.is_empty() || token == "=" || !refused.contains(token), "{refused}");
    }
    assert_eq!(value(&TokenSource::fixed("aZ0-._~+/==")).await, "aZ0-._~+/==");
}

#[tokio::test]
async fn no_text_shows_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "open-sesame").unwrap();
    let function = TokenSource::function(async || {
        Ok::<_, Box<dyn Error + Send + Sync>>(Token::new("open-sesame"))
    });
    for source in [TokenSource::fixed("open-sesame"), TokenSource::file(&path), function] {
        let bearer = source.token().await.unwrap();
        assert_eq!(text(&bearer), "open-sesame");
        let shown = format!("{source:?} {:?} {:?}", bearer.0, Token::new("open-sesame"));
        assert!(!shown.contains("sesame"), "{shown}");
    }
}
