//! The people whom the storm is about.

use std::sync::Mutex;

use super::calls::Answer;
use crate::support::*;

/// Where they sign in.
const PROVIDERS: [&str; 5] = ["google-oauth2", "github", "sms", "okta", "apple"];
const IDENTITIES: usize = 10;
/// How far back users and links are remembered.
const REMEMBERED: usize = 24;

/// A crowd: few identities, so that calls meet.
pub struct Crowd {
    pub name: &'static str,
    /// Provider and subject.
    pub identities: Vec<(&'static str, String)>,
    /// Proofs from before the storm, one per identity.
    pub old_proofs: Vec<String>,
    /// The users that there were at first.
    pub first_users: Vec<String>,
    heard: Mutex<Heard>,
}

/// Whom the writers have heard of lately; many are no more what they were.
#[derive(Default)]
struct Heard {
    users: Vec<String>,
    links: Vec<String>,
}

impl Crowd {
    /// A user per identity.
    pub async fn gather(server: &TestServer, name: &'static str) -> Self {
        let identities: Vec<_> =
            (0..IDENTITIES).map(|number| (PROVIDERS[number % PROVIDERS.len()], format!("{name}{number}"))).collect();
        let mut first_users = Vec::new();
        for (provider, subject) in &identities {
            first_users.push(server.service().create(provider, subject).await.id);
        }
        let old_proofs = identities.iter().map(|(provider, subject)| server.proof(provider, subject)).collect();
        let heard = Mutex::new(Heard { users: first_users.clone(), links: Vec::new() });
        Self { name, identities, old_proofs, first_users, heard }
    }

    /// Whether its people are deleted, and come again.
    pub fn is_mortal(&self) -> bool {
        self.name == "mortal"
    }

    /// Hears what somebody was told.
    pub fn hear(&self, answer: &Answer) {
        let mut heard = self.heard.lock().unwrap();
        heard.users.extend(answer.user_ids().into_iter().cloned());
        heard.links.extend(answer.made_link().map(|link| link.id.clone()));
        let Heard { users, links } = &mut *heard;
        for ids in [users, links] {
            let forgotten = ids.len().saturating_sub(REMEMBERED);
            ids.drain(..forgotten);
        }
    }

    /// A user of whom somebody has heard.
    pub fn user(&self, lots: &mut Lots) -> String {
        lots.one_of(&self.heard.lock().unwrap().users).clone()
    }

    /// A link of which somebody has heard.
    pub fn link(&self, lots: &mut Lots) -> Option<String> {
        let heard = self.heard.lock().unwrap();
        if heard.links.is_empty() { None } else { Some(lots.one_of(&heard.links).clone()) }
    }
}
