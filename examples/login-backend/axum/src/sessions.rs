//! The sessions, in memory: what each browser has.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use identity_link_client::v1::{IdentityRef, SignInDecision, sign_in_decision::Outcome};
use uuid::Uuid;

pub(crate) const SESSION_LIFE: Duration = Duration::from_secs(3600);

/// What a ticket can do, if the person wants it.
#[derive(Clone)]
pub(crate) struct Pending {
    pub(crate) kind: Kind,
    pub(crate) ticket: String,
    pub(crate) provider: String,
}

#[derive(Clone)]
pub(crate) enum Kind {
    /// To become one of these users, with their providers by their ids, or a new one.
    Candidates(HashMap<String, Vec<String>>),
    /// To become a new user.
    Registration,
    /// To link an account that has no user.
    Attachment,
    /// To link an account whose user is absorbed: the user's id, and its other accounts, which come
    /// too.
    Absorption { other_user: String, arriving: HashSet<IdentityRef> },
}

/// What one browser has. Without a user it only waits for an answer of the person.
#[derive(Clone)]
pub(crate) struct Session {
    /// Empty without a user.
    pub(crate) user_id: String,
    /// The account that signed in.
    pub(crate) identity: IdentityRef,
    pub(crate) since: Instant,
    /// Its user was absorbed: it reads only.
    pub(crate) is_stale: bool,
    /// Of the attempt to link that this session began.
    pub(crate) link_secret: String,
    pub(crate) pending: Option<Pending>,
    pub(crate) notice: String,
}

impl Session {
    fn is_over(&self) -> bool {
        self.since.elapsed() > SESSION_LIFE
    }

    /// A session with what was decided.
    fn new(decision: SignInDecision, old: Option<Session>) -> Self {
        let outcome = decision.outcome();
        let identity = decision.identity.unwrap_or_default();
        let provider = identity.provider.clone();
        let mut new = Self {
            user_id: decision.user.unwrap_or_default().id,
            identity,
            since: Instant::now(),
            is_stale: false,
            link_secret: String::new(),
            pending: None,
            notice: String::new(),
        };
        let kind = match outcome {
            Outcome::Candidates => {
                let candidates = decision.candidates.into_iter();
                Kind::Candidates(candidates.map(|each| (each.user_id, each.providers)).collect())
            }
            Outcome::RegistrationNeeded => Kind::Registration,
            Outcome::Linked => {
                new.notice = format!(
                    "Your account at {provider} was linked: both sides have verified its email."
                );
                return new.continuing(old);
            }
            _ => return new.continuing(old),
        };
        new.pending = Some(Pending { kind, ticket: decision.ticket, provider });
        new
    }

    /// The same session. If the person signed in as a candidate of the session before, the settings
    /// page asks whether the two accounts are one's.
    fn continuing(mut self, old: Option<Session>) -> Self {
        self.pending = old.and_then(|old| old.pending).filter(|pending| match &pending.kind {
            Kind::Candidates(candidates) => candidates.contains_key(&self.user_id),
            _ => false,
        });
        self
    }
}

/// The sessions of all browsers, by the values of their cookies.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Session>>);

impl Sessions {
    pub(crate) fn get(&self, key: &str) -> Option<Session> {
        self.lock().get(key).filter(|session| !session.is_over()).cloned()
    }

    /// Changes a session, unless it has ended meanwhile, and returns what the change returned.
    pub(crate) fn change<T>(&self, key: &str, change: impl FnOnce(&mut Session) -> T) -> Option<T> {
        self.lock().get_mut(key).map(change)
    }

    /// Begins a session with what was decided, under a new key, in place of the old one.
    pub(crate) fn begin(&self, old_key: &str, decision: SignInDecision) -> String {
        let key = Uuid::new_v4().to_string();
        let mut sessions = self.lock();
        let old = sessions.remove(old_key);
        sessions.retain(|_, session| !session.is_over());
        sessions.insert(key.clone(), Session::new(decision, old));
        key
    }

    pub(crate) fn end(&self, key: &str) {
        self.lock().remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
