"""A login backend on FastAPI: sign-in, sign-out, and a settings page that links and unlinks.

The routes and the story are in ../README.md. The sessions are in memory, so this is one process.
"""

import ipaddress
import logging
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from identitylink import FileToken, IdentityLinkError
from identitylink.aio import Client
from identitylink.reasons import UserNotFound
from identitylink.v1 import (
    CompleteSignInRequest,
    GetUserRequest,
    IdentityRef,
    ListProvidersRequest,
    ResolveSignInRequest,
    SignInIntent,
    SignInProvider,
    StartSignInRequest,
    UnlinkRequest,
    User,
)
from starlette.exceptions import HTTPException

from linking import Refused, carry_out, preview
from sentences import BEGIN_AGAIN, SENTENCES, SIGN_IN_AGAIN, UNAVAILABLE
from sessions import (
    ATTEMPT,
    ATTEMPT_SECONDS,
    BASE,
    MAX_AGE,
    SECURE,
    SESSION,
    SESSION_SECONDS,
    Session,
    begin,
    drop_cookie,
    sessions,
    set_cookie,
)

IDENTITY_LINK = urlsplit(os.environ.get("IDENTITY_LINK", "http://127.0.0.1:50051"))
BODY_BYTES = 16384

clients: list[Client] = []
templates = Jinja2Templates(os.path.join(os.path.dirname(__file__), "templates"))


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    token, plaintext = FileToken(os.environ["TOKEN_FILE"]), IDENTITY_LINK.scheme == "http"
    async with Client(IDENTITY_LINK.netloc, token=token, plaintext=plaintext) as client:
        clients[:] = [client]
        yield


app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)


@app.middleware("http")
async def guard(request: Request, call_next):
    # A browser sends Origin with each form. A form of another site's page has another one, or "null".
    if request.method == "POST" and request.headers.get("origin") != BASE:
        response = show(request, "refusal", 403, sentence="That form was not sent from a page of this site.")
    elif "transfer-encoding" in request.headers or int(request.headers.get("content-length", 0)) > BODY_BYTES:
        # Without either header a request has no body (RFC 9112, section 6.3).
        response = show(request, "refusal", 413, sentence="That form is too long.")
    else:
        response = await call_next(request)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    # With "no-referrer" a browser would send "Origin: null" with this site's own forms.
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


@app.exception_handler(Refused)
@app.exception_handler(IdentityLinkError)
@app.exception_handler(RequestValidationError)
@app.exception_handler(HTTPException)
async def refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return show(request, "refusal", error.status_code, sentence="There is no such page.")
    if isinstance(error, IdentityLinkError):
        sentence = SENTENCES.get(error.reason)
        if sentence is None:
            # The reason only: a message may name what the person sent.
            logging.error("identity-link refused: %s %s", error.code.name, error.reason)
            return show(request, "refusal", 503, sentence=UNAVAILABLE)
        return show(request, "refusal", 400, sentence=sentence)
    return show(request, "refusal", 400, sentence=str(error) if isinstance(error, Refused) else BEGIN_AGAIN)


def show(request: Request, page: str, status: int = 200, **values: object) -> Response:
    return templates.TemplateResponse(request, "page.html", {"page": page, **values}, status)


async def current(request: Request) -> tuple[Session | None, User | None]:
    """Return the session of this browser, and its user as it is now.

    The user may have been absorbed: then the session is its holder's, but reads only. The session
    ends if the user was deleted or blocked, or if the account that signed in has left the user.
    """
    key = request.cookies.get(SESSION, "")
    session = sessions.get(key)
    if session is None or time.monotonic() - session.since > SESSION_SECONDS:
        sessions.pop(key, None)
        return None, None
    if not session.user_id:
        return session, None
    try:
        user = (await clients[0].get_user(GetUserRequest(user_id=session.user_id))).user
    except UserNotFound:
        user = User(blocked=True)
    if user.blocked or session.identity not in [each.identity_ref for each in user.identities]:
        sessions.pop(key, None)
        return None, None
    if user.id != session.user_id:
        session.user_id, session.since = user.id, time.monotonic() - min(MAX_AGE + 1, SESSION_SECONDS)
    return session, user


async def for_a_change(request: Request) -> tuple[Session, User]:
    """Return the session and its user, if the sign-in is recent enough to change who can sign in."""
    session, user = await current(request)
    if session is None or user is None or time.monotonic() - session.since > MAX_AGE:
        raise Refused(SIGN_IN_AGAIN)
    return session, user


async def providers() -> list[SignInProvider]:
    """Return the providers at which a person can sign in. A link by a service's token needs a sign-in
    too, so a provider that is link-only is not among them."""
    listed = [each async for each in clients[0].list_providers_all(ListProvidersRequest())]
    return [each for each in listed if each.mode == SignInProvider.MODE_SIGN_IN]


@app.get("/")
async def home(request: Request) -> Response:
    session, user = await current(request)
    offered = await providers()
    names = {each.provider: each.display_name for each in offered}
    if session is not None and session.pending is not None and user is None:
        # The candidates' providers only: an account of another one is not the person's that was noticed.
        theirs = {name for each in session.pending.candidates.values() for name in each}
        offered = [each for each in offered if each.provider in theirs]
    values = {"session": session, "user": user, "offered": offered, "names": names}
    if session is None:
        return show(request, "login", **values)
    notice, session.notice = session.notice, ""
    return show(request, "settings" if user else session.pending.kind, notice=notice, **values)


async def to_provider(provider: str, purpose: str) -> tuple[Response, str]:
    started = await clients[0].start_sign_in(
        StartSignInRequest(provider=provider, redirect_uri=f"{BASE}/callback/{provider}", sign_in=SignInIntent())
    )
    response = RedirectResponse(started.authorization_url, 303)
    set_cookie(response, ATTEMPT, f"{purpose}.{started.attempt_secret}", ATTEMPT_SECONDS)
    return response, started.attempt_secret


@app.post("/sign-in")
async def sign_in(provider: Annotated[str, Form()]) -> Response:
    return (await to_provider(provider, "sign-in"))[0]


@app.get("/callback/{provider}")
async def callback(
    request: Request, provider: str, state: str = "", code: str = "", iss: str = "", error: str = ""
) -> Response:
    purpose, _, secret = request.cookies.get(ATTEMPT, "").partition(".")
    linking = purpose == "link"
    session, user = await (for_a_change(request) if linking else current(request))
    # A link ends in the session that began it.
    if not secret or (linking and session.link_secret != secret):
        raise Refused(BEGIN_AGAIN)
    completed = await clients[0].complete_sign_in(
        CompleteSignInRequest(
            attempt_secret=secret,
            state=state,
            code=code,
            iss=iss,
            error=error,
            # From the request that arrived: it shows which provider sent the browser.
            redirect_uri=f"{BASE}/callback/{provider}",
            validate_only=linking,
        )
    )
    response = RedirectResponse("/", 303)
    drop_cookie(response, ATTEMPT)
    if linking:
        session.link_secret = ""
        await preview(clients[0], session, user, completed)
    else:
        begin(request, response, session, completed.decision)
    return response


@app.post("/new-user")
async def new_user(request: Request) -> Response:
    session, user = await current(request)
    if session is None or session.pending is None or user is not None:
        raise Refused(BEGIN_AGAIN)
    resolved = await clients[0].resolve_sign_in(ResolveSignInRequest(sign_in_ticket=session.pending.ticket))
    response = RedirectResponse("/", 303)
    begin(request, response, None, resolved.decision)
    return response


@app.post("/link")
async def link(request: Request, provider: Annotated[str, Form()]) -> Response:
    session, _ = await for_a_change(request)
    response, session.link_secret = await to_provider(provider, "link")
    return response


@app.post("/link-pending")
async def link_pending(request: Request) -> Response:
    session, user = await for_a_change(request)
    await carry_out(clients[0], session, user)
    return RedirectResponse("/", 303)


@app.post("/forget")
async def forget(request: Request) -> Response:
    session, user = await current(request)
    if session is not None and user is not None:
        session.pending = None
    return RedirectResponse("/", 303)


@app.post("/unlink")
async def unlink(request: Request, provider: Annotated[str, Form()], subject: Annotated[str, Form()]) -> Response:
    session, user = await for_a_change(request)
    await clients[0].unlink(
        UnlinkRequest(user_id=user.id, identity=IdentityRef(provider=provider, subject=subject))
    )
    session.notice = f"Your account at {provider} is unlinked."
    return RedirectResponse("/", 303)


@app.post("/sign-out")
async def sign_out(request: Request) -> Response:
    sessions.pop(request.cookies.get(SESSION, ""), None)
    response = RedirectResponse("/", 303)
    drop_cookie(response, SESSION)
    return response


def is_loopback(host: str) -> bool:
    """Whether this is an address of this machine; a name is none, since it may lead to another one."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def main() -> None:
    if not SECURE and not is_loopback(urlsplit(BASE).hostname or ""):
        raise SystemExit("BASE_URL: without https, cookies are safe on a loopback address only")
    listen = urlsplit(os.environ.get("LISTEN", BASE))
    listener = socket.create_server((listen.hostname or "", listen.port or 0))
    host, port = listener.getsockname()[:2]
    print(f"serving {BASE} on http://{host}:{port}", flush=True)
    # Its log of requests would have the code and the state of each sign-in.
    uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
