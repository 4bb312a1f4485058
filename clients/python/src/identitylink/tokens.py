"""Where the bearer token of each call comes from.

A source returns a token for the next call, and another one after the server has refused a token. A call for
which it fails raises a :class:`identitylink.TokenSourceError`. No source, error or log line of this
package shows a token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final

from .errors import TokenSourceError

__all__ = [
    "AsyncFunctionToken",
    "AsyncTokenSource",
    "FileToken",
    "FunctionToken",
    "StaticToken",
    "Token",
    "TokenSource",
]

# What a bearer token may consist of (RFC 6750, section 2.1, b64token). Other characters would end the
# header, or be refused by gRPC with an error that quotes them.
_BEARER: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*", re.ASCII)
# A token is renewed so long before its end, in seconds, or after 80 % of its life if that is later.
_EARLY: Final = 30.0
_LATEST_SHARE: Final = 0.2
# How long a token that is still good is used after its renewal has failed, before the next attempt.
_AFTER_FAILURE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and when it ends."""

    value: str = field(repr=False)
    #: Seconds since the Unix epoch. ``None`` means: the ``exp`` of a JWT, and for another token that
    #: it is good until the server refuses it.
    expires_at: float | None = None


class TokenSource(ABC):
    """A source of tokens for :class:`identitylink.Client`; also good for the asynchronous client."""

    #: Whether ``token`` and ``renewed`` may take long. The asynchronous client then calls them in
    #: another thread.
    blocking: ClassVar[bool] = True

    @abstractmethod
    def token(self) -> str:
        """Return the token for the next call."""

    @abstractmethod
    def renewed(self, rejected: str) -> str:
        """Return another token in place of one that the server has refused.

        The call fails with the server's refusal if this is the same token.
        """


class AsyncTokenSource(ABC):
    """A source of tokens for :class:`identitylink.aio.Client` alone."""

    @abstractmethod
    async def token(self) -> str:
        """Return the token for the next call."""

    @abstractmethod
    async def renewed(self, rejected: str) -> str:
        """Return another token in place of one that the server has refused."""


class StaticToken(TokenSource):
    """One token, which is never renewed: for scripts and tests."""

    blocking = False

    def __init__(self, value: str) -> None:
        self._value = checked(value)

    def token(self) -> str:
        return self._value

    def renewed(self, rejected: str) -> str:
        return self._value


class FileToken(TokenSource):
    """The token in a file that another process renews, such as a projected token of Kubernetes.

    The file is read again when it has changed, and when the server has refused its token. White space
    around the token is left out.
    """

    blocking = False

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        self._read: tuple[tuple[int, int, int], str] | None = None

    def token(self) -> str:
        version = self._version()
        read = self._read
        if read is None or read[0] != version:
            # If the file is replaced between the two, the next call sees another version.
            read = (version, checked(Path(self._path).read_text(encoding="utf-8").strip()))
            self._read = read
        return read[1]

    def renewed(self, rejected: str) -> str:
        self._read = None
        return self.token()

    def _version(self) -> tuple[int, int, int]:
        found = os.stat(self._path)
        return (found.st_mtime_ns, found.st_size, found.st_ino)


class _Cache:
    """The last token of a function, and when to call that again."""

    def __init__(self) -> None:
        self._value: str | None = None
        self._expires_at: float | None = None
        self._renew_at: float | None = None

    def store(self, got: str | Token) -> str:
        token = got if isinstance(got, Token) else Token(got)
        value, now = checked(token.value), time.time()
        expires_at = token.expires_at if token.expires_at is not None else _expiry(value)
        self._value, self._expires_at = value, expires_at
        self._renew_at = None
        if expires_at is not None:
            self._renew_at = expires_at - min(_EARLY, _LATEST_SHARE * max(expires_at - now, 0.0))
        return value

    def fresh(self) -> str | None:
        """Return the token, unless it is time for another one."""
        is_due = self._renew_at is not None and time.time() >= self._renew_at
        return None if is_due else self._value

    def good(self) -> str | None:
        """Return the token, unless it has ended."""
        has_ended = self._expires_at is not None and time.time() >= self._expires_at
        return None if has_ended else self._value

    def put_off(self) -> str | None:
        """Return the token after its renewal has failed, unless it has ended."""
        self._renew_at = time.time() + _AFTER_FAILURE
        return self.good()


class FunctionToken(TokenSource):
    """Tokens that a function gets, such as by the client credentials of OAuth 2.0.

    The function is called before the token ends, and after the server has refused it; never by two
    threads at once. If it fails while the token is still good, that one is used. Otherwise its
    exception is the cause of the one that the call raises.
    """

    def __init__(self, function: Callable[[], str | Token]) -> None:
        self._function = function
        self._cache = _Cache()
        self._renewal = threading.Lock()

    def token(self) -> str:
        fresh = self._cache.fresh()
        if fresh is not None:
            return fresh
        good = self._cache.good()
        # While another thread renews a token that is still good, this one need not wait.
        if not self._renewal.acquire(blocking=good is None):
            assert good is not None
            return good
        try:
            fresh = self._cache.fresh()
            return fresh if fresh is not None else self._renew()
        finally:
            self._renewal.release()

    def renewed(self, rejected: str) -> str:
        with self._renewal:
            value = self._cache.good()
            if value is not None and value != rejected:
                return value
            return self._cache.store(self._function())

    def _renew(self) -> str:
        try:
            return self._cache.store(self._function())
        except Exception:
            good = self._cache.put_off()
            if good is None:
                raise
            return good


class AsyncFunctionToken(AsyncTokenSource):
    """The same as :class:`FunctionToken`, with a coroutine function."""

    def __init__(self, function: Callable[[], Awaitable[str | Token]]) -> None:
        self._function = function
        self._cache = _Cache()
        self._renewal = asyncio.Lock()

    async def token(self) -> str:
        fresh = self._cache.fresh()
        if fresh is not None:
            return fresh
        good = self._cache.good()
        if good is not None and self._renewal.locked():
            return good
        async with self._renewal:
            fresh = self._cache.fresh()
            return fresh if fresh is not None else await self._renew()

    async def renewed(self, rejected: str) -> str:
        async with self._renewal:
            value = self._cache.good()
            if value is not None and value != rejected:
                return value
            return self._cache.store(await self._function())

    async def _renew(self) -> str:
        try:
            return self._cache.store(await self._function())
        except Exception:
            good = self._cache.put_off()
            if good is None:
                raise
            return good


def obtained(get: Callable[[], str]) -> str:
    """Return the token that a source returns, checked: gRPC would quote what a header cannot have.

    Raises ``TokenSourceError``, by what the source raised.
    """
    try:
        return checked(get())
    except Exception as cause:
        raise failure(cause) from cause


async def obtained_later(get: Callable[[], Awaitable[str]]) -> str:
    """Return the token that an asynchronous source returns, as :func:`obtained` does."""
    try:
        return checked(await get())
    except Exception as cause:
        raise failure(cause) from cause


def failure(cause: Exception) -> TokenSourceError:
    """Return the exception of a source that raised this one."""
    return TokenSourceError(f"there is no token: {type(cause).__name__}: {cause}")


def checked(value: str) -> str:
    """Return the token if a header can have it.

    Raises ``ValueError``, without the value: it is empty, or has characters that no bearer token has.
    """
    if not _BEARER.fullmatch(value):
        raise ValueError("the token is no bearer token: it is empty, or has characters beside those of RFC 6750")
    return value


def _expiry(value: str) -> float | None:
    """Return the ``exp`` of a JWT, which is not verified: it only decides when to renew."""
    try:
        payload = value.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (ValueError, TypeError, KeyError, IndexError):
        return None
