"""What harms a server."""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import time
from collections.abc import Callable

import admin
import inside
import processes
import wire
from conftest import Server, wait_until
from counting import POLICIES, Tally
from deeds import Deeds
from killing import NOTICED, Kills


class Chaos(Deeds):
    """Its kills know what they may have cost; beside them only want of
    descriptors costs something: idle connections, which make room."""

    def __init__(self, server: Server, write: Callable[[str], None],
                 workers: int, seed: int) -> None:
        super().__init__(server, write, workers, seed)
        self.kills: Kills | None = None  # from when somebody counts
        self.starved: list[tuple[float, float]] = []  # time.monotonic()
        self.slow: list[socket.socket] = []
        self.actions = [
            self.reload, self.change_policy, self.reload_broken,
            self.hang_up_often, self.scale, self.replace, self.rotate,
            self.kill_worker, self.stop_worker, self.kill_template,
            self.kill_helper, self.ask, self.slow_clients, self.starve]

    def settle(self) -> None:
        self._drop_slow()
        super().settle()

    def _grown(self, find: Callable[[], list[int]]) -> int:
        """One who has lived for more than a second: it is replaced at once."""
        return wait_until(
            lambda: next((p for p in find() if processes.age(p) > 1.5), None),
            "a process of some age")

    def _kill(self, find: Callable[[], list[int]]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._grown(find), signal.SIGKILL)

    def _serving(self) -> list[int]:
        """Those who have clients: old ones may have none but slow ones."""
        known = (self.get("/v1/workers") or {}).get("workers", [])
        return [one["pid"] for one in known if one["state"] == "serving"]

    def _helpers(self) -> list[int]:
        return processes.children(self.server.pid, "cohort: admin")

    # -- what is done ------------------------------------------------------------

    def reload(self) -> None:
        self.post("/v1/reload")

    def change_policy(self) -> None:
        """The file is always that of what runs: a template that dies could not
        be started again from another one."""
        self.policy = self.random.choice(POLICIES)
        self.write(self.policy)
        self.reload_well()

    def reload_broken(self) -> None:
        self.server.write("server { listen 127.0.0.1:PORT; lokation / { } }")
        try:
            assert self.post("/v1/reload") in (0, 422)
        finally:
            self.write(self.policy)

    def hang_up_often(self) -> None:
        for _ in range(5):
            self.server.signal(signal.SIGHUP)

    def scale(self) -> None:
        self.scale_to(self.random.randint(1, 2 * self.count))

    def replace(self) -> None:
        for worker in (self.get("/v1/workers") or {}).get("workers", [])[:1]:
            self.post(f"/v1/workers/{worker['id']}/replace")

    def rotate(self) -> None:
        for log in list(self.server.folder.glob("access.log*")):
            log.rename(log.with_name("rotated"))
        self.server.signal(signal.SIGUSR1)

    def kill_worker(self) -> None:
        assert self.kills
        victim = self._grown(self._serving)
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            self.kills.kill(victim)

    def stop_worker(self) -> None:
        for victim in self.server.workers()[:1]:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                with inside.stopped(victim):
                    self.ask()

    def kill_template(self) -> None:
        """It reads the file again: that must be there for so long."""
        self._kill(self.server.templates)
        self.reload_well()

    def kill_helper(self) -> None:
        self._kill(self._helpers)

    def ask(self) -> None:
        for path in ("/v1/status", "/v1/workers", "/v1/config"):
            with contextlib.suppress(OSError, wire.Closed):
                admin.ask(self.server, "GET", path)

    def slow_clients(self) -> None:
        self._drop_slow()
        for _ in range(100):
            one = socket.create_connection(("127.0.0.1", self.server.port), 20)
            one.sendall(b"GET / HTTP/1.1\r\n")
            self.slow.append(one)

    def starve(self) -> None:
        """Nobody gets a descriptor while a reload is tried."""
        files = resource.RLIMIT_NOFILE
        began = time.monotonic()
        with contextlib.ExitStack() as relief:
            for pid in [self.server.pid, *self.server.workers()]:
                with contextlib.suppress(ProcessLookupError):
                    old = resource.prlimit(pid, files)
                    resource.prlimit(pid, files, (3, old[1]))
                    relief.enter_context(
                        contextlib.suppress(ProcessLookupError))
                    relief.callback(resource.prlimit, pid, files, old)
            self.post("/v1/reload")
        self.starved.append((began, time.monotonic()))

    # -- what it cost ------------------------------------------------------------

    def assert_accounts_for(self, tally: Tally) -> None:
        assert self.kills
        metrics = admin.ask(self.server, "GET", "/metrics").body.decode()
        room = re.search(r"^cohort_idle_connections_closed_total (\d+)$",
                         metrics, re.MULTILINE)
        assert room, metrics
        self.kills.assert_account_for(tally, int(room[1]), self._made_room)

    def _made_room(self, complaint: dict) -> bool:
        """It had been answered, and asked again just when it was closed."""
        return complaint["worker"] != 0 and complaint["received"] == 0 and \
            any(began <= complaint["at"] <= ended + NOTICED
                for began, ended in self.starved)

    def _drop_slow(self) -> None:
        for one in self.slow:
            one.close()
        self.slow = []
