//! One writer of the storm.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use identity_link::grpc::proto::{
    self as pb, merge_metadata_request::Source, metadata_merge as mm,
};
use serde_json::json as value;
use tokio::time::Instant;
use uuid::Uuid;

use super::{
    calls::{Answer, Call, OVERTAKEN, Who},
    crowd::Crowd,
};
use crate::support::{tokens::Token, *};

/// How much longer than the storm the writers go on, at most, until each kind of call has succeeded.
const PATIENCE: Duration = Duration::from_secs(120);

/// The kinds of calls that have succeeded, of all writers.
pub(super) type Succeeded = Arc<Mutex<BTreeSet<&'static str>>>;

/// A change that was made, and its response.
pub(super) struct Told {
    pub who: Who,
    pub of_mortals: bool,
    pub call: Call,
    /// Whether the call had a request id.
    pub has_id: bool,
    pub answer: Answer,
}

/// What one writer did.
#[derive(Default)]
pub(super) struct Notes {
    pub told: Vec<Told>,
    /// How often each kind of call had each outcome.
    pub outcomes: BTreeMap<String, usize>,
}

/// A client that makes one call after the other.
pub(super) struct Writer {
    number: usize,
    server: Arc<TestServer>,
    crowds: Arc<[Crowd; 2]>,
    lots: Lots,
    succeeded: Succeeded,
    notes: Notes,
    /// The newest version of each user in its responses.
    versions: BTreeMap<String, i64>,
}

impl Writer {
    /// A writer that draws these lots.
    pub(super) fn new(
        number: usize,
        server: &Arc<TestServer>,
        crowds: &Arc<[Crowd; 2]>,
        lots: Lots,
        succeeded: &Succeeded,
    ) -> Self {
        Self {
            number,
            server: Arc::clone(server),
            crowds: Arc::clone(crowds),
            lots,
            succeeded: Arc::clone(succeeded),
            notes: Notes::default(),
            versions: BTreeMap::new(),
        }
    }

    /// Makes calls until this time, and on a slow machine until each kind has succeeded.
    pub(super) async fn write_until(mut self, end: Instant) -> Notes {
        let crowds = Arc::clone(&self.crowds);
        while Instant::now() < end || self.is_waiting_for_a_kind(end) {
            let crowd = self.lots.one_of(crowds.as_slice());
            let (who, call) = self.draw(crowd).await;
            let caller = match who {
                Who::Service => self.server.service(),
                Who::Person(number) => {
                    let (provider, subject) = &crowd.identities[number];
                    // The sign-in is later than anything that moved the account in this second.
                    self.server.caller(&Token::of(provider, subject).issued_ago(-2))
                }
            };
            let call_with_id = call.clone().under(Uuid::new_v4().to_string());
            match self.lots.number(0..=9) {
                0 => {
                    let call = call.preview();
                    let outcome = call.make(&caller).await;
                    self.note_outcome(crowd, who, &call, &outcome);
                }
                1..=2 => self.twice_at_once(crowd, who, call_with_id, &caller).await,
                3..=5 => self.once(crowd, who, call_with_id, &caller, true).await,
                6 => self.once_more(crowd).await,
                _ => self.once(crowd, who, call, &caller, false).await,
            }
        }
        self.notes
    }

    fn is_waiting_for_a_kind(&self, end: Instant) -> bool {
        self.succeeded.lock().unwrap().len() < Call::KINDS.len() && Instant::now() < end + PATIENCE
    }

    async fn once(&mut self, crowd: &Crowd, who: Who, call: Call, caller: &Caller, has_id: bool) {
        let outcome = call.make(caller).await;
        self.note_outcome(crowd, who, &call, &outcome);
        if let Ok(answer) = outcome {
            self.note(crowd, who, call, has_id, answer);
        }
    }

    async fn twice_at_once(&mut self, crowd: &Crowd, who: Who, call: Call, caller: &Caller) {
        let (first, second) = tokio::join!(call.make(caller), call.make(caller));
        for outcome in [&first, &second] {
            self.note_outcome(crowd, who, &call, outcome);
        }
        match (first, second) {
            (Ok(first), Ok(second)) => {
                if first == second || second.is_retold_of(&first) {
                    self.note(crowd, who, call, true, first);
                } else if first.is_retold_of(&second) {
                    self.note(crowd, who, call, true, second);
                } else {
                    expect_forgotten(crowd, &call, [&first, &second]);
                    // It is unknown which of the two calls was carried out first.
                    self.keep(crowd, who, call.clone(), true, first);
                    self.keep(crowd, who, call, true, second);
                }
            }
            (Ok(answer), Err(_)) | (Err(_), Ok(answer)) => {
                self.note(crowd, who, call, true, answer);
            }
            (Err(_), Err(_)) => {}
        }
    }

    /// Repeats one of the writer's own requests, as a client does that has lost the response.
    async fn once_more(&mut self, crowd: &Crowd) {
        let is_fit = |told: &&Told| {
            told.has_id && told.who == Who::Service && told.of_mortals == crowd.is_mortal()
        };
        let fit: Vec<&Told> = self.notes.told.iter().rev().filter(is_fit).take(50).collect();
        if fit.is_empty() {
            return;
        }
        let told = self.lots.one_of(&fit);
        let (call, first) = (told.call.clone(), told.answer.clone());
        let outcome = call.make(&self.server.service()).await;
        self.note_outcome(crowd, Who::Service, &call, &outcome);
        match outcome {
            Ok(again) if again == first => {}
            Ok(again) => {
                expect_forgotten(crowd, &call, [&first, &again]);
                self.keep(crowd, Who::Service, call, true, again);
            }
            Err(refused) => assert!(
                crowd.is_mortal(),
                "{call:?} got {first:?}, and its retry is refused: {refused}"
            ),
        }
    }

    /// Counts the outcome, and checks that the state can explain a refusal.
    fn note_outcome(
        &mut self,
        crowd: &Crowd,
        who: Who,
        call: &Call,
        outcome: &Result<Answer, String>,
    ) {
        let word = match outcome {
            Ok(_) => {
                self.succeeded.lock().unwrap().insert(call.kind());
                "OK"
            }
            Err(refused) => {
                let is_of_the_living = crowd.is_mortal() || !call.says_deleted(who, refused);
                let may_be = call.refusals(who).contains(&refused.as_str()) && is_of_the_living;
                assert!(
                    may_be || refused == OVERTAKEN,
                    "{who:?} of the {} was refused with {refused}: {call:#?}",
                    crowd.name
                );
                refused
            }
        };
        *self.notes.outcomes.entry(format!("{} {word}", call.kind())).or_default() += 1;
    }

    /// Keeps a response. Versions only grow.
    fn note(&mut self, crowd: &Crowd, who: Who, call: Call, has_id: bool, answer: Answer) {
        for user in answer.users(Who::Service) {
            let newest = self.versions.entry(user.id.clone()).or_default();
            assert!(*newest <= user.version, "{} was at {newest}, and then: {answer:#?}", user.id);
            *newest = user.version;
        }
        self.keep(crowd, who, call, has_id, answer);
    }

    /// Keeps a response, which may be the stored one of an earlier call.
    fn keep(&mut self, crowd: &Crowd, who: Who, call: Call, has_id: bool, answer: Answer) {
        crowd.hear(&answer);
        self.notes.told.push(Told { who, of_mortals: crowd.is_mortal(), call, has_id, answer });
    }

    /// The present owner of an identity, or a user from a recent response.
    async fn somebody(&mut self, crowd: &Crowd) -> pb::User {
        let service = self.server.service();
        let (provider, subject) = self.lots.one_of(&crowd.identities);
        if self.lots.number(0..=3) > 0
            && let Ok(found) = service.find_by_identity(owner_of(provider, subject)).await
        {
            return found.user.unwrap();
        }
        pb::User { id: crowd.user(&mut self.lots), version: 1, ..Default::default() }
    }

    /// Draws a caller and its call.
    async fn draw(&mut self, crowd: &Crowd) -> (Who, Call) {
        let number = self.lots.number(0..=crowd.identities.len() - 1);
        let (provider, subject) = &crowd.identities[number];
        let user = self.somebody(crowd).await;
        let as_person = self.lots.number(0..=3) == 0;
        let person = Who::Person(self.lots.number(0..=crowd.identities.len() - 1));
        let (who, user_id) =
            if as_person { (person, String::new()) } else { (Who::Service, user.id.clone()) };
        match self.lots.number(0..=99) {
            0..=27 => self.draw_link(crowd, number, user.id).await,
            // Only mortal users release: each identity of a lasting user keeps an owner.
            28..=31 if crowd.is_mortal() => {
                (who, Call::Unlink(release(&user_id, provider, subject)))
            }
            28..=49 => (who, Call::Unlink(unlink(&user_id, provider, subject))),
            50..=62 => {
                let Some(link_id) = crowd.link(&mut self.lots) else {
                    return self.draw_link(crowd, number, user.id).await;
                };
                (who, Call::Undo(pb::UndoLinkRequest { link_id, ..Default::default() }))
            }
            63..=70 => (Who::Service, self.draw_merge(crowd, user.id).await),
            71..=80 => {
                let by = format!("{} {}", self.number, self.notes.told.len());
                let user_metadata = object(value!({"by": by, "list": [self.lots.number(0..=7)]}));
                let change = pb::UserUpdate { user_metadata, ..Default::default() };
                let expected_version =
                    (who == Who::Service && self.lots.coin()).then_some(user.version);
                let update = update(&user_id, &["user_metadata"], change);
                (who, Call::Update(pb::UpdateUserRequest { expected_version, ..update }))
            }
            81..=88 => {
                let identity = identity_ref(provider, subject);
                (
                    who,
                    Call::SetPrimary(pb::SetPrimaryIdentityRequest {
                        user_id,
                        identity,
                        ..Default::default()
                    }),
                )
            }
            89..=91 if crowd.is_mortal() => {
                let include_absorbed = self.lots.coin();
                let expected_version =
                    (who == Who::Service && self.lots.coin()).then_some(user.version);
                let delete = pb::DeleteUserRequest {
                    user_id,
                    include_absorbed,
                    expected_version,
                    ..Default::default()
                };
                (who, Call::Delete(delete))
            }
            92..=95 => {
                let account = pb::ProvenAccount {
                    identity_ref: identity_ref(provider, subject),
                    email: format!("{}{}@example.com", crowd.name, self.lots.number(0..=2)),
                    email_verified: self.lots.coin(),
                    ..Default::default()
                };
                (Who::Service, Call::SignIn(sign_in_with(account)))
            }
            _ => {
                let identity = Some(pb::NewIdentity {
                    identity_ref: identity_ref(provider, subject),
                    ..Default::default()
                });
                (
                    Who::Service,
                    Call::Create(pb::CreateUserRequest { identity, ..Default::default() }),
                )
            }
        }
    }

    /// Draws a link by a token, by an identity, or by an id.
    async fn draw_link(&mut self, crowd: &Crowd, number: usize, user_id: String) -> (Who, Call) {
        let (provider, subject) = &crowd.identities[number];
        let user_metadata = if self.lots.coin() {
            merge(mm::Conflict::SecondaryWins, mm::Arrays::Union)
        } else {
            None
        };
        let (who, request) = match self.lots.number(0..=2) {
            0 => {
                let other = (number + self.lots.number(1..=crowd.identities.len() - 1))
                    % crowd.identities.len();
                (Who::Person(other), link_with(&self.server.later_proof(provider, subject)))
            }
            1 => (Who::Service, link_identity(&user_id, provider, subject)),
            _ => {
                let secondary = self.somebody(crowd).await.id;
                if secondary == user_id {
                    (Who::Service, link_identity(&user_id, provider, subject))
                } else {
                    (Who::Service, link_user(&user_id, &secondary))
                }
            }
        };
        (who, Call::Link(pb::LinkRequest { user_metadata, ..request }))
    }

    async fn draw_merge(&mut self, crowd: &Crowd, user_id: String) -> Call {
        let source = match (self.lots.coin(), crowd.link(&mut self.lots)) {
            (true, Some(link)) => Source::LinkId(link),
            _ => Source::SourceUserId(self.somebody(crowd).await.id),
        };
        let user_metadata = merge(mm::Conflict::SecondaryWins, mm::Arrays::Union);
        let source = Some(source);
        Call::Merge(pb::MergeMetadataRequest {
            user_id,
            source,
            user_metadata,
            ..Default::default()
        })
    }
}

/// One request has one response, unless a user in it was deleted meanwhile.
fn expect_forgotten(crowd: &Crowd, call: &Call, answers: [&Answer; 2]) {
    assert!(crowd.is_mortal(), "one request, two responses: {call:#?} {answers:#?}");
}
