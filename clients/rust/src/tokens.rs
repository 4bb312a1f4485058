//! Where the bearer token of each call comes from. No source, error or log line of this crate shows a
//! token.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures_util::future::BoxFuture;
use tokio::sync::Mutex as Turn;
use tonic::metadata::{Ascii, MetadataValue};

use crate::expiry;

/// How long a token that is still good is used after its renewal has failed, before the next attempt.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// Why a token source has no token.
pub type TokenError = Box<dyn std::error::Error + Send + Sync>;

/// A bearer token, and when it ends.
#[derive(Clone)]
pub struct Token {
    value: String,
    expires_at: Option<SystemTime>,
}

impl Token {
    /// A token that ends at the `exp` of its JWT. A token of another form is good until the server
    /// refuses it.
    pub fn new(value: impl Into<String>) -> Self {
        Self { value: value.into(), expires_at: None }
    }

    /// The same token, which ends at this time.
    #[must_use]
    pub fn expires_at(self, time: SystemTime) -> Self {
        Self { expires_at: Some(time), ..self }
    }
}

impl From<String> for Token {
    fn from(value: String) -> Self {
        Self::new(value)
    }
}

/// Hides the value.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expires_at = &self.expires_at;
        f.debug_struct("Token").field("expires_at", expires_at).finish_non_exhaustive()
    }
}

/// A source of the tokens of all calls. Clones share what it has read.
#[derive(Clone)]
pub struct TokenSource(Source);

#[derive(Clone)]
enum Source {
    Fixed(Token),
    File(Arc<FileSource>),
    Function(Arc<FunctionSource>),
}

impl TokenSource {
    /// One token, which is never renewed: for scripts and tests.
    pub fn fixed(token: impl Into<String>) -> Self {
        Self(Source::Fixed(Token::new(token)))
    }

    /// The token in a file that another process renews, such as a projected token of Kubernetes. The
    /// file is read again when it has changed, and when the server has refused its token. White space
    /// around the token is left out.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self(Source::File(Arc::new(FileSource { path: path.into(), read: Mutex::new(None) })))
    }

    /// The tokens that a function gets, such as by the client credentials of OAuth 2.0.
    ///
    /// The function is called before the token ends (30 seconds before, or after 80 % of its life if
    /// that is later), and after the server has refused it; never twice at once. If it fails while the
    /// token is still good, that one is used. Otherwise the call fails with [`Error::Token`](crate::Error::Token).
    pub fn function<F, T, E>(function: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Token>,
        E: Into<TokenError>,
    {
        let fetch = move || -> BoxFuture<'static, Result<Token, TokenError>> {
            let got = function();
            Box::pin(async move { got.await.map(Into::into).map_err(Into::into) })
        };
        #[expect(clippy::disallowed_methods, reason = "the clock of this crate")]
        let now = SystemTime::now;
        Self(Source::Function(Arc::new(FunctionSource::new(fetch, now))))
    }

    /// The token for the next call.
    pub(crate) async fn token(&self) -> Result<Bearer, TokenError> {
        match &self.0 {
            Source::Fixed(token) => Bearer::new(&token.value),
            Source::File(file) => file.token(),
            Source::Function(function) => function.token().await,
        }
    }

    /// Another token in place of one that the server has refused. If it is the same, there is none.
    pub(crate) async fn renewed(&self, rejected: &Bearer) -> Result<Bearer, TokenError> {
        match &self.0 {
            Source::Fixed(token) => Bearer::new(&token.value),
            Source::File(file) => {
                *lock(&file.read) = None;
                file.token()
            }
            Source::Function(function) => function.renewed(rejected).await,
        }
    }
}

/// Hides the values.
impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Fixed(_) => f.write_str("TokenSource::fixed"),
            Source::File(file) => write!(f, "TokenSource::file({:?})", file.path),
            Source::Function(_) => f.write_str("TokenSource::function"),
        }
    }
}

/// The value of the header `authorization`, which neither `{:?}` nor the index of HTTP/2 shows.
#[derive(Clone, PartialEq)]
pub(crate) struct Bearer(pub(crate) MetadataValue<Ascii>);

impl Bearer {
    /// Checks that the token has the characters of a bearer token alone (RFC 6750, section 2.1,
    /// b64token). Others would end the header, or be refused with an error that quotes them.
    fn new(token: &str) -> Result<Self, TokenError> {
        let body = token.trim_end_matches('=');
        let is_one = !body.is_empty()
            && body.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b));
        let value = is_one.then(|| format!("Bearer {token}").parse().ok()).flatten();
        let mut value: MetadataValue<Ascii> = value.ok_or(
            "the token is no bearer token: it is empty, or has characters beside those of RFC 6750",
        )?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// A file as it was when it was read: when it was written, its size and its place on the disk.
type Version = (Option<SystemTime>, u64, u64);

struct FileSource {
    path: PathBuf,
    read: Mutex<Option<(Version, Bearer)>>,
}

impl FileSource {
    /// Reads the file if it has changed. It is small and on this machine, so this blocks no longer than
    /// a call on another thread would take.
    fn token(&self) -> Result<Bearer, TokenError> {
        let failed = |error: io::Error| format!("{}: {error}", self.path.display());
        let mut read = lock(&self.read);
        let version = version(&self.path).map_err(failed)?;
        if let Some((of, bearer)) = &*read
            && *of == version
        {
            return Ok(bearer.clone());
        }
        // If the file is replaced after the look at it, the next call sees another version.
        let text = fs::read_to_string(&self.path).map_err(failed)?;
        let bearer = Bearer::new(text.trim())?;
        *read = Some((version, bearer.clone()));
        Ok(bearer)
    }
}

fn version(path: &Path) -> io::Result<Version> {
    let found = fs::metadata(path)?;
    #[cfg(unix)]
    let place = std::os::unix::fs::MetadataExt::ino(&found);
    #[cfg(not(unix))]
    let place = 0;
    Ok((found.modified().ok(), found.len(), place))
}

/// The last token of a function.
struct Kept {
    bearer: Bearer,
    /// `None` if the token has no known end.
    expires_at: Option<SystemTime>,
    renew_at: Option<SystemTime>,
}

struct FunctionSource {
    fetch: Box<dyn Fn() -> BoxFuture<'static, Result<Token, TokenError>> + Send + Sync>,
    now: Box<dyn Fn() -> SystemTime + Send + Sync>,
    kept: Mutex<Option<Kept>>,
    /// One renewal at a time.
    renewal: Turn<()>,
}

impl FunctionSource {
    fn new(
        fetch: impl Fn() -> BoxFuture<'static, Result<Token, TokenError>> + Send + Sync + 'static,
        now: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        let (fetch, now) = (Box::new(fetch), Box::new(now));
        Self { fetch, now, kept: Mutex::new(None), renewal: Turn::new(()) }
    }

    async fn token(&self) -> Result<Bearer, TokenError> {
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        let _turn = match (self.renewal.try_lock(), self.good()) {
            (Ok(turn), _) => turn,
            // While another call renews a token that is still good, this one need not wait.
            (Err(_), Some(good)) => return Ok(good),
            (Err(_), None) => self.renewal.lock().await,
        };
        if let Some(fresh) = self.fresh() {
            return Ok(fresh);
        }
        match self.fetch().await {
            Ok(bearer) => Ok(bearer),
            Err(error) => self.put_off().ok_or(error),
        }
    }

    async fn renewed(&self, rejected: &Bearer) -> Result<Bearer, TokenError> {
        let _turn = self.renewal.lock().await;
        match self.good() {
            Some(good) if good != *rejected => Ok(good),
            _ => self.fetch().await,
        }
    }

    /// Calls the function, and keeps its token. Needs the turn.
    async fn fetch(&self) -> Result<Bearer, TokenError> {
        let token = (self.fetch)().await?;
        let bearer = Bearer::new(&token.value)?;
        let expires_at = token.expires_at.or_else(|| expiry::of_jwt(&token.value));
        let renew_at = expires_at.map(|end| expiry::renew_at(end, (self.now)()));
        *lock(&self.kept) = Some(Kept { bearer: bearer.clone(), expires_at, renew_at });
        Ok(bearer)
    }

    /// The token, unless it is time for another one.
    fn fresh(&self) -> Option<Bearer> {
        self.kept_before(|kept| kept.renew_at)
    }

    /// The token, unless it has ended.
    fn good(&self) -> Option<Bearer> {
        self.kept_before(|kept| kept.expires_at)
    }

    fn kept_before(&self, time: impl Fn(&Kept) -> Option<SystemTime>) -> Option<Bearer> {
        let now = (self.now)();
        let kept = lock(&self.kept);
        let kept = kept.as_ref().filter(|kept| time(kept).is_none_or(|time| now < time))?;
        Some(kept.bearer.clone())
    }

    /// The token after its renewal has failed, unless it has ended.
    fn put_off(&self) -> Option<Bearer> {
        let now = (self.now)();
        if let Some(kept) = &mut *lock(&self.kept) {
            kept.renew_at = Some(now + AFTER_FAILURE);
        }
        self.good()
    }
}

/// What a panic left is whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
