"""What was measured: one JSON file per scenario, read back as ratios."""

from __future__ import annotations

import dataclasses
import json
import statistics
from pathlib import Path
from typing import Any


Sample = dict[str, float]  # of one server in one round, by metric


class Missing(Exception):
    """A value cannot be had: not measured, or a peer was not there."""


class Failed(Exception):
    """A value cannot be had because the measurement went wrong."""


@dataclasses.dataclass(frozen=True)
class Value:
    """A figure with its spread; of a single measurement all are the same."""

    middle: float
    low: float
    high: float


def spread(values: list[float]) -> Value:
    """The median of some values, and how far they go."""
    return Value(statistics.median(values), min(values), max(values))


@dataclasses.dataclass
class Results:
    """The measurements in a directory; a scenario may have several attempts.

    attempt numbers count from 0; one that a scenario does not have means its
    last one, since only what missed its demand is measured again.
    """

    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.scenarios: dict[str, dict[str, Any]] = {}
        for path in self.directory.glob("*.json"):
            self.scenarios[path.stem] = json.loads(path.read_text("utf-8"))

    def add(
        self, name: str, title: str, attempt: dict[str, Any], again: bool
    ) -> None:
        """Keep a measurement; one that isn't made again replaces the old."""
        kept = self.scenarios.get(name) if again else None
        attempts = (kept["attempts"] if kept else []) + [attempt]
        data = {"name": name, "title": title, "attempts": attempts}
        self.scenarios[name] = data
        path = self.directory / f"{name}.json"
        path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")

    def attempts(self, name: str) -> int:
        """How often a scenario was measured."""
        data = self.scenarios.get(name)
        return len(data["attempts"]) if data else 0

    def attempt(self, name: str, number: int) -> dict[str, Any]:
        """One measurement of a scenario."""
        if name not in self.scenarios:
            raise Missing(f"{name} was not measured")
        attempts = self.scenarios[name]["attempts"]
        found: dict[str, Any] = attempts[min(number, len(attempts) - 1)]
        if "error" in found:
            raise Failed(found["error"].splitlines()[0])
        return found

    def samples(self, name: str, server: str, number: int) -> list[Sample]:
        """A server's samples, one per round."""
        found: list[Sample] = self.attempt(name, number)["samples"].get(server)
        if not found:
            raise Missing(f"{server} is not there")
        return found

    def ratio(
        self, name: str, metric: str, ours: str, theirs: str, number: int
    ) -> Value:
        """Ours over theirs, round by round."""
        pairs = zip(
            self.samples(name, ours, number),
            self.samples(name, theirs, number),
            strict=True,
        )
        ratios = [a[metric] / b[metric] for a, b in pairs if b[metric]]
        if not ratios:
            raise Failed(f"{theirs} served nothing")
        return spread(ratios)

    def middle(
        self, name: str, metric: str, server: str, number: int
    ) -> Value:
        """A server's own figure, which drifts with the machine."""
        return spread([s[metric] for s in self.samples(name, server, number)])

    def losses(self, name: str, server: str, number: int) -> Value:
        """Everything that went wrong for a server's clients."""
        total = sum(s["losses"] for s in self.samples(name, server, number))
        return spread([total])

    def figure(self, name: str, figure: str, number: int) -> Value:
        """A figure of a scenario that gives figures."""
        figures = self.attempt(name, number)["figures"]
        if figure not in figures:
            raise Missing(f"{figure} was not measured")
        return spread([figures[figure]])
