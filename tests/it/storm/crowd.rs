//! The users that the storm is about.

use std::sync::Mutex;

use super::calls::Answer;
use crate::support::*;

/// The providers of their accounts.
const PROVIDERS: [&str; 5] = ["google-oauth2", "github", "sms", "okta", "apple"];
const IDENTITIES: usize = 10;
/// How many of the latest users and links are remembered.
const REMEMBERED: usize = 24;

/// A crowd with few identities, so that calls meet.
pub(super) struct Crowd {
    pub name: &'static str,
    /// The provider and the subject of each identity.
    pub identities: Vec<(&'static str, String)>,
    /// Proofs from before the storm, one per identity.
    pub old_proofs: Vec<String>,
    /// The ids of the users that existed at first.
    pub first_users: Vec<String>,
    heard: Mutex<Heard>,
}

/// The users and links in the latest responses. Many of them have changed since.
#[derive(Default)]
struct Heard {
    users: Vec<String>,
    links: Vec<String>,
}

impl Crowd {
    /// Creates a user per identity.
    pub(super) async fn gather(server: &TestServer, name: &'static str) -> Self {
        let identities: Vec<_> = (0..IDENTITIES)
            .map(|number| (PROVIDERS[number % PROVIDERS.len()], format!("{name}{number}")))
            .collect();
        let mut first_users = Vec::new();
        for (provider, subject) in &identities {
            first_users.push(server.service().create(provider, subject).await.id);
        }
        let old_proofs =
            identities.iter().map(|(provider, subject)| server.proof(provider, subject)).collect();
        let heard = Mutex::new(Heard { users: first_users.clone(), links: Vec::new() });
        Self { name, identities, old_proofs, first_users, heard }
    }

    /// Whether its users are deleted and created again.
    pub(super) fn is_mortal(&self) -> bool {
        self.name == "mortal"
    }

    /// Remembers the users and the link of a response.
    pub(super) fn hear(&self, answer: &Answer) {
        let mut heard = self.heard.lock().unwrap();
        heard.users.extend(answer.user_ids().into_iter().cloned());
        heard.links.extend(answer.made_link().map(|link| link.id.clone()));
        let Heard { users, links } = &mut *heard;
        for ids in [users, links] {
            let forgotten = ids.len().saturating_sub(REMEMBERED);
            ids.drain(..forgotten);
        }
    }

    /// A user from a recent response.
    pub(super) fn user(&self, lots: &mut Lots) -> String {
        lots.one_of(&self.heard.lock().unwrap().users).clone()
    }

    /// A link from a recent response, if there is one.
    pub(super) fn link(&self, lots: &mut Lots) -> Option<String> {
        let heard = self.heard.lock().unwrap();
        if heard.links.is_empty() { None } else { Some(lots.one_of(&heard.links).clone()) }
    }
}
