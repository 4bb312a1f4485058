//! `ListLinkCandidates`.

use data_encoding::BASE64URL_NOPAD;

use super::IdentityHandler;
use crate::{
    auth::Permit,
    clock,
    domain::{
        User, UserId,
        candidates::{self, Candidate},
    },
    grpc::{proto as pb, requests::Checks, responses},
    store::TenantKey,
    use_cases::{Error, read_user},
};

/// The bytes of a MAC that make a handle: enough that no two candidates have the same.
const HANDLE_BYTES: usize = 16;

impl IdentityHandler {
    pub(super) async fn list_link_candidates(
        &self,
        permit: Permit,
        request: pb::ListLinkCandidatesRequest,
    ) -> Result<pb::ListLinkCandidatesResponse, Error> {
        let mut checks = Checks::default();
        let target = checks.target("user_id", &permit, &request.user_id);
        let target = checks.into_result_with(target)?;
        let key = self.use_cases.store().key(permit.tenant())?;
        let reads = self.use_cases.store().reads(permit.tenant())?;
        let user = read_user(reads, &target, clock::now()).await?;
        let emails: Vec<&str> = candidates::linking_emails(&user).into_iter().collect();
        let mut session = self.use_cases.store().session(permit.tenant()).await?;
        let others = session.users_sharing_emails(Some(&user.id), &emails).await?;
        if others.is_empty() {
            return Ok(pb::ListLinkCandidatesResponse::default());
        }
        let ids: Vec<_> = user.ids().collect();
        let other_ids: Vec<_> = others.iter().flat_map(User::ids).collect();
        let undone = session.undone_links_between(&ids, &other_ids).await?;

        let ranked = candidates::rank(&user, &others, &undone);
        let response = |candidate: &Candidate| match permit.is_service() {
            true => pb::LinkCandidate {
                user_id: candidate.user.to_string(),
                shared_emails: candidate.shared_emails.iter().cloned().collect(),
                other_accounts: candidate.others.iter().map(responses::other_account).collect(),
                ..without_id(candidate)
            },
            false => pb::LinkCandidate {
                handle: handle(key, &user.id, &candidate.user),
                ..without_id(candidate)
            },
        };
        Ok(pb::ListLinkCandidatesResponse { candidates: ranked.iter().map(response).collect() })
    }
}

/// The part of a candidate that each caller may see.
fn without_id(candidate: &Candidate) -> pb::LinkCandidate {
    use pb::link_candidate::Reason::{SharedVerifiedEmail, WasLinkedBefore};
    let before = candidate.was_linked_before.then_some(WasLinkedBefore);
    pb::LinkCandidate {
        providers: candidate.providers.iter().map(ToString::to_string).collect(),
        other_providers: candidate.other_providers().iter().map(ToString::to_string).collect(),
        reasons: [SharedVerifiedEmail].into_iter().chain(before).map(i32::from).collect(),
        ..pb::LinkCandidate::default()
    }
}

/// The name of a candidate for a user who has not proved it: the same in each call, different for
/// each user, and indistinguishable from random bytes.
fn handle(key: &TenantKey, user: &UserId, candidate: &UserId) -> String {
    // No id can contain a NUL.
    let mac = key.mac("link candidate", format!("{user}\0{candidate}").as_bytes());
    BASE64URL_NOPAD.encode(&mac[..HANDLE_BYTES])
}
