"""When a call is made again. Both clients follow these rules."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from typing import Final, Generic

import grpc

from . import reasons
from ._rpc import Req, RequestId, Res, Rpc
from .errors import IdentityLinkError

# The codes of refusals that may be repeated, if the server says after which delay.
_REPEATABLE: Final = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.ABORTED,
)
# The server has changed nothing when it refuses for one of these: any call can be repeated.
_NOTHING_CHANGED: Final = (
    reasons.ConflictRetry,
    reasons.KeysUnavailable,
    reasons.Overloaded,
    reasons.RateLimited,
    reasons.StoreUnavailable,
)
# The pause after a failure for which the server gives no delay, in seconds: it doubles up to the last.
_FIRST_PAUSE: Final = 0.1
_LAST_PAUSE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may last, and how often it is attempted."""

    #: Seconds for all attempts of a call and the pauses between them.
    timeout: float
    #: How many attempts a call has at most, the first one included.
    max_attempts: int

    def __post_init__(self) -> None:
        if not 0 < self.timeout < float("inf"):
            raise ValueError(f"timeout is a number of seconds above 0, not {self.timeout}")
        if self.max_attempts < 1:
            raise ValueError(f"max_attempts is 1 or more, not {self.max_attempts}")


def backoff(failures: int) -> float:
    """Return the pause after so many failures in a row, in seconds, of which half is random."""
    longest = min(_FIRST_PAUSE * 2.0 ** min(failures - 1, 16), _LAST_PAUSE)
    return longest * random.uniform(0.5, 1.0)


def asked(error: IdentityLinkError) -> float | None:
    """Return the pause that the server asks for, in seconds, if it says that a repetition may succeed.

    A little is added, so that clients that were refused together do not come back together.
    """
    if error.retry_delay is None or error.code not in _REPEATABLE:
        return None
    return error.retry_delay.total_seconds() * random.uniform(1.0, 1.2)


class Attempts(Generic[Req, Res]):
    """The attempts of one call: one deadline and one ``request_id`` for all of them."""

    def __init__(self, rpc: Rpc[Req, Res], request: Req, patience: Patience) -> None:
        self._ends_at = time.monotonic() + patience.timeout
        self._left = patience.max_attempts
        self._failures = 0
        self._was_renewed = False
        self.request: Req = request
        #: Empty if the request has none.
        self.request_id = ""
        self._is_safe = True
        if rpc.only_reads and rpc.request_id is RequestId.NEVER:
            return
        is_preview = bool(getattr(request, "validate_only", False))
        self.request = _with_request_id(rpc, request, is_preview)
        # A write under its request id changes nothing twice, and a preview nothing at all.
        self.request_id = str(getattr(self.request, "request_id", ""))
        self._is_safe = rpc.only_reads or is_preview or self.request_id != ""

    def remaining(self) -> float:
        """Return the seconds that are left for all further attempts."""
        return max(self._ends_at - time.monotonic(), 0.0)

    def may_renew(self, error: IdentityLinkError) -> bool:
        """Return whether the server refused the token, for the first time in this call."""
        is_refused = isinstance(error, reasons.TokenInvalid) and error.code is grpc.StatusCode.UNAUTHENTICATED
        may = is_refused and not self._was_renewed
        self._was_renewed = self._was_renewed or may
        return may

    def pause_after(self, error: IdentityLinkError) -> float:
        """Return the pause before the next attempt, in seconds.

        Raises the error if there is no other attempt: the failure is final, or the pause would outlast
        the deadline.
        """
        self._left -= 1
        self._failures += 1
        pause = self._pause(error)
        if pause is None or self._left < 1 or pause >= self.remaining():
            raise error
        return pause

    def _pause(self, error: IdentityLinkError) -> float | None:
        by_server = asked(error)
        if by_server is not None:
            may = self._is_safe or isinstance(error, _NOTHING_CHANGED)
            return by_server if may else None
        # The connection was lost, or the outcome of the commit is unknown.
        if error.code is grpc.StatusCode.UNAVAILABLE and self._is_safe:
            return backoff(self._failures)
        return None


def _with_request_id(rpc: Rpc[Req, Res], request: Req, is_preview: bool) -> Req:
    """Return the request with an id. The caller's message stays as it is."""
    takes_none = rpc.request_id is RequestId.NEVER or (is_preview and rpc.request_id is not RequestId.ALWAYS)
    if takes_none or getattr(request, "request_id"):
        return request
    copy = rpc.request()
    copy.CopyFrom(request)
    setattr(copy, "request_id", str(uuid.uuid4()))
    return copy
