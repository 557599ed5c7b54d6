"""The scenarios: which servers, set up how, under which load."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from figures import (
    POLICIES,
    Figures,
    balance,
    idle_memory,
    instructions,
    system_calls,
)
from lab import FILE_NAME, Lab
from load import Load
from rounds import Contest, Entry, Pace, Progress
from servers import Setup, plain

STEPS = (16, 64, 512, 4096)
NODE_POLICIES = ("rr", "none")


@dataclasses.dataclass(frozen=True)
class Count:
    """A scenario that gives figures of its own in place of samples."""

    name: str
    title: str
    seconds: float
    function: Callable[[Lab, Progress], Figures]

    def planned_seconds(self, pace: Pace) -> float:
        """How long it will take, about, at any pace."""
        del pace
        return self.seconds

    def measure(
        self, lab: Lab, pace: Pace, progress: Progress
    ) -> dict[str, Any]:
        """Take the figures."""
        del pace
        figures = self.function(lab, progress)
        progress.say("done", self.seconds)
        return {"figures": figures}


Scenario = Contest | Count


def contest(
    name: str, title: str, load: Load, setups: list[Setup], more: int = 0
) -> Contest:
    """A contest in which all have the same load."""
    entries = tuple(Entry(setup, load) for setup in setups)
    return Contest(name, title, entries, more)


def keep_alive(connections: int) -> Contest:
    """Hello world; at 64 connections the slower servers run as well."""
    setups = plain("cohort", "nginx", "h2o", "haproxy", "lighttpd", "limit")
    if connections == 64:
        setups += plain("caddy", "node")
    return contest(
        f"keep-alive-{connections}",
        f"Keep-alive, {connections} connections",
        Load(connections),
        setups,
    )


def access_log() -> Contest:
    """Hello world with a line for each request in a file."""
    return contest(
        "access-log",
        "Access log to a file, keep-alive, 64 connections",
        Load(64),
        [
            Setup("cohort", "cohort"),
            Setup("cohort, log", "cohort", access_log="access.log combined"),
            Setup("nginx, log", "nginx", access_log="access.log combined"),
            Setup(
                "nginx, log buffer=64k",
                "nginx",
                access_log="access.log combined buffer=64k",
            ),
            *plain("limit"),
        ],
    )


def pipelining() -> Contest:
    """Hello world, sixteen requests at a time."""
    return contest(
        "pipelining",
        "Pipelining 16 deep, 64 connections",
        Load(64, pipeline=True),
        plain("cohort", "nginx", "h2o", "haproxy", "lighttpd", "limit"),
    )


def close() -> Contest:
    """Hello world with a connection for each request."""
    return contest(
        "close",
        "Connection: close, 64 clients",
        Load(64, close=True),
        [
            Setup("cohort", "cohort", policy="shared", deferred=True),
            *plain("nginx", "h2o", "haproxy", "lighttpd", "caddy", "node"),
            Setup("nginx, deferred", "nginx", deferred=True),
            Setup("limit", "limit", deferred=True, close=True),
        ],
    )


def small_file() -> Contest:
    """A file of 4 KiB."""
    return contest(
        "file-4k",
        "Static file of 4 KiB, keep-alive, 64 connections",
        Load(64, path=f"/files/{FILE_NAME}"),
        [
            *plain("cohort", "nginx", "h2o", "lighttpd", "caddy"),
            Setup("limit", "limit", file=True),
        ],
    )


def policies() -> Contest:
    """How connections reach two workers, and what that costs."""
    setups = [
        Setup(f"cohort {policy}", "cohort", workers=2, policy=policy)
        for policy in POLICIES
    ]
    setups += [
        Setup(
            f"cohort {policy}, deferred",
            "cohort",
            workers=2,
            policy=policy,
            deferred=True,
        )
        for policy in POLICIES
    ]
    setups += [
        Setup(f"node cluster {policy}", "node-cluster", 2, policy)
        for policy in NODE_POLICIES
    ]
    setups += [
        Setup("nginx", "nginx", workers=2),
        Setup("limit", "limit", workers=2, close=True),
        Setup("limit, deferred", "limit", 2, deferred=True, close=True),
    ]
    return contest(
        "policies",
        "Connection: close, 64 clients, two workers and their primary",
        Load(64, close=True),
        setups,
        more=2,
    )


def node_cluster(is_close: bool) -> Contest:
    """The same two workers, in Node and here."""
    return contest(
        "node-cluster-close" if is_close else "node-cluster",
        "Two workers, 64 clients, "
        + ("Connection: close" if is_close else "keep-alive"),
        Load(64, close=is_close),
        [
            Setup("cohort", "cohort", workers=2),
            Setup("node cluster", "node-cluster", workers=2),
            Setup("limit", "limit", workers=2, close=is_close),
        ],
    )


ALL: tuple[Scenario, ...] = (
    *(keep_alive(connections) for connections in STEPS),
    access_log(),
    pipelining(),
    close(),
    small_file(),
    Count("idle-memory", "10,000 idle connections", 20, idle_memory),
    Count("system-calls", "System calls per request", 20, system_calls),
    Count("instructions", "Instructions per request", 30, instructions),
    policies(),
    Count("balance", "Balance of long-lived connections", 55, balance),
    node_cluster(is_close=False),
    node_cluster(is_close=True),
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in ALL}
