"""The rpcs that are streams, beside the watch."""

from __future__ import annotations

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final, Generic

import grpc
import grpc.aio

from . import reasons
from ._attempts import Attempts, Patience
from ._channel import headers
from ._reach import Reach
from ._rpc import Req, Res, Rpc
from .calls import EXPORT_USERS, IMPORT_USERS, READ_LINES, UPLOAD_PLAN
from .errors import IdentityLinkError
from .tokens import TokenSource, obtained
from .v1 import (
    ExportUsersRequest,
    ExportUsersResponse,
    ImportUsersRequest,
    ImportUsersResponse,
    ReadLinesRequest,
    ReadLinesResponse,
    UploadPlanRequest,
    UploadPlanResponse,
)


class _Sent(Generic[Req]):
    """The requests of a stream. gRPC hides the error of their iterator, which is the caller's own."""

    def __init__(self, requests: Iterable[Req]) -> None:
        self._requests: Final = requests
        self.failure: BaseException | None = None

    def __iter__(self) -> Iterator[Req]:
        try:
            yield from self._requests
        except Exception as failure:
            self.failure = failure
            raise


class Streams(ABC):
    """The streams for threads. They have no deadline: leave the iterator to end one."""

    _channel: grpc.Channel
    _tokens: TokenSource
    _patience: Patience
    _reach: Reach
    _metadata: Mapping[str, str]

    def export_users(self, request: ExportUsersRequest) -> Generator[ExportUsersResponse, None, None]:
        """Yield the users of the tenant as lines: first the position of the feed, last the counts.

        It is begun again as a call is repeated, until its first message has come. An export that ends
        with an error is not complete.
        """
        return self._read(EXPORT_USERS, request)

    def read_lines(self, request: ReadLinesRequest) -> Generator[ReadLinesResponse, None, None]:
        """Yield the lines of a job.

        It is begun again as a call is repeated, until its first message has come. After an error, continue
        with ``after_line``.
        """
        return self._read(READ_LINES, request)

    def import_users(self, requests: Iterable[ImportUsersRequest]) -> Generator[ImportUsersResponse, None, None]:
        """Create users from rows, and yield what became of each row.

        The requests are the settings, the rows, and ``rows_end``; they are read as fast as the server takes
        them. If their iterator raises, nothing is written. The call is made once. After an error, send the
        same rows again: users that are there already are ``OUTCOME_PRESENT``, and nothing of them changes.
        """
        token = obtained(self._tokens.token)
        sent = _Sent(requests)
        method = self._channel.stream_stream(IMPORT_USERS.path, **_messages(IMPORT_USERS))
        stream = method(iter(sent), metadata=headers(self._metadata, token))
        try:
            yield from stream
        except grpc.RpcError as failure:
            raise self._refused(token, sent, failure) from None
        finally:
            stream.cancel()

    def upload_plan(self, requests: Iterable[UploadPlanRequest]) -> UploadPlanResponse:
        """Store a plan, whose lines the requests have.

        If their iterator raises, nothing is stored. The call is made once. After an error, send the same
        lines again with the same ``request_id``: the plan is stored once.
        """
        token = obtained(self._tokens.token)
        sent = _Sent(requests)
        method = self._channel.stream_unary(UPLOAD_PLAN.path, **_messages(UPLOAD_PLAN))
        try:
            response: UploadPlanResponse = method(iter(sent), metadata=headers(self._metadata, token))
            return response
        except grpc.RpcError as failure:
            raise self._refused(token, sent, failure) from None

    def _read(self, rpc: Rpc[Req, Res], request: Req) -> Generator[Res, None, None]:
        attempts = Attempts(rpc, request, self._patience)
        token = obtained(self._tokens.token)
        method = self._channel.unary_stream(rpc.path, **_messages(rpc))
        while True:
            has_begun = False
            stream = method(attempts.request, metadata=headers(self._metadata, token))
            try:
                for response in stream:
                    has_begun = True
                    self._reach.has_answered = True
                    yield response
                return
            except grpc.RpcError as failure:
                error = self._error(failure)
            finally:
                stream.cancel()
            if has_begun:
                raise error
            if attempts.may_renew(error):
                rejected, token = token, obtained(partial(self._tokens.renewed, token))
                if token != rejected:
                    continue
            time.sleep(attempts.pause_after(error))

    def _refused(self, token: str, sent: _Sent[Any], failure: grpc.RpcError) -> BaseException:
        """Return why a stream of requests has ended. A token that was refused is not used again."""
        if sent.failure is not None:
            return sent.failure
        error = self._error(failure)
        if isinstance(error, reasons.TokenInvalid):
            obtained(partial(self._tokens.renewed, token))
        return error

    def _error(self, failure: grpc.RpcError) -> IdentityLinkError:
        """Return the error of a call that has failed, which in this library is also its `grpc.Call`."""
        if not isinstance(failure, grpc.Call):
            return self._reach.failed(grpc.StatusCode.UNKNOWN, str(failure), ())
        return self._reach.failed(failure.code(), failure.details() or "", failure.trailing_metadata())


class AsyncStreams(ABC):
    """The streams for asyncio. They have no deadline: leave one by ``contextlib.aclosing``."""

    _channel: grpc.aio.Channel
    _patience: Patience
    _reach: Reach
    _metadata: Mapping[str, str]

    @abstractmethod
    def _error(self, failure: grpc.aio.AioRpcError) -> IdentityLinkError: ...

    @abstractmethod
    async def _token(self) -> str: ...

    @abstractmethod
    async def _renewed(self, rejected: str) -> str: ...

    def export_users(self, request: ExportUsersRequest) -> AsyncGenerator[ExportUsersResponse, None]:
        """Yield the users of the tenant as :meth:`identitylink.Client.export_users` does."""
        return self._read(EXPORT_USERS, request)

    def read_lines(self, request: ReadLinesRequest) -> AsyncGenerator[ReadLinesResponse, None]:
        """Yield the lines of a job as :meth:`identitylink.Client.read_lines` does."""
        return self._read(READ_LINES, request)

    async def import_users(
        self, requests: Iterable[ImportUsersRequest] | AsyncIterable[ImportUsersRequest]
    ) -> AsyncGenerator[ImportUsersResponse, None]:
        """Create users from rows as :meth:`identitylink.Client.import_users` does."""
        token = await self._token()
        method = self._channel.stream_stream(IMPORT_USERS.path, **_messages(IMPORT_USERS))
        stream = method(metadata=headers(self._metadata, token))
        async with aclosing(self._exchanged(token, stream, requests)) as responses:
            async for response in responses:
                yield response

    async def upload_plan(
        self, requests: Iterable[UploadPlanRequest] | AsyncIterable[UploadPlanRequest]
    ) -> UploadPlanResponse:
        """Store a plan as :meth:`identitylink.Client.upload_plan` does."""
        token = await self._token()
        method = self._channel.stream_unary(UPLOAD_PLAN.path, **_messages(UPLOAD_PLAN))
        stream = method(metadata=headers(self._metadata, token))
        try:
            await _send(stream, requests)
            response: UploadPlanResponse = await stream
            return response
        except grpc.aio.AioRpcError as failure:
            raise await self._refused(token, failure) from None
        finally:
            stream.cancel()

    async def _exchanged(
        self, token: str, stream: Any, requests: Iterable[Req] | AsyncIterable[Req]
    ) -> AsyncGenerator[Any, None]:
        """Send all requests, and yield the responses: the server sends none before the last request."""
        try:
            await _send(stream, requests)
            while (response := await stream.read()) is not grpc.aio.EOF:
                yield response
        except grpc.aio.AioRpcError as failure:
            raise await self._refused(token, failure) from None
        finally:
            stream.cancel()

    async def _read(self, rpc: Rpc[Req, Res], request: Req) -> AsyncGenerator[Res, None]:
        attempts = Attempts(rpc, request, self._patience)
        token = await self._token()
        method = self._channel.unary_stream(rpc.path, **_messages(rpc))
        while True:
            has_begun = False
            stream = method(attempts.request, metadata=headers(self._metadata, token))
            try:
                async for response in stream:
                    has_begun = True
                    self._reach.has_answered = True
                    yield response
                return
            except grpc.aio.AioRpcError as failure:
                error = self._error(failure)
            finally:
                stream.cancel()
            if has_begun:
                raise error
            if attempts.may_renew(error):
                rejected, token = token, await self._renewed(token)
                if token != rejected:
                    continue
            await asyncio.sleep(attempts.pause_after(error))

    async def _refused(self, token: str, failure: grpc.aio.AioRpcError) -> IdentityLinkError:
        """Return why a stream of requests has ended. A token that was refused is not used again."""
        error = self._error(failure)
        if isinstance(error, reasons.TokenInvalid):
            await self._renewed(token)
        return error


async def _send(stream: Any, requests: Iterable[Req] | AsyncIterable[Req]) -> None:
    """Send the requests, until the server has refused them: then the stream says why."""
    async for request in _each(requests):
        try:
            await stream.write(request)
        except asyncio.InvalidStateError:
            # The stream has ended.
            return
    await stream.done_writing()


async def _each(requests: Iterable[Req] | AsyncIterable[Req]) -> AsyncIterator[Req]:
    if isinstance(requests, AsyncIterable):
        async for request in requests:
            yield request
    else:
        for request in requests:
            yield request


def _messages(rpc: Rpc[Any, Any]) -> dict[str, Any]:
    return {
        "request_serializer": rpc.request.SerializeToString,
        "response_deserializer": rpc.response.FromString,
    }
