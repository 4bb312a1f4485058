"""What a failed call raises.

Each stable reason of the server has a class in :mod:`identitylink.reasons`. A failure without a
reason, such as a connection that is refused, is an :class:`IdentityLinkError` itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar, Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status

__all__ = ["FieldViolation", "IdentityLinkError", "PreconditionViolation", "TokenSourceError"]

#: ``ErrorInfo.domain`` of each refusal of the server. A reason of another domain, such as of a proxy,
#: is none of these.
DOMAIN: Final = "identity-link"
# The trailer with the details (google.rpc.Status).
_DETAILS: Final = "grpc-status-details-bin"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request that is wrong in any state of the data."""

    #: The field, such as ``user_metadata/a/0``; empty if there are more violations than were sent.
    field: str
    #: A sentence for people.
    description: str


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """What keeps the server from carrying out the request now."""

    #: The kind of precondition.
    type: str
    #: What it concerns, such as the path of a conflict; empty if there are more than were sent.
    subject: str
    #: A sentence for people.
    description: str


class IdentityLinkError(Exception):
    """A call has failed.

    Decide by the class or by :attr:`reason`. The text is for people and may change.
    """

    #: The reason of the class; empty for this base class.
    REASON: ClassVar[str] = ""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: tuple[FieldViolation, ...] = (),
        preconditions: tuple[PreconditionViolation, ...] = (),
        retry_delay: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        #: The status code.
        self.code: Final = code
        #: The server's sentence, which says what to do.
        self.message: Final = message
        #: The stable reason, such as ``IDENTITY_TAKEN``; empty if the server sent none. A newer server
        #: may send one that has no class here. A call that has reached its deadline has ``DEADLINE``, also
        #: if the client saw it first.
        self.reason: Final = reason
        #: Values that belong to the reason, such as the ``limit`` of ``RATE_LIMITED``.
        self.metadata: Final[Mapping[str, str]] = dict(metadata or {})
        #: The wrong fields of ``REQUEST_INVALID``.
        self.violations: Final = violations
        #: What ``METADATA_CONFLICT`` and ``PROVIDER_SCOPES_MISSING`` list.
        self.preconditions: Final = preconditions
        #: After which delay the same call may succeed; ``None`` if the server did not say.
        self.retry_delay: Final = retry_delay
        #: The ``request_id`` of the write that failed, also if the client made it. Set it in the same request
        #: to repeat the call: if the write was made, the first response comes again. Empty for a call that
        #: changes nothing, and for a stream of requests.
        self.request_id = ""

    def __str__(self) -> str:
        return f"{self.reason or self.code.name}: {self.message}"

    def __repr__(self) -> str:
        id = f", request_id={self.request_id!r}" if self.request_id else ""
        return f"{type(self).__name__}({self.code.name}, reason={self.reason!r}, message={self.message!r}{id})"


class TokenSourceError(Exception):
    """A token source has failed, so there was no token to call with. The ``__cause__`` is what it raised."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        #: That of the write that was to be made, as in :class:`IdentityLinkError`. An earlier attempt of the
        #: call may have reached the server.
        self.request_id = ""


def parsed(code: grpc.StatusCode, message: str, trailers: Iterable[tuple[str, str | bytes]] | None) -> IdentityLinkError:
    """Return the error of a status and its trailers. Details that do not decode are left out."""
    reason, metadata, retry_delay = "", dict[str, str](), None
    violations: tuple[FieldViolation, ...] = ()
    preconditions: tuple[PreconditionViolation, ...] = ()
    for detail in _details(trailers or ()):
        info, wrong, failed, retry = ErrorInfo(), BadRequest(), PreconditionFailure(), RetryInfo()
        try:
            if detail.Unpack(info) and info.domain == DOMAIN:
                reason, metadata = info.reason, dict(info.metadata)
            elif detail.Unpack(wrong):
                violations = tuple(FieldViolation(each.field, each.description) for each in wrong.field_violations)
            elif detail.Unpack(failed):
                preconditions = tuple(
                    PreconditionViolation(each.type, each.subject, each.description) for each in failed.violations
                )
            elif detail.Unpack(retry):
                retry_delay = max(retry.retry_delay.ToTimedelta(), timedelta())
        except DecodeError:
            continue
    return _class_of(reason)(
        code,
        message,
        reason=reason,
        metadata=metadata,
        violations=violations,
        preconditions=preconditions,
        # Only the server itself says when it can be asked again.
        retry_delay=retry_delay if reason else None,
    )


def _class_of(reason: str) -> type[IdentityLinkError]:
    # The classes derive from this module's.
    from .reasons import BY_REASON

    return BY_REASON.get(reason, IdentityLinkError)


def _details(trailers: Iterable[tuple[str, str | bytes]]) -> Iterable[Any]:
    for key, value in trailers:
        if key == _DETAILS and isinstance(value, bytes):
            try:
                details: Iterable[Any] = Status.FromString(value).details
                return details
            except DecodeError:
                return ()
    return ()
