"""What is demanded: every row of the benchmark, and when it holds.

Ratios are cohort's figure over the other's. Where wrk, not the server, sets
the pace, requests per second say little, so CPU per request is demanded too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from figures import HANDED_OVER, POLICIES
from results import Failed, Missing, Results, Value
from scenarios import NODE_POLICIES, STEPS

# How far beside its figure a median may be: what single runs wobble by.
TOLERANCE = {"cpu_us": 0.03, "rate": 0.05}
UNITS = {"cpu_us": "cpu", "rate": "req/s"}
NEARLY_ZERO = 0.01  # counts per request that come from time, not requests

ROWS = {
    "P1": "keep-alive hello world beside the peers",
    "P2": "keep-alive hello world beside the raw limit",
    "P3": "access log to a file",
    "P4": "pipelining, 16 deep",
    "P5": "Connection: close, with deferred accept",
    "P8": "static file of 4 KiB",
    "P9": "memory of 10,000 idle connections",
    "P10": "growth of CPU per request from 16 to 4096 connections",
    "P11": "system calls per keep-alive request",
    "P12": "user instructions per request",
    "P13": "allocations per keep-alive request",
    "P14": "price of the accept modes, Connection: close",
    "P15": "balance of 100 long-lived connections",
    "P16": "beside Node's cluster",
}


@dataclasses.dataclass(frozen=True)
class Demand:
    """One bar of a row: a value, and the most or the least it may be."""

    row: str
    text: str
    scenarios: tuple[str, ...]
    evaluate: Callable[[Results, int], Value]
    most: float | None = None
    least: float | None = None
    tolerance: float = 0.0
    # The same of the raw limit, where that runs in the scenario.
    evaluate_limit: Callable[[Results, int], Value] | None = None

    def holds(self, value: Value) -> bool:
        """Whether a value meets the demand."""
        if self.most is not None:
            return value.middle <= self.most * (1 + self.tolerance)
        assert self.least is not None
        return value.middle >= self.least * (1 - self.tolerance)

    def bar(self) -> str:
        """The demand as text."""
        if self.most is not None:
            return f"<= {self.most:g}"
        return f">= {self.least:g}"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What came of a demand: `holds` is None if it could not be measured."""

    demand: Demand
    holds: bool | None
    value: Value | None
    attempt: int = 0
    reason: str = ""

    def limit(self, results: Results) -> Value | None:
        """What the raw limit reaches in our place; None where unknown."""
        if self.value is None or self.demand.evaluate_limit is None:
            return None
        try:
            return self.demand.evaluate_limit(results, self.attempt)
        except (Missing, Failed):
            return None


def judge(demand: Demand, results: Results) -> Verdict:
    """Judge by the first attempt that meets the demand, else by the last."""
    count = max(results.attempts(name) for name in demand.scenarios)
    verdict = Verdict(demand, None, None)
    for number in range(max(count, 1)):
        verdict = judge_attempt(demand, results, number)
        if verdict.holds is not False:
            break
    return verdict


def judge_attempt(demand: Demand, results: Results, number: int) -> Verdict:
    """Judge by one attempt."""
    try:
        value = demand.evaluate(results, number)
    except Missing as missing:
        return Verdict(demand, None, None, number, str(missing))
    except Failed as failed:
        return Verdict(demand, False, None, number, str(failed))
    return Verdict(demand, demand.holds(value), value, number)


def ratio(
    row: str,
    scenario: str,
    theirs: str,
    most: float | None = None,
    least: float | None = None,
    ours: str = "cohort",
) -> Demand:
    """CPU per request at most, or requests per second at least, of theirs."""
    metric = "cpu_us" if most is not None else "rate"

    limit = "limit, deferred" if ours.endswith(", deferred") else "limit"

    def evaluate(results: Results, number: int) -> Value:
        return results.ratio(scenario, metric, ours, theirs, number)

    def evaluate_limit(results: Results, number: int) -> Value:
        return results.ratio(scenario, metric, limit, theirs, number)

    return Demand(
        row,
        f"{scenario}: {UNITS[metric]} of {ours} / {theirs}",
        (scenario,),
        evaluate,
        most,
        least,
        TOLERANCE[metric],
        # Beside ourselves, a lower price than the limit's means nothing.
        evaluate_limit if not theirs.startswith(("cohort", "limit")) else None,
    )


def no_losses(row: str, scenario: str, server: str = "cohort") -> Demand:
    """No socket error and no bad answer from us."""

    def evaluate(results: Results, number: int) -> Value:
        return results.losses(scenario, server, number)

    text = f"{scenario}: errors of {server}"
    return Demand(row, text, (scenario,), evaluate, most=0)


def figure(
    row: str, scenario: str, name: str, most: float, what: str = ""
) -> Demand:
    """A figure that a scenario gives, at most."""

    def evaluate(results: Results, number: int) -> Value:
        return results.figure(scenario, name, number)

    text = f"{scenario}: {what or name}"
    return Demand(row, text, (scenario,), evaluate, most)


def keep_alive_rows() -> list[Demand]:
    """P1, P2: the peers, and the limit."""
    bars = {16: 0.92, 64: 0.90, 512: 0.80, 4096: 0.85}
    others = {"h2o": 0.95, "lighttpd": 0.95, "haproxy": 0.85}
    demands = []
    for step in STEPS:
        name = f"keep-alive-{step}"
        for theirs, most in ({"nginx": bars[step]} | others).items():
            demands.append(ratio("P1", name, theirs, most=most))
            demands.append(ratio("P1", name, theirs, least=1.0))
        demands.append(no_losses("P1", name))
    for step in STEPS:
        most = 1.15 if step == 4096 else 1.10
        demands.append(ratio("P2", f"keep-alive-{step}", "limit", most=most))
    return demands


def other_load_rows() -> list[Demand]:
    """P3, P4, P5, P8."""
    logging = "cohort, log"
    demands = [
        ratio("P3", "access-log", "cohort", most=1.08, ours=logging),
        ratio("P3", "access-log", "nginx, log", most=0.75, ours=logging),
        ratio("P3", "access-log", "nginx, log buffer=64k", 0.90, ours=logging),
        no_losses("P3", "access-log", logging),
        ratio("P4", "pipelining", "nginx", most=0.15),
        ratio("P4", "pipelining", "nginx", least=5.0),
        figure("P4", "system-calls", "pipelining", 0.2),
        no_losses("P4", "pipelining"),
        ratio("P5", "close", "nginx", most=0.85),
        *(
            ratio("P5", "close", theirs, most=0.95)
            for theirs in ("h2o", "haproxy", "lighttpd", "caddy", "node")
        ),
        ratio("P5", "close", "limit", most=1.10),
        ratio("P5", "close", "nginx", least=1.0),
        no_losses("P5", "close"),
        ratio("P8", "file-4k", "nginx", most=0.70),
        *(
            ratio("P8", "file-4k", theirs, most=0.95)
            for theirs in ("h2o", "lighttpd", "caddy")
        ),
        ratio("P8", "file-4k", "limit", most=1.15),
        no_losses("P8", "file-4k"),
    ]
    return demands


def growth() -> Demand:
    """P10: our growth over the limit's, each step a ratio of one run."""
    ends = (f"keep-alive-{STEPS[0]}", f"keep-alive-{STEPS[-1]}")

    def evaluate(results: Results, number: int) -> Value:
        few, many = (
            results.ratio(name, "cpu_us", "cohort", "limit", number)
            for name in ends
        )
        return Value(
            many.middle / few.middle, many.low / few.high, many.high / few.low
        )

    text = "cpu at 4096 over cpu at 16, over the same of the limit"
    return Demand("P10", text, ends, evaluate, 1.1, None, TOLERANCE["cpu_us"])


def counted_rows() -> list[Demand]:
    """P9, P11, P12, P13: exact figures."""
    memory, calls, callgrind = "idle-memory", "system-calls", "instructions"
    return [
        figure("P9", memory, "cohort KiB each", 0.45),
        figure("P9", memory, "KiB each / nginx", 0.9),
        figure("P9", memory, "MiB in all / nginx", 0.6),
        growth(),
        figure("P11", calls, "16 connections", 2.15),
        figure("P11", calls, "512 connections", 2.05),
        figure("P11", calls, "needless", NEARLY_ZERO, "epoll_ctl, ioctl, ..."),
        figure("P12", callgrind, "cohort", 2200, "short head"),
        figure("P12", callgrind, "cohort / nginx", 0.25),
        figure("P12", callgrind, "cohort, browser's head", 4500),
        figure("P12", callgrind, "log adds", 300),
        figure("P13", callgrind, "cohort: allocations", 0, "allocations"),
    ]


def policy_rows() -> list[Demand]:
    """P14: what each way to hand out connections costs."""

    def price(ours: str, theirs: str, most: float) -> Demand:
        return ratio("P14", "policies", theirs, most, ours=f"cohort {ours}")

    plain, deferred = "cohort reuseport", "cohort reuseport, deferred"
    robin, none = (f"node cluster {policy}" for policy in NODE_POLICIES)
    demands = [
        price("shared", plain, 1.10),
        price("reuseport, deferred", plain, 0.90),
    ]
    for policy in HANDED_OVER:
        demands += [
            price(policy, plain, 1.40),
            price(f"{policy}, deferred", deferred, 1.25),
            price(f"{policy}, deferred", plain, 1.0),
            price(policy, robin, 0.10),
            price(policy, none, 0.35),
        ]
    return [
        *demands,
        *(
            no_losses("P14", "policies", f"cohort {policy}")
            for policy in POLICIES
        ),
    ]


def balance_rows() -> list[Demand]:
    """P15: how evenly connections are spread."""
    demands = []
    for policy in POLICIES:
        for workers in (2, 4):
            for label in ("gap", "burst"):
                name = f"{policy}, {workers} workers, {label}"
                if policy == "reuseport":
                    most, what = 1.5, "max / mean"
                else:
                    most, what = 1 if label == "gap" else 3, "max - min"
                demands.append(
                    figure("P15", "balance", name, most, f"{name}: {what}")
                )
    return demands


def node_rows() -> list[Demand]:
    """P16: the same program in Node."""
    return [
        ratio("P16", "node-cluster", "node cluster", least=2.5),
        ratio("P16", "node-cluster", "node cluster", most=0.35),
        no_losses("P16", "node-cluster"),
        ratio("P16", "node-cluster-close", "node cluster", most=0.15),
        no_losses("P16", "node-cluster-close"),
    ]


DEMANDS: list[Demand] = sorted(
    keep_alive_rows()
    + other_load_rows()
    + counted_rows()
    + policy_rows()
    + balance_rows()
    + node_rows(),
    key=lambda demand: int(demand.row[1:]),
)
