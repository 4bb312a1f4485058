"""How the connection is made."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

# The authority that a plaintext connection to several addresses names. gRPC would send the whole list,
# which HTTP/2 servers refuse (RFC 9113, section 8.3.1): no call would work.
_AUTHORITY: Final = "identity-link"
_SEVERAL: Final = ("ipv4:", "ipv6:")
# A connection that is silent for so long is probed, also while a watch waits: in milliseconds.
_KEEPALIVE_TIME: Final = 30_000
_KEEPALIVE_TIMEOUT: Final = 10_000

# What metadata of text may be (gRPC over HTTP/2, "Custom-Metadata").
_KEY: Final = re.compile(r"[a-z0-9_.-]+(?<!-bin)", re.ASCII)
_VALUE: Final = re.compile(r"[ -~]+", re.ASCII)

Option = tuple[str, str | int]


def options(
    target: str, *, plaintext: bool, authority: str | None, more: Sequence[Option]
) -> list[Option]:
    """Return the options of a channel. Those of the caller come last, and win."""
    if target.startswith(("http://", "https://")):
        # gRPC would look up a host of the name "http".
        raise ValueError("the target is a host and a port, such as identity.example.com:443, not a URL")
    if authority is None and target.startswith(_SEVERAL):
        if not plaintext:
            raise ValueError(
                "a connection by TLS to a list of addresses needs authority, the name in the servers' certificate"
            )
        authority = _AUTHORITY
    chosen: list[Option] = [
        ("grpc.primary_user_agent", f"identitylink-python/{_version()}"),
        ("grpc.keepalive_time_ms", _KEEPALIVE_TIME),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT),
    ]
    if authority is not None:
        chosen.append(("grpc.default_authority", authority))
    return [*chosen, *more]


def with_entry(metadata: Mapping[str, str], key: str, value: str) -> dict[str, str]:
    """Return the metadata with this entry, in place of what the key had before.

    Raises ``ValueError``, without the value, if gRPC cannot send it.
    """
    if key == "authorization":
        raise ValueError("authorization is the token of the client: give it to the token source")
    if not _KEY.fullmatch(key) or not _VALUE.fullmatch(value):
        raise ValueError(
            "a key of metadata has lower-case letters, digits and -_. alone, and does not end in -bin; "
            "a value has printable ASCII characters alone: urllib.parse.quote encodes others for x-reason"
        )
    return {**metadata, key: value}


def headers(metadata: Mapping[str, str], token: str) -> tuple[tuple[str, str], ...]:
    """Return the metadata of a call with this token."""
    return (*metadata.items(), ("authorization", f"Bearer {token}"))


def _version() -> str:
    try:
        return version("identitylink")
    except PackageNotFoundError:
        return "source"
