"""The driver of the conformance scenarios: see clients/conformance/README.md.

The argument is `threads` or `asyncio`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from datetime import timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

import identitylink
import identitylink.aio
from identitylink import calls
from identitylink.v1 import WatchEventsRequest


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).removeprefix("_")


def request_of(rpc: str, fields: dict[str, Any]) -> Message:
    request: Message = getattr(calls, snake(rpc).upper()).request()
    ParseDict(fields, request)
    return request


def as_json(message: Message) -> dict[str, Any]:
    found: dict[str, Any] = MessageToDict(message)
    return found


def responded(message: Message) -> dict[str, Any]:
    return {"response": as_json(message), "message": base64.b64encode(message.SerializeToString()).decode()}


def failed(error: Exception) -> dict[str, Any]:
    if isinstance(error, identitylink.TokenSourceError):
        found = {"type": "token", "text": str(error), "has_cause": error.__cause__ is not None}
        return {"error": {**found, "request_id": error.request_id or None}}
    if not isinstance(error, identitylink.IdentityLinkError):
        return {"error": {"type": "other", "code": "", "reason": "", "text": type(error).__name__}}
    kind = "" if type(error) is identitylink.IdentityLinkError else type(error).__name__
    delay = error.retry_delay
    return {
        "error": {
            "type": kind,
            "code": error.code.name,
            "reason": error.reason,
            "text": error.message,
            "metadata": dict(error.metadata),
            "violations": [{"field": each.field, "description": each.description} for each in error.violations],
            "preconditions": [
                {"type": each.type, "subject": each.subject, "description": each.description}
                for each in error.preconditions
            ],
            "retry_delay_ms": None if delay is None else delay // timedelta(milliseconds=1),
            "request_id": error.request_id or None,
        }
    }


def streamed(order: dict[str, Any]) -> Any:
    """Return the only request of an rpc, or all of them if they are a stream."""
    requests = [request_of(order["stream"], request) for request in order["requests"]]
    return requests[0] if order["stream"] in ("ExportUsers", "ReadLines") else requests


def source(opened: dict[str, Any]) -> identitylink.TokenSource:
    if opened.get("token_file"):
        return identitylink.FileToken(opened["token_file"])
    return identitylink.FunctionToken(Source(opened["tokens"]))


def async_source(opened: dict[str, Any]) -> identitylink.TokenSource | identitylink.AsyncTokenSource:
    if opened.get("token_file"):
        return identitylink.FileToken(opened["token_file"])
    return identitylink.AsyncFunctionToken(Source(opened["tokens"]).later)


def settings(opened: dict[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {"plaintext": not opened.get("tls", False)}
    for name in ("max_attempts", "timeout"):
        if opened.get(name):
            chosen[name] = opened[name]
    return chosen


class Source:
    """A function that returns these tokens in turn, and the last one again."""

    def __init__(self, tokens: list[str | None]) -> None:
        self.tokens = tokens

    def __call__(self) -> str:
        token = self.tokens.pop(0) if len(self.tokens) > 1 else self.tokens[0]
        if token is None:
            raise RuntimeError("the source of the tokens fails")
        return token

    async def later(self) -> str:
        return self()


def calling(client: Any, order: dict[str, Any]) -> Any:
    """Return the client with the metadata of the order."""
    for key, value in (order.get("metadata") or {}).items():
        client = client.with_metadata(key, value)
    return client


def say(result: dict[str, Any]) -> None:
    print(json.dumps(result), flush=True)


def by_threads(lines: Iterable[str]) -> None:
    client: identitylink.Client | None = None
    for line in lines:
        order = json.loads(line)
        try:
            if "open" in order:
                opened = order["open"]
                if client is not None:
                    client.close()
                client = identitylink.Client(opened["target"], token=source(opened), **settings(opened))
                say({"opened": True})
                continue
            assert client is not None
            if "call" in order:
                rpc = order["call"]
                request = request_of(rpc, order["request"])
                say(responded(getattr(calling(client, order), snake(rpc))(request, timeout=order.get("timeout"))))
            elif "all" in order:
                items = getattr(client, snake(order["all"]) + "_all")(request_of(order["all"], order["request"]))
                say({"items": [as_json(item) for item in items]})
            elif "stream" in order:
                got = getattr(client, snake(order["stream"]))(streamed(order))
                say({"items": [as_json(got)] if isinstance(got, Message) else [as_json(item) for item in got]})
            elif "resolve" in order:
                say({"items": [as_json(user) for user in client.resolve(order["resolve"])]})
            else:
                watch = client.watch(ParseDict(order["watch"], WatchEventsRequest()))
                left = order["take"]
                for response in watch:
                    for event in response.events:
                        say({"event": as_json(event)})
                        left -= 1
                    if left <= 0:
                        break
                say({"done": True})
        except Exception as error:
            say(failed(error))


async def lines_of_stdin() -> AsyncIterator[str]:
    while line := await asyncio.to_thread(sys.stdin.readline):
        yield line


async def by_asyncio() -> None:
    client: identitylink.aio.Client | None = None
    async for line in lines_of_stdin():
        order = json.loads(line)
        try:
            if "open" in order:
                opened = order["open"]
                if client is not None:
                    await client.close()
                client = identitylink.aio.Client(opened["target"], token=async_source(opened), **settings(opened))
                say({"opened": True})
                continue
            assert client is not None
            if "call" in order:
                rpc = order["call"]
                request = request_of(rpc, order["request"])
                say(responded(await getattr(calling(client, order), snake(rpc))(request, timeout=order.get("timeout"))))
            elif "all" in order:
                items = getattr(client, snake(order["all"]) + "_all")(request_of(order["all"], order["request"]))
                say({"items": [as_json(item) async for item in items]})
            elif "stream" in order:
                called = getattr(client, snake(order["stream"]))(streamed(order))
                is_one = asyncio.iscoroutine(called)
                say({"items": [as_json(await called)] if is_one else [as_json(item) async for item in called]})
            elif "resolve" in order:
                say({"items": [as_json(user) async for user in client.resolve(order["resolve"])]})
            else:
                left = order["take"]
                async with aclosing(client.watch(ParseDict(order["watch"], WatchEventsRequest()))) as watch:
                    async for response in watch:
                        for event in response.events:
                            say({"event": as_json(event)})
                            left -= 1
                        if left <= 0:
                            break
                say({"done": True})
        except Exception as error:
            say(failed(error))


if sys.argv[1] == "asyncio":
    asyncio.run(by_asyncio())
else:
    by_threads(sys.stdin)
