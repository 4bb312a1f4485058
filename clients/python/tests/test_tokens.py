"""When a token is renewed, by a clock that the test sets. Run it by `python -m unittest`."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import tempfile
import threading
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from identitylink import (
    AsyncFunctionToken,
    AsyncTokenSource,
    Client,
    FileToken,
    FunctionToken,
    StaticToken,
    Token,
    TokenSource,
    TokenSourceError,
    aio,
)
from identitylink.v1 import ExportUsersRequest, GetUserRequest, WatchEventsRequest


class Issuer:
    """Issues numbered tokens, each good for a hundred seconds. It can fail."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.issued = 0
        self.fails = False
        self.form = "token{}"

    def __call__(self) -> Token:
        if self.fails:
            raise ConnectionError("there is no issuer")
        self.issued += 1
        return Token(self.form.format(self.issued), self.now + 100)

    async def later(self) -> Token:
        return self()


class Renewal(unittest.TestCase):
    def setUp(self) -> None:
        self.issuer = Issuer()
        clock = mock.patch("identitylink.tokens.time.time", lambda: self.issuer.now)
        clock.start()
        self.addCleanup(clock.stop)

    def sources(self) -> list[tuple[Callable[[], str], Callable[[str], str]]]:
        """One source of each kind, as functions."""
        loop = asyncio.new_event_loop()
        self.addCleanup(loop.close)
        by_threads, by_asyncio = FunctionToken(self.issuer), AsyncFunctionToken(self.issuer.later)
        return [
            (by_threads.token, by_threads.renewed),
            (
                lambda: loop.run_until_complete(by_asyncio.token()),
                lambda rejected: loop.run_until_complete(by_asyncio.renewed(rejected)),
            ),
        ]

    def test_a_token_is_used_until_shortly_before_its_end(self) -> None:
        for token, _ in self.sources():
            first = token()
            self.issuer.now += 79
            self.assertEqual(token(), first)
            self.issuer.now += 2
            self.assertNotEqual(token(), first)

    def test_a_token_that_is_good_is_used_while_the_issuer_fails(self) -> None:
        for token, _ in self.sources():
            self.issuer.fails = False
            first = token()
            self.issuer.fails = True
            self.issuer.now += 90
            self.assertEqual(token(), first)
            self.issuer.now += 20
            with self.assertRaises(ConnectionError):
                token()

    def test_a_token_that_is_good_is_used_while_the_issuer_returns_what_is_no_token(self) -> None:
        for token, _ in self.sources():
            self.issuer.form = "token{}"
            first = token()
            self.issuer.form = "{} words"
            self.issuer.now += 90
            self.assertEqual(token(), first)
            self.issuer.now += 20
            with self.assertRaises(ValueError):
                token()

    def test_a_refused_token_is_renewed_once_for_all_calls(self) -> None:
        for token, renewed in self.sources():
            first = token()
            issued = self.issuer.issued
            second = renewed(first)
            self.assertNotEqual(second, first)
            self.assertEqual(renewed(first), second)
            self.assertEqual(self.issuer.issued, issued + 1)

    def test_the_end_of_a_jwt_is_read(self) -> None:
        claims = json.dumps({"exp": self.issuer.now + 100}).encode()
        jwts = [f"a.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.{n}" for n in ("b", "c")]
        source = FunctionToken(lambda: jwts.pop(0))
        first = source.token()
        self.assertEqual(source.token(), first)
        self.issuer.now += 81
        self.assertNotEqual(source.token(), first)

    def test_threads_do_not_wait_for_the_renewal_of_a_good_token(self) -> None:
        begun, go_on = threading.Event(), threading.Event()
        source = FunctionToken(self.issuer)
        first = source.token()
        self.issuer.now += 90

        def slow() -> Token:
            begun.set()
            go_on.wait(60)
            return self.issuer()

        source._function = slow
        renewing = threading.Thread(target=source.token)
        renewing.start()
        self.assertTrue(begun.wait(60))
        self.assertEqual(source.token(), first)
        go_on.set()
        renewing.join()
        self.assertNotEqual(source.token(), first)


class Broken(TokenSource):
    """Returns what no header can have."""

    def token(self) -> str:
        return "secret\r\nx-admin: 1"

    def renewed(self, rejected: str) -> str:
        return rejected


async def called_by_asyncio(source: TokenSource | AsyncTokenSource) -> None:
    async with aio.Client("127.0.0.1:1", token=source, plaintext=True) as client:
        await client.get_user(GetUserRequest(user_id="ann"))


class Values(unittest.TestCase):
    def test_a_file_is_read_again_after_it_was_replaced(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "token")
            path.write_text("first\n", encoding="utf-8")
            source = FileToken(path)
            self.assertEqual(source.token(), "first")
            Path(folder, "next").write_text("other\n", encoding="utf-8")
            os.replace(Path(folder, "next"), path)
            self.assertEqual(source.token(), "other")

    def test_what_is_no_bearer_token_is_refused_and_not_quoted(self) -> None:
        for value in ("", "two words", "a\r\nx-admin: 1", "é", "a\n"):
            with self.assertRaises(ValueError) as refused:
                StaticToken(value)
            self.assertNotIn(value or "''", str(refused.exception))

    def test_the_failure_of_a_source_is_an_exception_of_its_own(self) -> None:
        def fails() -> str:
            raise ConnectionError("there is no issuer")

        async def fails_later() -> str:
            return fails()

        sources: list[tuple[TokenSource, type[Exception]]] = [
            (FileToken("/nowhere/token"), FileNotFoundError),
            (FunctionToken(fails), ConnectionError),
            (Broken(), ValueError),
        ]
        for source, cause in sources:
            # Nothing listens there: a call would be another error.
            client = Client("127.0.0.1:1", token=source, plaintext=True)
            self.assert_wrapped(cause, lambda: client.get_user(GetUserRequest(user_id="ann")))
            self.assert_wrapped(cause, lambda: next(client.watch(WatchEventsRequest())))
            self.assert_wrapped(cause, lambda: next(client.export_users(ExportUsersRequest())))
            self.assert_wrapped(cause, lambda: client.upload_plan([]))
            client.close()
            self.assert_wrapped(cause, lambda: asyncio.run(called_by_asyncio(source)))
        self.assert_wrapped(ConnectionError, lambda: asyncio.run(called_by_asyncio(AsyncFunctionToken(fails_later))))

    def assert_wrapped(self, cause: type[Exception], call: Callable[[], object]) -> None:
        with self.assertRaises(TokenSourceError) as raised:
            call()
        self.assertIsInstance(raised.exception.__cause__, cause)
        self.assertNotIn("secret", str(raised.exception))

    def test_no_text_shows_a_token(self) -> None:
        for shown in (repr(Token("secret")), repr(StaticToken("secret")), str(Token("secret"))):
            self.assertNotIn("secret", shown)


if __name__ == "__main__":
    unittest.main()
