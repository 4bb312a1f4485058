"""Ends a stream that has been silent for too long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType


class Silence:
    """Cancels a stream if a consumer waits longer than a limit for its next message.

    The time in which the consumer handles a message does not count. One thread watches, as long as the
    stream lasts.
    """

    def __init__(self, limit: float, cancel: Callable[[], object]) -> None:
        self._limit = limit
        self._cancel = cancel
        self._changed = threading.Condition()
        self._ends_at: float | None = None
        self._is_over = False
        #: Whether the stream was cancelled for its silence.
        self.was_too_long = False

    def __enter__(self) -> Silence:
        threading.Thread(target=self._watch, name="identitylink-silence", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._set(None, is_over=True)

    def begins(self) -> None:
        """The consumer waits from now on."""
        self._set(time.monotonic() + self._limit)

    def ends(self) -> None:
        """A message has come."""
        with self._changed:
            self._ends_at = None

    def _set(self, ends_at: float | None, *, is_over: bool = False) -> None:
        with self._changed:
            self._ends_at, self._is_over = ends_at, is_over
            self._changed.notify()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_over:
                left = None if self._ends_at is None else self._ends_at - time.monotonic()
                if left is not None and left <= 0:
                    self.was_too_long = True
                    self._cancel()
                    return
                self._changed.wait(left)
