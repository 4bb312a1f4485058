//! One client of the load.

use std::{sync::Arc, time::Duration};

use identity_link::grpc::proto as pb;
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    PATIENCE, UNAVAILABLE,
    ledger::Ledger,
    seen::{Connections, Seen},
};
use crate::{
    storm::calls::{Answer, Call, Who},
    support::*,
};

/// How long a client waits before it repeats a refused call.
const PAUSE: Duration = Duration::from_millis(20);

/// What a refusal says of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nothing was changed.
    Unchanged,
    /// The change may have been made, or may still be made.
    Unknown,
}

/// One client, with users that no other one changes.
pub(super) struct Writer {
    pub number: usize,
    pub service: Caller,
    pub connections: Connections,
    pub seen: Arc<watch::Sender<Seen>>,
    pub ledger: Ledger,
}

impl Writer {
    /// Makes calls until `stop`, and then until each of its changes is acknowledged.
    pub(super) async fn write_until(mut self, stop: CancellationToken) -> Ledger {
        for n in 0.. {
            if stop.is_cancelled() {
                break;
            }
            let subject = format!("{}-{n}", self.number);
            self.link_two(&subject, n % 3).await;
        }
        self.ledger
    }

    /// Creates two users and links them. In two of three cases the link ends again.
    async fn link_two(&mut self, subject: &str, case: usize) {
        let first = self.create("github", subject).await;
        let second = self.create("google-oauth2", subject).await;
        let account = ("github", subject);
        let link = Call::Link(link_user(&first.id, &second.id));
        let linked = self.change(account, Some(&first), link).await;
        let user = linked.users(Who::Service)[0].clone();
        let expected = ["github", "google-oauth2"].map(|provider| format!("{provider}|{subject}"));
        assert_eq!(identities(&user), expected);
        self.ledger.linked(&user, &second.id);
        assert_eq!(self.look(account).await.as_ref(), Some(&user));
        let (kind, call) = match case {
            0 => return,
            1 => ("unlinked", Call::Unlink(unlink(&user.id, "google-oauth2", subject))),
            _ => {
                let link_id = linked.made_link().unwrap().id.clone();
                ("undone", Call::Undo(pb::UndoLinkRequest { link_id, ..Default::default() }))
            }
        };
        let parted = self.change(account, Some(&user), call).await;
        let users = parted.users(Who::Service);
        assert_eq!(identities(users[0]), expected[..1]);
        self.ledger.parted(kind, users[0], users[1]);
    }

    async fn create(&mut self, provider: &str, subject: &str) -> pb::User {
        let identity_ref = identity_ref(provider, subject);
        let identity = Some(pb::NewIdentity { identity_ref, ..Default::default() });
        let create = Call::Create(pb::CreateUserRequest { identity, ..Default::default() });
        let created = self.change((provider, subject), None, create).await;
        let user = created.users(Who::Service)[0];
        self.ledger.created(user);
        user.clone()
    }

    /// Makes a change, under one request id until it is acknowledged. `before` is the user with this
    /// account until then. After each refusal, the change is made as a whole or not at all.
    async fn change(
        &mut self,
        account: (&str, &str),
        before: Option<&pb::User>,
        call: Call,
    ) -> Answer {
        let call = call.under(Uuid::new_v4().to_string());
        let (mut may_be_made, mut made) = (false, None);
        loop {
            match self.called(call.make(&self.service)).await {
                Ok(answer) => {
                    self.seen.send_modify(Seen::changed);
                    let user = answer.users(Who::Service)[0];
                    assert!(made.is_none_or(|made| made == *user), "a change in part: {user:#?}");
                    return answer;
                }
                Err(refusal) => {
                    may_be_made |= self.refused(refusal.clone()).await == Outcome::Unknown;
                    let found = self.look(account).await;
                    if found.as_ref() != before {
                        assert!(may_be_made, "{refusal} means that nothing was changed");
                        made = found;
                    }
                }
            }
        }
    }

    /// The user with this account.
    async fn look(&mut self, (provider, subject): (&str, &str)) -> Option<pb::User> {
        loop {
            let found = async {
                match self.service.find_by_identity(owner_of(provider, subject)).await {
                    Ok(found) => Ok(found),
                    refused => Err(refusal(refused)),
                }
            };
            match self.called(found).await {
                Ok(found) => return found.user,
                Err(refusal) if refusal == "NotFound IDENTITY_NOT_FOUND" => return None,
                Err(refusal) => drop(self.refused(refusal).await),
            }
        }
    }

    async fn called<T>(&self, call: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        let outcome = timeout(PATIENCE, call).await.expect("the call should get a response");
        if outcome.is_ok() {
            self.seen.send_modify(|seen| seen.calls += 1);
        }
        outcome
    }

    /// Counts a refusal, which must be one that the fault explains, and waits for a moment.
    async fn refused(&self, refusal: String) -> Outcome {
        // An error without a reason is the client's own.
        let is_lost = refusal.ends_with(" -") && self.connections == Connections::MayEnd;
        let refusal = if is_lost { "lost connection".to_owned() } else { refusal };
        let outcome = match refusal.as_str() {
            _ if is_lost => Outcome::Unknown,
            "DeadlineExceeded DEADLINE" | "Unavailable COMMIT_UNKNOWN" => Outcome::Unknown,
            UNAVAILABLE | "ResourceExhausted OVERLOADED" | "Aborted CONFLICT_RETRY" => {
                Outcome::Unchanged
            }
            _ => panic!("no fault explains {refusal}"),
        };
        self.seen.send_modify(|seen| *seen.refused.entry(refusal).or_default() += 1);
        sleep(PAUSE).await;
        outcome
    }
}
