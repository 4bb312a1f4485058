"""A client of identity-link, the service that owns which identities belong to which user.

:class:`Client` is for threads, :class:`identitylink.aio.Client` for asyncio. The messages are in
:mod:`identitylink.v1`, and an exception for each reason of a refusal in :mod:`identitylink.reasons`.
"""

from .client import Client
from .errors import FieldViolation, IdentityLinkError, PreconditionViolation, TokenSourceError
from .tokens import AsyncFunctionToken, AsyncTokenSource, FileToken, FunctionToken, StaticToken, Token, TokenSource

__all__ = [
    "AsyncFunctionToken",
    "AsyncTokenSource",
    "Client",
    "FieldViolation",
    "FileToken",
    "FunctionToken",
    "IdentityLinkError",
    "PreconditionViolation",
    "StaticToken",
    "Token",
    "TokenSource",
    "TokenSourceError",
]
