//! How the account of a ticket is linked to the user of a session.
//!
//! A ticket proves that its account has signed in, in this browser. Each function links to the user
//! that the session has, and to no other.

use std::collections::HashSet;

use identity_link_client::{
    Client, Error,
    v1::{
        IdentityRef, LinkRequest, ResolveSignInRequest, SignInDecision, User,
        link_request::Secondary, resolve_sign_in_request::Proof, sign_in_decision::Outcome,
    },
};

use crate::{
    refusals::Refusal,
    sentences::{BEGIN_AGAIN, CHANGED},
    sessions::{Kind, Pending},
};

/// The accounts of a user, without the one that has just signed in.
fn others(user: &User, decision: &SignInDecision) -> HashSet<IdentityRef> {
    let accounts = user.identities.iter().filter_map(|each| each.identity_ref.clone());
    accounts.filter(|account| Some(account) != decision.identity.as_ref()).collect()
}

/// What a person has to agree to before the account that has just signed in is linked.
pub(crate) async fn preview(
    client: &Client,
    user: &User,
    decision: SignInDecision,
    ticket: String,
) -> Result<Pending, Error> {
    let provider = decision.identity.clone().unwrap_or_default().provider;
    let has_user = matches!(decision.outcome(), Outcome::SignedIn | Outcome::Linked);
    let kind = match decision.user.as_ref().filter(|other| has_user && other.id != user.id) {
        None => Kind::Attachment,
        Some(other) => {
            // It is refused here, before the person is asked, if the two users cannot become one.
            let link = LinkRequest {
                user_id: user.id.clone(),
                secondary: Some(Secondary::SecondaryUserId(other.id.clone())),
                validate_only: true,
                ..Default::default()
            };
            client.link(link).await?;
            Kind::Absorption { other_user: other.id.clone(), arriving: others(other, &decision) }
        }
    };
    Ok(Pending { kind, ticket, provider })
}

/// Links the account of a ticket, which is used up with any result.
pub(crate) async fn carry_out(
    client: &Client,
    user: &User,
    pending: Pending,
) -> Result<(), Refusal> {
    if let Kind::Candidates(_) = pending.kind {
        return link(client, user, Secondary::LinkTicket(pending.ticket), None).await;
    }
    let mut decision = resolve(client, pending.ticket).await?;
    if decision.candidates.iter().any(|candidate| candidate.user_id == user.id) {
        return link(client, user, Secondary::LinkTicket(decision.ticket), None).await;
    }
    if !decision.ticket.is_empty() {
        // Its email suggests other users, or the tenant asks first: the person has decided.
        decision = resolve(client, decision.ticket).await?;
    }
    let (Some(other), Some(identity)) = (&decision.user, &decision.identity) else {
        return Err(Refusal::asking(BEGIN_AGAIN));
    };
    if other.id == user.id {
        return Ok(());
    }
    let is_agreed = match &pending.kind {
        _ if decision.outcome() == Outcome::Created => true,
        Kind::Absorption { other_user, arriving } => {
            other.id == *other_user && others(other, &decision) == *arriving
        }
        Kind::Candidates(_) | Kind::Registration | Kind::Attachment => false,
    };
    // The person agreed to this user with these accounts, and to no other.
    if !is_agreed {
        return Err(Refusal::asking(CHANGED));
    }
    link(client, user, Secondary::Identity(identity.clone()), Some(other.version)).await
}

async fn link(
    client: &Client,
    user: &User,
    secondary: Secondary,
    expected_secondary_version: Option<i64>,
) -> Result<(), Refusal> {
    let request = LinkRequest {
        user_id: user.id.clone(),
        secondary: Some(secondary),
        expected_secondary_version,
        ..Default::default()
    };
    client.link(request).await?;
    Ok(())
}

/// What the ticket of a sign-in leads to.
pub(crate) async fn resolve(client: &Client, ticket: String) -> Result<SignInDecision, Error> {
    let proof = Some(Proof::SignInTicket(ticket));
    let resolved =
        client.resolve_sign_in(ResolveSignInRequest { proof, ..Default::default() }).await?;
    Ok(resolved.decision.unwrap_or_default())
}
