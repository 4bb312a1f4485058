"""What a client refuses, and how its errors are shown. Run it by `python -m unittest`."""

from __future__ import annotations

import unittest

from identitylink import Client, IdentityLinkError, aio
from identitylink.v1 import CreateUserRequest


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


if __name__ == "__main__":
    unittest.main()
