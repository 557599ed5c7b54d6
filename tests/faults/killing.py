"""Workers are killed: that costs what was inside them, then, and no more."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

import between
import inside
from counting import Counting, Tally

NOTICED = 0.3  # seconds until the last client knows that its worker is dead


@dataclass
class Kill:
    pid: int
    at: float  # time.monotonic(), which is the clock of complaints
    within: int  # connections of the counting client
    within_wrk: int = 0
    complaints: int = 0

    def explains(self, complaint: dict) -> bool:
        return 0 <= complaint["at"] - self.at < NOTICED and \
            complaint["worker"] in (0, self.pid) and \
            self.complaints < self.within


class Kills:
    """What each of them may cost the clients that count."""

    def __init__(self, port: int, load: Counting) -> None:
        self.port, self.load = port, load
        self.all: list[Kill] = []

    def kill(self, pid: int) -> None:
        inside.stop(pid)  # so that what it has can be counted
        within = between.connections(
            pid, self.port, *(one.pid for one in self.load.processes()))
        self.all.append(Kill(pid, time.monotonic(), *within))
        os.kill(pid, signal.SIGKILL)

    @property
    def within(self) -> int:
        return sum(kill.within for kill in self.all)

    def assert_account_for(
            self, tally: Tally, room: int = 0,
            made_room: Callable[[dict], bool] = lambda _: False) -> None:
        """Each complaint is about one of the connections inside a worker that
        was killed just before; who had been answered knows by whom.

        room       So many more were idle and have been closed to make room,
        made_room  which excuses a complaint.
        """
        complaints = tally["complaints"]
        assert len(complaints) == tally["complained"], "there were too many"
        # Where the worker is known the kill is: those first.
        for one in sorted(
                complaints, key=lambda c: (c["worker"] == 0, c["at"])):
            kill = next((k for k in self.all if k.explains(one)), None)
            assert kill or made_room(one), (one, self.all)
            if kill:
                kill.complaints += 1
        assert tally["lost_by_wrk"] <= \
            sum(kill.within_wrk for kill in self.all), self.all
        # Who asked nothing just then, and has got all it asked for.
        assert tally["complained"] + tally["closed"] <= self.within + room, \
            (room, tally)
        assert tally["wrong"] == tally["refused"] == 0, tally
