"""How a watch goes on after its stream has ended. Both clients follow these rules."""

from __future__ import annotations

from typing import Final

import grpc

from . import reasons
from ._attempts import asked, backoff
from .errors import IdentityLinkError
from .v1 import WatchEventsRequest, WatchEventsResponse

# What a connection that is cut makes of a stream, without a reason of the server.
_CUT: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL)


class Watch:
    """The position that a watch has reached, and when to call again."""

    def __init__(self, request: WatchEventsRequest) -> None:
        #: The request of the next stream: from the last position on.
        self.request: Final = WatchEventsRequest()
        self.request.CopyFrom(request)
        self._failures = 0
        self._was_renewed = False

    def received(self, response: WatchEventsResponse) -> None:
        """Note a message: the next stream begins behind it."""
        self.request.after = response.position
        self._failures = 0
        self._was_renewed = False

    def may_renew(self, error: IdentityLinkError) -> bool:
        """Return whether the token has ended, and no stream was refused since the last message."""
        may = isinstance(error, reasons.TokenInvalid) and not self._was_renewed
        self._was_renewed = self._was_renewed or may
        return may

    def pause_after(self, error: IdentityLinkError | None) -> float:
        """Return the pause before the next stream, in seconds; ``None`` is a stream that just ended.

        Raises the error if the watch is over.
        """
        self._failures += 1
        # The server ends each watch after a time, to judge the caller again. The first call after it
        # waits for nothing, so that events come without a gap in time.
        if isinstance(error, reasons.WatchExpired) and self._failures == 1:
            return 0.0
        if error is None:
            return backoff(self._failures)
        by_server = asked(error)
        if by_server is not None:
            return by_server
        is_cut = error.code is grpc.StatusCode.UNAVAILABLE or (error.code in _CUT and not error.reason)
        if not is_cut:
            raise error
        return backoff(self._failures)
