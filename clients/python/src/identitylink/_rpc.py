"""What the contract says of an rpc."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from google.protobuf.message import Message

Req = TypeVar("Req", bound=Message)
Res = TypeVar("Res", bound=Message)


class RequestId(Enum):
    """Whether requests of an rpc have a ``request_id``."""

    #: They have none.
    NEVER = "never"
    #: All but previews (``validate_only``) have one: the server refuses a preview with one.
    EXCEPT_PREVIEWS = "except previews"
    #: All have one.
    ALWAYS = "always"


@dataclass(frozen=True)
class Rpc(Generic[Req, Res]):
    """An rpc, whose requests and responses are one message or a stream of them."""

    path: str
    request: type[Req]
    response: type[Res]
    #: Whether it changes nothing, so that it can be repeated after any failure.
    only_reads: bool = False
    request_id: RequestId = RequestId.NEVER
