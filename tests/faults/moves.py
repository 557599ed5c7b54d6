"""What changes a server while it serves: binaries, generations, and both taken
back. None of it may cost anything."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import processes
from conftest import wait_until
from counting import POLICIES
from deeds import Deeds
from upgrading import Upgrading

HANDED_OVER = POLICIES[:2]  # where there can be a trial


class Moves(Deeds):
    """Of a server whose binary can be replaced.

    write  Also takes more directives.
    """

    server: Upgrading

    def __init__(self, server: Upgrading, write: Callable[..., None],
                 workers: int, seed: int) -> None:
        super().__init__(server, write, workers, seed)
        self.actions = [
            self.upgrade, self.upgrade_in_two_steps, self.take_back,
            self.upgrade_to_nothing, self.try_generation, self.pause,
            self.scale]

    def settle(self) -> None:
        """By a primary that has done nothing yet: what grows in it has come
        with what it was handed."""
        self.upgrade()
        super().settle()

    def workers(self) -> list[int]:
        return processes.children(self.server.primary, "worker")

    def _choose(self, policies: list[str], more: str = "") -> None:
        self.policy = self.random.choice(policies)
        self.write(self.policy, more)

    # -- what is done ------------------------------------------------------------

    def upgrade(self) -> None:
        """The new one may take connections by another policy."""
        self._choose(POLICIES)
        old = self.server.primary
        done = self.server.ctl("upgrade")
        assert done.returncode == 0, done.stderr
        self.server.wait_primary(old)
        self.server.wait_gone(old)

    def upgrade_in_two_steps(self) -> None:
        self._choose(POLICIES)
        old = self.server.primary
        self.server.begin()
        os.kill(old, signal.SIGWINCH)
        os.kill(old, signal.SIGQUIT)
        self.server.wait_gone(old)

    def take_back(self) -> None:
        """What the old one has is what the file says again, for a template
        that has to be renewed."""
        old = self.server.primary
        new = self.server.begin()
        os.kill(new, self.random.choice([signal.SIGTERM, signal.SIGQUIT]))
        self.server.wait_gone(new)
        wait_until(lambda: self.server.primary == old, "the old pid file")
        wait_until(lambda: self.server.asked() == old, "the old one's answer")

    def upgrade_to_nothing(self) -> None:
        self.server.install("#!/bin/sh\nexit 3\n")
        assert self.server.ctl("upgrade").returncode == 1
        self.server.install()

    def try_generation(self) -> None:
        self._choose(HANDED_OVER, "reload_canary 10% 300ms;")
        self.reload_well()

    def pause(self) -> None:
        """Meanwhile everybody waits."""
        os.kill(self.server.primary, signal.SIGWINCH)
        wait_until(lambda: not self.workers(), "the workers to leave")
        self.reload_well()

    def scale(self) -> None:
        self.scale_to(self.random.randint(1, 2 * self.count))
