"""The sessions, in memory: what each browser has, and its cookies."""

import os
import secrets
import time
from dataclasses import dataclass, field

from fastapi import Request, Response
from identitylink.v1 import IdentityRef, SignInDecision

BASE = os.environ.get("BASE_URL", "http://127.0.0.1:8080")
# After so many seconds, a session reads only: linking and unlinking need a new sign-in.
MAX_AGE = float(os.environ.get("SIGN_IN_MAX_AGE", "600"))
SESSION_SECONDS, ATTEMPT_SECONDS = 3600, 600

SECURE = BASE.startswith("https://")
# With the prefix, a browser takes the cookie from this host only, not from a sister domain.
PREFIX = "__Host-" if SECURE else ""
SESSION, ATTEMPT = PREFIX + "session", PREFIX + "attempt"


@dataclass
class Pending:
    """What a ticket can do, if the person wants it."""

    kind: str  # candidates, registration or link
    ticket: str
    provider: str
    candidates: dict[str, list[str]] = field(default_factory=dict)  # their providers, by the user's id
    other_user: str = ""  # the user that a link would absorb
    # Provider and subject of the other accounts of that user, which would come too.
    arriving: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Session:
    """What one browser has. Without a user it only waits for an answer of the person."""

    user_id: str = ""
    identity: IdentityRef = field(default_factory=IdentityRef)  # the account that signed in
    since: float = field(default_factory=time.monotonic)
    link_secret: str = ""  # of the attempt to link that this session began
    pending: Pending | None = None
    notice: str = ""


sessions: dict[str, Session] = {}


def set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, secure=SECURE, httponly=True, samesite="lax")


def drop_cookie(response: Response, name: str) -> None:
    response.delete_cookie(name, secure=SECURE, httponly=True, samesite="lax")


def begin(request: Request, response: Response, old: Session | None, decision: SignInDecision) -> None:
    """Begin a session with what was decided, under a new id, in place of the old one."""
    sessions.pop(request.cookies.get(SESSION, ""), None)
    new = Session(user_id=decision.user.id, identity=decision.identity)
    provider = decision.identity.provider
    if decision.outcome == SignInDecision.OUTCOME_CANDIDATES:
        candidates = {each.user_id: list(each.providers) for each in decision.candidates}
        new.pending = Pending("candidates", decision.ticket, provider, candidates)
    elif decision.outcome == SignInDecision.OUTCOME_REGISTRATION_NEEDED:
        new.pending = Pending("registration", decision.ticket, provider)
    elif decision.outcome == SignInDecision.OUTCOME_LINKED:
        new.notice = f"Your account at {provider} was linked: both sides have verified its email."
    # The person signed in as a candidate: the settings page asks whether the two accounts are one's.
    if new.user_id and old and old.pending and new.user_id in old.pending.candidates:
        new.pending = old.pending
    now = time.monotonic()
    for key in [key for key, each in sessions.items() if now - each.since > SESSION_SECONDS]:
        del sessions[key]
    key = secrets.token_urlsafe(32)
    sessions[key] = new
    set_cookie(response, SESSION, key, SESSION_SECONDS)
