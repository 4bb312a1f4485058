"""How the account of a ticket is linked to the user of a session.

A ticket proves that its account has signed in, in this browser. Each function links to the user
that the session has, and to no other.
"""

from identitylink.aio import Client
from identitylink.v1 import (
    CompleteSignInResponse,
    LinkRequest,
    ResolveSignInRequest,
    SignInDecision,
    User,
)

from sentences import BEGIN_AGAIN, CHANGED
from sessions import Pending, Session


class Refused(Exception):
    """A request that is refused with one sentence for the person."""


def others(user: User, decision: SignInDecision) -> set[tuple[str, str]]:
    """Return the accounts of a user, without the one that has just signed in."""
    refs = [each.identity_ref for each in user.identities if each.identity_ref != decision.identity]
    return {(each.provider, each.subject) for each in refs}


async def preview(client: Client, session: Session, user: User, completed: CompleteSignInResponse) -> None:
    """Link the account that has just signed in, or ask first if its user would be absorbed."""
    decision = completed.decision
    pending = Pending("link", completed.ticket, decision.identity.provider)
    has_user = decision.outcome in (SignInDecision.OUTCOME_SIGNED_IN, SignInDecision.OUTCOME_LINKED)
    if not has_user or decision.user.id == user.id:
        session.pending = pending
        await carry_out(client, session, user)
        return
    # It is refused here, before the person is asked, if the two users cannot become one.
    await client.link(LinkRequest(user_id=user.id, secondary_user_id=decision.user.id, validate_only=True))
    pending.other_user, pending.arriving = decision.user.id, others(decision.user, decision)
    session.pending = pending


async def carry_out(client: Client, session: Session, user: User) -> None:
    """Link the account of the session's ticket, which is used up with any result."""
    pending, session.pending = session.pending, None
    if pending is None:
        raise Refused(BEGIN_AGAIN)
    if pending.kind == "candidates":
        await client.link(LinkRequest(user_id=user.id, link_ticket=pending.ticket))
    else:
        await link_previewed(client, user, pending)
    session.notice = f"Your account at {pending.provider} is linked."


async def link_previewed(client: Client, user: User, pending: Pending) -> None:
    resolved = await client.resolve_sign_in(ResolveSignInRequest(sign_in_ticket=pending.ticket))
    decision = resolved.decision
    if user.id in [each.user_id for each in decision.candidates]:
        await client.link(LinkRequest(user_id=user.id, link_ticket=decision.ticket))
        return
    if decision.ticket:
        # Its email suggests other users, or the tenant asks first: the person has decided.
        resolved = await client.resolve_sign_in(ResolveSignInRequest(sign_in_ticket=decision.ticket))
        decision = resolved.decision
    if decision.user.id == user.id:
        return
    if decision.outcome != SignInDecision.OUTCOME_CREATED:
        # The person agreed to this user with these accounts, and to no other.
        if decision.user.id != pending.other_user or others(decision.user, decision) != pending.arriving:
            raise Refused(CHANGED)
    await client.link(
        LinkRequest(user_id=user.id, identity=decision.identity, expected_secondary_version=decision.user.version)
    )
