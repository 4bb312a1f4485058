"""A shop keeps its orders under user ids, while users become one and come apart again.

This small service follows the feed of identity-link, and keeps each order with the user that it belongs to now. It may be
killed at any moment, and started again, or twice: the position in the feed is written in the transaction that changes the
orders.

    identity-link token --service shop --scope "read:events read:users" > shop.token
    python rekey.py --database postgres://shop@localhost/shop --token-file shop.token
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import psycopg
from identitylink import Client, FileToken
from identitylink.reasons import PositionExpired, PositionInvalid
from identitylink.v1 import Event, EventKind, ListUsersRequest, ResolvedUser, UserChange, WatchEventsRequest

SCHEMA = (Path(__file__).parent / "schema.sql").read_text(encoding="utf-8")
# The pause after an error, in seconds: it doubles up to the longest one.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 10.0
# The kinds of events that change which user an order belongs to.
KINDS = [
    EventKind.EVENT_KIND_USER_LINKED,
    EventKind.EVENT_KIND_USER_UNLINKED,
    EventKind.EVENT_KIND_LINK_UNDONE,
    EventKind.EVENT_KIND_USER_DELETED,
]

# The statements have the placeholders of Postgres itself, such as $1.
Database = psycopg.Connection[tuple[str]]


class Overtaken(Exception):
    """Another process has continued from this position, such as an old one whose last transaction was still running."""


class Holders(dict[str, str | None]):
    """The id of the user that now holds what was placed under an id; None if that user is deleted."""

    def note(self, event: Event) -> None:
        """Note an event.

        Events come in order, and each states the holder itself, not a change of it: so a repeated event does no harm.
        """
        kind = event.WhichOneof("detail")
        if kind == "user_linked":
            linked = event.user_linked
            self._set([linked.absorbed.user_id, *linked.repointed_user_ids], linked.primary.user_id)
        elif kind == "user_unlinked":
            self._back(event.user_unlinked.restored, event.user_unlinked.repointed_user_ids)
        elif kind == "link_undone":
            self._back(event.link_undone.restored, event.link_undone.repointed_user_ids)
        elif kind == "user_deleted":
            deleted = event.user_deleted
            self._set([deleted.user.user_id, *deleted.absorbed_user_ids], None)

    def note_resolved(self, user: ResolvedUser) -> None:
        """Note what an id resolves to.

        An unknown id is left as it is: a token of another tenant must not take all orders away.
        """
        if user.state in (ResolvedUser.STATE_CURRENT, ResolvedUser.STATE_ABSORBED):
            self._set([user.requested_id], user.user_id)
        elif user.state == ResolvedUser.STATE_DELETED:
            self._set([user.requested_id], None)

    def _back(self, restored: UserChange, followers: Iterable[str]) -> None:
        """Set the holder of a user that came back, and of those that it had absorbed: itself."""
        self._set([restored.user_id, *followers], restored.user_id)

    def _set(self, ids: Iterable[str], holder: str | None) -> None:
        """Set the holder. What belonged to a deleted user is not given to the next user with its id."""
        for user_id in ids:
            if user_id not in self or self[user_id] is not None:
                self[user_id] = holder


def rekey(database: Database, holders: Holders) -> None:
    """Give the orders to their holders. An order that belongs to no user stays so."""
    database.execute(
        """
        UPDATE orders SET user_id = holders.user_id
        FROM unnest($1::text[], $2::text[]) AS holders (placed_by, user_id)
        WHERE orders.placed_by = holders.placed_by AND orders.user_id IS NOT NULL
          AND orders.user_id IS DISTINCT FROM holders.user_id
        """,
        [list(holders.keys()), list(holders.values())],
    )


def bootstrap(client: Client, database: Database) -> str:
    """Begin anew: first read the position of the feed, and then the holders of all orders.

    Events in between are delivered again, with the same result.
    """
    position = client.list_users(ListUsersRequest(page_size=1)).position
    rows = database.execute("SELECT DISTINCT placed_by FROM orders WHERE user_id IS NOT NULL").fetchall()
    holders = Holders()
    for user in client.resolve(placed_by for placed_by, in rows):
        holders.note_resolved(user)
    with database.transaction():
        database.execute(
            """
            INSERT INTO feed_position (position) VALUES ($1)
            ON CONFLICT (is_row) DO UPDATE SET position = excluded.position
            """,
            [position],
        )
        rekey(database, holders)
    return position


def go_on(database: Database, before: str, after: str, events: Iterable[Event]) -> None:
    """Move from one position to the next, with the events in between, unless another process was first."""
    holders = Holders()
    for event in events:
        holders.note(event)
    with database.transaction():
        moved = database.execute("UPDATE feed_position SET position = $2 WHERE position = $1", [before, after])
        if moved.rowcount == 0:
            raise Overtaken("another process has continued from this position")
        rekey(database, holders)


def follow(client: Client, url: str, is_position_lost: bool) -> None:
    """Follow the feed from the stored position, until a call or a statement fails."""
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor) as database:
        database.execute(SCHEMA)
        stored = database.execute("SELECT position FROM feed_position").fetchone()
        position = bootstrap(client, database) if stored is None or is_position_lost else stored[0]
        # The client itself goes on when a stream ends.
        with closing(client.watch(WatchEventsRequest(after=position, kinds=KINDS))) as messages:
            for message in messages:
                # The position moves without events too, past those of other kinds.
                if message.position != position:
                    go_on(database, position, message.position, message.events)
                    position = message.position


def main() -> NoReturn:
    arguments = argparse.ArgumentParser(description="Keeps the orders of a shop with the users that they belong to")
    arguments.add_argument("--identity-link", default="http://127.0.0.1:50051", help="the URL of identity-link's gRPC")
    arguments.add_argument("--token-file", required=True, help="has a token with the scopes read:events and read:users")
    arguments.add_argument("--database", required=True, help="the URL of the shop's own database")
    chosen = arguments.parse_args()
    server = urlsplit(chosen.identity_link)
    client = Client(server.netloc, token=FileToken(chosen.token_file), plaintext=server.scheme == "http")

    pause, is_position_lost = FIRST_PAUSE, False
    while True:
        begun = time.monotonic()
        try:
            follow(client, chosen.database, is_position_lost)
        # No reason is final.
        except Exception as stopped:
            # The feed does not have the position any more: it has expired, or is from another feed.
            is_position_lost = isinstance(stopped, (PositionExpired, PositionInvalid))
            if time.monotonic() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            print(f"{type(stopped).__name__}: {stopped}; trying again in {pause} s", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)


if __name__ == "__main__":
    main()
