"""Several servers side by side in one interleaved run, and the progress of it.

The machine's speed drifts from second to second, so servers are compared
within a round only: all of them run all the time, idle ones cost nothing, and
the load goes to each in turn, in one direction and then in the other.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from typing import Any

from lab import Lab
from load import Load, run_wrk
from processes import BenchError
from results import Sample
from servers import Server, Setup

# Seconds that one entry takes beyond what wrk is told.
SAMPLE_OVERHEAD = 0.2
START_OVERHEAD = 0.5
WARM_UP_SECONDS = 1


@dataclasses.dataclass(frozen=True)
class Pace:
    """How long to measure."""

    rounds: int = 7
    seconds: int = 2
    warm_up: bool = True


class Progress:
    """Says what runs now, how far it is, and how long the rest will take."""

    def __init__(self, planned_seconds: float) -> None:
        self.remaining = planned_seconds
        self.after_this = planned_seconds
        self.title = ""

    def begin(self, title: str, planned_seconds: float) -> None:
        """A scenario begins, however the one before it went."""
        self.title = title
        self.remaining = self.after_this
        self.after_this -= planned_seconds
        self.say("starting")

    def say(self, what: str, spent_seconds: float = 0.0) -> None:
        """A step of the plan has been made."""
        self.remaining = max(self.remaining - spent_seconds, 0.0)
        minutes = round(self.remaining / 60)
        left = f"about {minutes} min" if minutes else "less than a minute"
        clock = time.strftime("%H:%M:%S")
        print(f"{clock}  {self.title}: {what}; {left} left", flush=True)


@dataclasses.dataclass(frozen=True)
class Entry:
    """One server of a contest and the load on it."""

    setup: Setup
    load: Load = Load()


@dataclasses.dataclass(frozen=True)
class Contest:
    """A scenario in which servers are compared by wrk."""

    name: str
    title: str
    entries: tuple[Entry, ...]
    more_rounds: int = 0

    def rounds(self, pace: Pace) -> int:
        """How many rounds it takes."""
        return pace.rounds + (self.more_rounds if pace.warm_up else 0)

    def planned_seconds(self, pace: Pace) -> float:
        """How long it will take, about."""
        sample = pace.seconds + SAMPLE_OVERHEAD
        once = START_OVERHEAD + (WARM_UP_SECONDS if pace.warm_up else 0)
        return len(self.entries) * (self.rounds(pace) * sample + once)

    def measure(
        self, lab: Lab, pace: Pace, progress: Progress
    ) -> dict[str, Any]:
        """Run all rounds, and return each server's samples."""
        samples: dict[str, list[Sample]]
        share = self.planned_seconds(pace) / self.rounds(pace)
        with contextlib.ExitStack() as stack:
            running = start_all(stack, lab, self.entries)
            samples = {server.setup.name: [] for server, _ in running}
            if pace.warm_up:
                for server, load in running:
                    run_wrk(lab, load, server.url(load.path), WARM_UP_SECONDS)
            for number in range(self.rounds(pace)):
                for server, load in running[:: 1 if number % 2 == 0 else -1]:
                    sample = measure_once(lab, server, load, pace.seconds)
                    samples[server.setup.name].append(sample)
                done = f"round {number + 1} of {self.rounds(pace)}"
                progress.say(done, share)
        return {"samples": samples}


def start_all(
    stack: contextlib.ExitStack, lab: Lab, entries: tuple[Entry, ...]
) -> list[tuple[Server, Load]]:
    """Start those that are there; a peer that doesn't start is left out."""
    running = []
    for entry in entries:
        if lab.binary(entry.setup.kind) is None:
            continue
        try:
            server = stack.enter_context(Server(lab, entry.setup))
        except BenchError as error:
            if entry.setup.kind == "cohort":
                raise
            print(f"{entry.setup.name} is left out: {error}", flush=True)
            continue
        running.append((server, entry.load))
    return running


def measure_once(lab: Lab, server: Server, load: Load, seconds: int) -> Sample:
    """One run of wrk: its rate, and the server's CPU per request."""
    before = server.session.cpu_seconds()
    outcome = run_wrk(lab, load, server.url(load.path), seconds)
    after = server.session.cpu_seconds()
    used = {pid: after[pid] - before.get(pid, 0.0) for pid in after}
    return {
        "requests": outcome.requests,
        "rate": outcome.rate,
        "cpu_us": sum(used.values()) / max(outcome.requests, 1) * 1e6,
        "losses": outcome.losses,
        "spread": spread_of_workers(server, used),
    }


def spread_of_workers(server: Server, used: dict[int, float]) -> float:
    """The busiest worker's CPU over the mean of all workers'.

    The primary leads the session, and who else is there does nothing; the
    limit has none.
    """
    has_primary = server.setup.kind != "limit"
    leader = server.session.leader.pid if has_primary else -1
    others = [cpu for pid, cpu in used.items() if pid != leader]
    workers = sorted(others, reverse=True)[: server.setup.workers]
    mean = sum(workers) / server.setup.workers
    return workers[0] / mean if mean else 1.0
