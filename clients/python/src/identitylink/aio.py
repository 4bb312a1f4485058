"""The client for asyncio."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any

import grpc
import grpc.aio

from ._attempts import Attempts, Patience
from ._channel import Option, headers, options, with_entry
from ._reach import Reach
from ._rpc import Req, Res, Rpc
from ._streams import AsyncStreams
from ._watching import Watch
from .calls import RESOLVE_USERS, WATCH_EVENTS, AsyncCalls
from .client import DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_SILENCE, DEFAULT_TIMEOUT, IDS_AT_ONCE
from .errors import IdentityLinkError, TokenSourceError
from .tokens import AsyncTokenSource, StaticToken, TokenSource, obtained, obtained_later
from .v1 import ResolvedUser, ResolveUsersRequest, WatchEventsRequest, WatchEventsResponse

__all__ = ["Client"]


class Client(AsyncCalls, AsyncStreams):
    """Calls identity-link from one event loop, by one connection.

    It has the parameters of :class:`identitylink.Client`. A token source may be asynchronous too.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | TokenSource | AsyncTokenSource,
        plaintext: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        authority: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        max_attempts: int = DEFAULT_MAX_ATTEMPTS,
        options: Sequence[Option] = (),
    ) -> None:
        self._patience = Patience(timeout, max_attempts)
        self._tokens = StaticToken(token) if isinstance(token, str) else token
        self._channel = _channel(target, plaintext, credentials, authority, options)
        self._reach = Reach(target, plaintext=plaintext)
        self._metadata: Mapping[str, str] = {}
        self._methods: dict[str, grpc.aio.UnaryUnaryMultiCallable[Any, Any]] = {}

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connection. Calls in progress fail."""
        await self._channel.close()

    def with_metadata(self, key: str, value: str) -> Client:
        """Return the same client, whose calls carry this metadata too.

        See :meth:`identitylink.Client.with_metadata`.
        """
        client = copy.copy(self)
        client._metadata = with_entry(self._metadata, key, value)
        return client

    async def call(self, rpc: Rpc[Req, Res], request: Req, *, timeout: float | None = None) -> Res:
        patience = self._patience if timeout is None else Patience(timeout, self._patience.max_attempts)
        attempts = Attempts(rpc, request, patience)
        try:
            return await self._attempted(rpc, attempts)
        except (IdentityLinkError, TokenSourceError) as error:
            error.request_id = attempts.request_id
            raise

    async def _attempted(self, rpc: Rpc[Req, Res], attempts: Attempts[Req, Res]) -> Res:
        method = self._method(rpc)
        token = await self._in_time(self._token(), attempts)
        while True:
            try:
                headed = headers(self._metadata, token)
                response: Res = await method(attempts.request, timeout=attempts.remaining(), metadata=headed)
                self._reach.has_answered = True
                return response
            except grpc.aio.AioRpcError as failure:
                error = self._error(failure)
            if attempts.may_renew(error):
                rejected, token = token, await self._in_time(self._renewed(token), attempts)
                if token != rejected:
                    continue
            await asyncio.sleep(attempts.pause_after(error))

    def _method(self, rpc: Rpc[Req, Res]) -> grpc.aio.UnaryUnaryMultiCallable[Req, Res]:
        """Return what calls the rpc. It is made once, since that takes as long as a tenth of a call."""
        method: grpc.aio.UnaryUnaryMultiCallable[Req, Res] | None = self._methods.get(rpc.path)
        if method is None:
            method = self._channel.unary_unary(
                rpc.path,
                request_serializer=rpc.request.SerializeToString,
                response_deserializer=rpc.response.FromString,
            )
            self._methods[rpc.path] = method
        return method

    async def resolve(self, user_ids: Iterable[str], *, timeout: float | None = None) -> AsyncIterator[ResolvedUser]:
        """Resolve any number of user ids, live or absorbed, in their order: 100 with each call.

        :param timeout: seconds for each of the calls.
        """
        ids = iter(user_ids)
        while batch := list(islice(ids, IDS_AT_ONCE)):
            resolved = await self.call(RESOLVE_USERS, ResolveUsersRequest(user_ids=batch), timeout=timeout)
            for user in resolved.users:
                yield user

    async def watch(
        self, request: WatchEventsRequest, *, max_silence: float = DEFAULT_MAX_SILENCE
    ) -> AsyncGenerator[WatchEventsResponse, None]:
        """Watch the feed as :meth:`identitylink.Client.watch` does.

        Leave it by ``contextlib.aclosing``, which ends the stream at once.
        """
        watch = Watch(request)
        token = await self._token()
        while True:
            error = None
            try:
                async with aclosing(self._stream(watch.request, token, max_silence)) as stream:
                    async for response in stream:
                        self._reach.has_answered = True
                        watch.received(response)
                        yield response
            except grpc.aio.AioRpcError as failure:
                error = self._error(failure)
            if error is not None and watch.may_renew(error):
                rejected, token = token, await self._renewed(token)
                if token != rejected:
                    continue
                raise error
            await asyncio.sleep(watch.pause_after(error))
            token = await self._token()

    async def _stream(
        self, request: WatchEventsRequest, token: str, max_silence: float
    ) -> AsyncGenerator[WatchEventsResponse, None]:
        """Yield the messages of one stream. A stream that is silent for too long just ends."""
        method = self._channel.unary_stream(
            WATCH_EVENTS.path,
            request_serializer=WATCH_EVENTS.request.SerializeToString,
            response_deserializer=WATCH_EVENTS.response.FromString,
        )
        stream = method(request, metadata=headers(self._metadata, token))
        try:
            while True:
                try:
                    response = await asyncio.wait_for(stream.read(), max_silence)
                except asyncio.TimeoutError:
                    return
                if not isinstance(response, WatchEventsResponse):
                    # The end of the stream (`grpc.aio.EOF`).
                    return
                yield response
        finally:
            stream.cancel()

    async def _in_time(self, token: Coroutine[Any, Any, str], attempts: Attempts[Any, Any]) -> str:
        """Return the token of a call, unless it comes too late for the call."""
        if not isinstance(self._tokens, AsyncTokenSource) and not self._tokens.blocking:
            return await token
        try:
            return await asyncio.wait_for(token, attempts.remaining())
        except asyncio.TimeoutError:
            raise self._reach.late() from None

    def _error(self, failure: grpc.aio.AioRpcError) -> IdentityLinkError:
        return self._reach.failed(failure.code(), failure.details() or "", failure.trailing_metadata())

    async def _token(self) -> str:
        if isinstance(self._tokens, AsyncTokenSource):
            return await obtained_later(self._tokens.token)
        if self._tokens.blocking:
            return await asyncio.to_thread(obtained, self._tokens.token)
        return obtained(self._tokens.token)

    async def _renewed(self, rejected: str) -> str:
        if isinstance(self._tokens, AsyncTokenSource):
            return await obtained_later(partial(self._tokens.renewed, rejected))
        return await asyncio.to_thread(obtained, partial(self._tokens.renewed, rejected))


def _channel(
    target: str,
    plaintext: bool,
    credentials: grpc.ChannelCredentials | None,
    authority: str | None,
    more: Sequence[Option],
) -> grpc.aio.Channel:
    if plaintext and credentials is not None:
        raise ValueError("a plaintext connection has no credentials: leave one of the two out")
    chosen = options(target, plaintext=plaintext, authority=authority, more=more)
    if plaintext:
        return grpc.aio.insecure_channel(target, options=chosen)
    return grpc.aio.secure_channel(target, credentials or grpc.ssl_channel_credentials(), options=chosen)
