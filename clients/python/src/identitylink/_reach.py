"""What a failure says as long as no server has answered. Both clients follow these rules."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import grpc

from . import reasons
from .errors import IdentityLinkError, parsed

# What a client sees if it cannot reach the server.
_UNREACHED: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Reach:
    """Whether a server has answered the clients of one connection."""

    def __init__(self, target: str, *, plaintext: bool) -> None:
        other = "set plaintext if the server speaks no TLS"
        if plaintext:
            other = "leave plaintext out if the server speaks TLS"
        #: What to check while none has.
        self._hint: Final = f"no server at {target} has answered yet: check the address, and {other}"
        self.has_answered = False

    def failed(
        self, code: grpc.StatusCode, message: str, trailers: Iterable[tuple[str, str | bytes]] | None
    ) -> IdentityLinkError:
        """Return the error of an attempt: with what to check, if it may be that no server can be reached."""
        error = parsed(code, message, trailers)
        if error.reason:
            self.has_answered = True
            return error
        if code not in _UNREACHED:
            return error
        if not self.has_answered:
            message = f"{message}; {self._hint}"
        # The client and the server see the same deadline pass: which one is first is chance.
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return reasons.Deadline(code, message, reason=reasons.Deadline.REASON)
        return IdentityLinkError(code, message)

    def late(self) -> IdentityLinkError:
        """Return the error of a call for which the token came too late."""
        code = grpc.StatusCode.DEADLINE_EXCEEDED
        return reasons.Deadline(code, "the token came too late for the call", reason=reasons.Deadline.REASON)
