"""How the connection is made."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

# The authority that a plaintext connection to several addresses names. gRPC would send the whole list,
# which HTTP/2 servers refuse (RFC 9113, section 8.3.1): no call would work.
_AUTHORITY: Final = "identity-link"
_SEVERAL: Final = ("ipv4:", "ipv6:")
# A connection that is silent for so long is probed, also while a watch waits: in milliseconds.
_KEEPALIVE_TIME: Final = 30_000
_KEEPALIVE_TIMEOUT: Final = 10_000

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


def _version() -> str:
    try:
        return version("identitylink")
    except PackageNotFoundError:
        return "source"
