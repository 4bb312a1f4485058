"""What a client refuses, and how its errors are shown. Run it by `python -m unittest`."""

from __future__ import annotations

import asyncio
import threading
import unittest

from identitylink import AsyncFunctionToken, Client, FunctionToken, IdentityLinkError, aio, reasons
from identitylink.v1 import CreateUserRequest, GetUserRequest


class Clients(unittest.TestCase):
    def test_a_url_is_no_target(self) -> None:
        for target in ("http://127.0.0.1:1", "https://identity.example.com"):
            with self.assertRaisesRegex(ValueError, "a host and a port"):
                Client(target, token="token")
            with self.assertRaisesRegex(ValueError, "a host and a port"):
                aio.Client(target, token="token")

    def test_an_error_is_shown_with_its_reason_and_request_id(self) -> None:
        client = Client("127.0.0.1:1", token="token", plaintext=True, max_attempts=1)
        with self.assertRaises(IdentityLinkError) as raised:
            client.create_user(CreateUserRequest(request_id="0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10"))
        client.close()
        self.assertRegex(
            repr(raised.exception),
            r"^IdentityLinkError\(UNAVAILABLE, reason='', message=.*, "
            r"request_id='0b8f3c56-4f5e-4c55-9a0b-7d2f6a1c9e10'\)$",
        )


    def test_a_deadline_is_one_also_if_the_token_is_late(self) -> None:
        async def never() -> str:
            await asyncio.Event().wait()
            raise AssertionError

        async def call() -> None:
            tokens = AsyncFunctionToken(never)
            async with aio.Client("127.0.0.1:1", token=tokens, plaintext=True, timeout=0.05) as client:
                await client.get_user(GetUserRequest())

        with self.assertRaises(reasons.Deadline) as raised:
            asyncio.run(call())
        self.assertEqual(raised.exception.reason, "DEADLINE")

        def late() -> str:
            threading.Event().wait(0.1)
            return "token"

        tokens = FunctionToken(late)
        with Client("127.0.0.1:1", token=tokens, plaintext=True, timeout=0.05) as client:
            with self.assertRaises(reasons.Deadline):
                client.get_user(GetUserRequest())

    def test_metadata_that_cannot_be_sent_is_refused(self) -> None:
        client = Client("127.0.0.1:1", token="token")
        for key, value in (
            ("X-Reason", "a"),
            ("x reason", "a"),
            ("x-bin", "a"),
            ("x-reason", "\u00e9"),
            ("x-reason", "a\n"),
            ("x-reason", ""),
            ("authorization", "Bearer secret"),
        ):
            with self.assertRaises(ValueError) as raised:
                client.with_metadata(key, value)
            self.assertNotIn("secret", str(raised.exception))
        client.close()


if __name__ == "__main__":
    unittest.main()
