"""The client for threads."""

from __future__ import annotations

import copy
import time
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from types import TracebackType
from typing import Any, Final

import grpc

from ._attempts import Attempts, Patience
from ._channel import Option, headers, options, with_entry
from ._reach import Reach
from ._rpc import Req, Res, Rpc
from ._silence import Silence
from ._streams import Streams
from ._watching import Watch
from .calls import RESOLVE_USERS, WATCH_EVENTS, Calls
from .errors import IdentityLinkError, TokenSourceError
from .tokens import StaticToken, TokenSource, obtained
from .v1 import ResolvedUser, ResolveUsersRequest, WatchEventsRequest, WatchEventsResponse

__all__ = ["Client"]

#: Seconds that a call lasts at most, unless the caller says otherwise.
DEFAULT_TIMEOUT: Final = 10.0
#: How often a call is attempted, unless the caller says otherwise.
DEFAULT_MAX_ATTEMPTS: Final = 5
#: Seconds after which a silent stream counts as dead: some heartbeats of a server with defaults.
DEFAULT_MAX_SILENCE: Final = 60.0
#: How many ids one call resolves.
IDS_AT_ONCE: Final = 100


class Client(Calls, Streams):
    """Calls identity-link from any number of threads, by one connection.

    :param target: the server as gRPC names it, such as ``identity.example.com:443``, or several
        addresses, such as ``ipv4:10.0.0.1:50051,10.0.0.2:50051``.
    :param token: the bearer token of each call, or where it comes from.
    :param plaintext: without TLS. Who can read the network then reads the tokens.
    :param credentials: how TLS verifies the server; the roots of gRPC by default.
    :param authority: the name in the server's certificate, if it is not that of the target.
    :param timeout: seconds for a call with all its attempts.
    :param max_attempts: how often a call is attempted at most.
    :param options: further options of the gRPC channel.
    :raises ValueError: if the target is a URL, or several addresses with TLS and without an authority.
    """

    def __init__(
        self,
        target: str,
        *,
        token: str | TokenSource,
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
        self._methods: dict[str, grpc.UnaryUnaryMultiCallable[Any, Any]] = {}

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. Calls in progress fail."""
        self._channel.close()

    def with_metadata(self, key: str, value: str) -> Client:
        """Return the same client, whose calls carry this metadata too.

        Such as ``x-reason``, why a change is made (``urllib.parse.quote`` encodes it), ``x-tenant`` if the
        token serves several tenants, or ``traceparent``. It replaces what the key had before. Both clients
        have one connection, which is closed by either.

        :raises ValueError: if the key or the value has characters that metadata cannot have.
        """
        client = copy.copy(self)
        client._metadata = with_entry(self._metadata, key, value)
        return client

    def call(self, rpc: Rpc[Req, Res], request: Req, *, timeout: float | None = None) -> Res:
        patience = self._patience if timeout is None else Patience(timeout, self._patience.max_attempts)
        attempts = Attempts(rpc, request, patience)
        try:
            return self._attempted(rpc, attempts)
        except (IdentityLinkError, TokenSourceError) as error:
            error.request_id = attempts.request_id
            raise

    def _attempted(self, rpc: Rpc[Req, Res], attempts: Attempts[Req, Res]) -> Res:
        method = self._method(rpc)
        token = obtained(self._tokens.token)
        if attempts.remaining() <= 0:
            raise self._reach.late()
        while True:
            try:
                headed = headers(self._metadata, token)
                response: Res = method(attempts.request, timeout=attempts.remaining(), metadata=headed)
                self._reach.has_answered = True
                return response
            except grpc.RpcError as failure:
                error = self._error(failure)
            if attempts.may_renew(error):
                rejected, token = token, obtained(partial(self._tokens.renewed, token))
                if token != rejected:
                    continue
            time.sleep(attempts.pause_after(error))

    def _method(self, rpc: Rpc[Req, Res]) -> grpc.UnaryUnaryMultiCallable[Req, Res]:
        """Return what calls the rpc. It is made once, since that takes as long as a tenth of a call."""
        method: grpc.UnaryUnaryMultiCallable[Req, Res] | None = self._methods.get(rpc.path)
        if method is None:
            method = self._channel.unary_unary(
                rpc.path,
                request_serializer=rpc.request.SerializeToString,
                response_deserializer=rpc.response.FromString,
            )
            self._methods[rpc.path] = method
        return method

    def resolve(self, user_ids: Iterable[str], *, timeout: float | None = None) -> Iterator[ResolvedUser]:
        """Resolve any number of user ids, live or absorbed, in their order: 100 with each call.

        :param timeout: seconds for each of the calls.
        """
        ids = iter(user_ids)
        while batch := list(islice(ids, IDS_AT_ONCE)):
            yield from self.call(RESOLVE_USERS, ResolveUsersRequest(user_ids=batch), timeout=timeout).users

    def watch(
        self, request: WatchEventsRequest, *, max_silence: float = DEFAULT_MAX_SILENCE
    ) -> Generator[WatchEventsResponse, None, None]:
        """Watch the feed without an end, without a gap and without an event twice.

        A stream ends after ten minutes at the latest, when its token expires, when the server stops,
        and when the connection is lost: the watch then goes on from the last position, after a growing
        pause if need be. It also yields the messages without events: each has a position to store.

        It raises what no new stream mends, such as ``PositionExpired``: then list the users again.
        Close the iterator to end the watch.

        :param max_silence: seconds without a message after which a stream counts as dead. The server
            sends one each ``feed.heartbeat``, 15 seconds by default.
        """
        watch = Watch(request)
        token = obtained(self._tokens.token)
        while True:
            error = None
            try:
                for response in self._stream(watch.request, token, max_silence):
                    self._reach.has_answered = True
                    watch.received(response)
                    yield response
            except grpc.RpcError as failure:
                error = self._error(failure)
            if error is not None and watch.may_renew(error):
                rejected, token = token, obtained(partial(self._tokens.renewed, token))
                if token != rejected:
                    continue
                raise error
            time.sleep(watch.pause_after(error))
            token = obtained(self._tokens.token)

    def _stream(self, request: WatchEventsRequest, token: str, max_silence: float) -> Iterator[WatchEventsResponse]:
        """Yield the messages of one stream. A stream that is silent for too long just ends."""
        method = self._channel.unary_stream(
            WATCH_EVENTS.path,
            request_serializer=WATCH_EVENTS.request.SerializeToString,
            response_deserializer=WATCH_EVENTS.response.FromString,
        )
        stream = method(request, metadata=headers(self._metadata, token))
        with Silence(max_silence, stream.cancel) as silence:
            try:
                while True:
                    silence.begins()
                    response = next(stream, None)
                    silence.ends()
                    if response is None:
                        return
                    yield response
            except grpc.RpcError:
                if not silence.was_too_long:
                    raise
            finally:
                stream.cancel()


def _channel(
    target: str,
    plaintext: bool,
    credentials: grpc.ChannelCredentials | None,
    authority: str | None,
    more: Sequence[Option],
) -> grpc.Channel:
    if plaintext and credentials is not None:
        raise ValueError("a plaintext connection has no credentials: leave one of the two out")
    chosen = options(target, plaintext=plaintext, authority=authority, more=more)
    if plaintext:
        return grpc.insecure_channel(target, options=chosen)
    return grpc.secure_channel(target, credentials or grpc.ssl_channel_credentials(), options=chosen)
