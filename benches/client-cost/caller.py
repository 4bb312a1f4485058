"""Calls GetUser by the client and by the bare stub, in threads or by asyncio: see measure.py."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from identitylink import Client, FileToken
from identitylink.aio import Client as AsyncClient
from identitylink.v1 import GetUserRequest, GetUserResponse

CALLERS = 8
ADDRESS, TOKEN_FILE, USER_ID, WAY = sys.argv[1:]
AUTHORIZATION = (("authorization", f"Bearer {Path(TOKEN_FILE).read_text(encoding='utf-8').strip()}"),)


def get_user(channel: Any) -> Any:
    """Return the method as grpcio-tools generates it in a stub."""
    return channel.unary_unary(
        "/identitylink.v1.IdentityService/GetUser",
        request_serializer=GetUserRequest.SerializeToString,
        response_deserializer=GetUserResponse.FromString,
        _registered_method=True,
    )


def check(response: GetUserResponse) -> None:
    if response.user.id != USER_ID:
        raise SystemExit(f"the response has another user: {response.user.id}")


def by_threads() -> None:
    client = Client(ADDRESS, token=FileToken(TOKEN_FILE), plaintext=True)
    stub = get_user(grpc.insecure_channel(ADDRESS))
    arms: dict[str, Any] = {
        "client": lambda: client.get_user(GetUserRequest(user_id=USER_ID)),
        "stub": lambda: stub(GetUserRequest(user_id=USER_ID), timeout=10, metadata=AUTHORIZATION),
    }

    def caller(arm: str, calls: int) -> None:
        for _ in range(calls):
            check(arms[arm]())

    with ThreadPoolExecutor(CALLERS) as threads:
        for line in sys.stdin:
            arm, calls = line.split()
            list(threads.map(caller, [arm] * CALLERS, [int(calls) // CALLERS] * CALLERS))
            print("done", flush=True)


async def by_asyncio() -> None:
    client = AsyncClient(ADDRESS, token=FileToken(TOKEN_FILE), plaintext=True)
    stub = get_user(grpc.aio.insecure_channel(ADDRESS))
    arms: dict[str, Any] = {
        "client": lambda: client.get_user(GetUserRequest(user_id=USER_ID)),
        "stub": lambda: stub(GetUserRequest(user_id=USER_ID), timeout=10, metadata=AUTHORIZATION),
    }

    async def caller(arm: str, calls: int) -> None:
        for _ in range(calls):
            check(await arms[arm]())

    while line := await asyncio.to_thread(sys.stdin.readline):
        arm, calls = line.split()
        await asyncio.gather(*(caller(arm, int(calls) // CALLERS) for _ in range(CALLERS)))
        print("done", flush=True)


if WAY == "asyncio":
    asyncio.run(by_asyncio())
else:
    by_threads()
