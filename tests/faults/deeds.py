"""What can be done to a server, one thing after the other, by chance."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Callable

import admin
import wire
from conftest import Server, wait_until
from counting import POLICIES


class Deeds:
    """Does one thing at a time; those are in `actions`.

    write  Writes the configuration that serves, with a policy.
    """

    def __init__(self, server: Server, write: Callable[[str], None],
                 workers: int, seed: int) -> None:
        self.server = server
        self.write = write
        self.policy = POLICIES[0]
        self.count = workers
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.actions: list[Callable[[], None]] = []

    def act(self) -> None:
        action = self.random.choice(self.actions)
        self.done[action.__name__] += 1
        action()

    def settle(self) -> None:
        """Everything as in the beginning, and nothing under way."""
        self.policy = POLICIES[0]
        self.write(self.policy)
        self.reload_well()
        self.scale_to(self.count)
        wait_until(self._is_settled, "one generation and its workers", 60)

    def _is_settled(self) -> bool:
        status = self.get("/v1/status")
        return status is not None and len(status["generations"]) == 1 and \
            len(self.workers()) == self.count

    def workers(self) -> list[int]:
        return self.server.workers()

    # -- asking ------------------------------------------------------------------
    # The helper that answers may be among those who were killed.

    def post(self, path: str) -> int:
        with contextlib.suppress(OSError, wire.Closed):
            return admin.ask(self.server, "POST", path).status
        return 0

    def get(self, path: str) -> dict | None:
        with contextlib.suppress(OSError, wire.Closed):
            return admin.get(self.server, path)
        return None

    def reload_well(self) -> None:
        wait_until(lambda: self.post("/v1/reload") == 200, "a reload", 30)

    def scale_to(self, count: int) -> None:
        def is_done() -> bool:
            with contextlib.suppress(OSError, wire.Closed):
                return admin.ask(
                    self.server, "PATCH", "/v1/groups/main",
                    {"processes": count}).status == 200
            return False
        wait_until(is_done, f"{count} workers", 60)
