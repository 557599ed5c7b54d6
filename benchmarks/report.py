"""Results for people: tables in the terminal, and the report in Markdown."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

from demands import ROWS, Verdict
from load import PIPELINE_DEPTH
from results import Failed, Missing, Results, Value
from scenarios import SCENARIOS

Table = list[list[str]]

# What the others are compared with, where that isn't nginx.
BASES = {
    "access-log": "cohort",
    "policies": "cohort reuseport",
    "node-cluster": "node cluster",
    "node-cluster-close": "node cluster",
}

SPREADS = ("policies", "node-cluster", "node-cluster-close")

INTRODUCTION = """\
# Benchmark

Written by `make bench-report` from the last full run of `make bench`.

All servers of a table run side by side, and the load goes to each in turn, in
rounds of alternating direction. The servers have one core and the load has
the other; everything runs on loopback. Ratios are medians of the rounds'
ratios, with the least and the greatest beside them. Below about 4 us of server
CPU per request the load generator itself is what limits requests per second,
so **CPU per request is the figure to read**. *limit* is `limit.c`: raw epoll,
one recv, one send, no parsing.

![CPU per request over nginx's](chart.svg)
"""

OUTRODUCTION = f"""\
## Read with care

- A row holds if its median is within 3 % (CPU) or 5 % (requests per second)
  of the figure. What is marked `2nd` had missed, and was measured once more.
- *the limit* is what `limit.c` reaches in cohort's place. A figure that it
  misses, too, is out of reach on that machine for any server that receives,
  parses and sends each request by itself.
- h2o and lighttpd have no answer of their own in memory; their hello world is
  a small file. Pipelining is {PIPELINE_DEPTH} deep.
- With `Connection: close` cohort and the limit use deferred accept, which is
  off by default in cohort as in nginx; *nginx, deferred* shows what it gives
  nginx.
- The access log is each server's `combined`. cohort buffers it by default.
- node is one process; its cluster is `node/server.js`, two workers.
- Ratios from another machine may differ; compare within a table only.
"""


def describe_machine() -> str:
    """Processor, cores, kernel."""
    text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    model = found.group(1) if found else platform.machine()
    kind = "virtual machine, " if "hypervisor" in text else ""
    kernel = f"Linux {platform.release()}"
    return f"{kind}{model}, {os.cpu_count()} cores, {kernel}"


def number(value: float) -> str:
    """A figure with as many digits as it deserves."""
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 10 else f"{value:.3f}"


def with_spread(value: Value) -> str:
    """A median and its range."""
    if value.low == value.high:
        return number(value.middle)
    low, high = number(value.low), number(value.high)
    return f"{number(value.middle)} ({low}..{high})"


def contest_table(results: Results, name: str, attempt: int) -> Table:
    """Every server of a contest beside the base."""
    samples = results.attempt(name, attempt)["samples"]
    base = BASES.get(name, "nginx")
    if base not in samples:
        base = next(iter(samples))
    heading = ["server", "req/s", "CPU us per request"]
    heading += [f"CPU / {base}", f"req/s / {base}", "errors"]
    if name in SPREADS:
        heading.append("busiest worker / mean")
    table = [heading]
    for server in samples:
        rate = results.middle(name, "rate", server, attempt)
        cpu = results.middle(name, "cpu_us", server, attempt)
        cpu_ratio = results.ratio(name, "cpu_us", server, base, attempt)
        rate_ratio = results.ratio(name, "rate", server, base, attempt)
        losses = results.losses(name, server, attempt)
        row = [
            server,
            number(rate.middle),
            number(cpu.middle),
            with_spread(cpu_ratio),
            number(rate_ratio.middle),
            f"{losses.middle:.0f}",
        ]
        if name in SPREADS:
            spread = results.middle(name, "spread", server, attempt)
            row.append(number(spread.middle))
        table.append(row)
    return table


def figures_table(results: Results, name: str, attempt: int) -> Table:
    """The figures of a scenario that counts."""
    figures = results.attempt(name, attempt)["figures"]
    rows = [[text, number(value)] for text, value in figures.items()]
    return [["figure", "value"], *rows]


def scenario_table(results: Results, name: str) -> Table:
    """What the last attempt at a scenario gave."""
    last = results.attempts(name) - 1
    if "figures" in results.attempt(name, last):
        return figures_table(results, name, last)
    return contest_table(results, name, last)


def verdict_table(results: Results, verdicts: list[Verdict]) -> Table:
    """Every demand, what was measured, and whether it holds."""
    table = [["row", "what", "demand", "measured", "verdict", "the limit"]]
    for found in verdicts:
        measured = with_spread(found.value) if found.value else found.reason
        again = ", 2nd" if found.attempt > 0 else ""
        limit = found.limit(results)
        table.append(
            [
                found.demand.row,
                found.demand.text,
                found.demand.bar(),
                measured,
                verdict_word(found) + again,
                number(limit.middle) if limit else "",
            ]
        )
    return table


def verdict_word(verdict: Verdict) -> str:
    """holds, missed or skipped."""
    if verdict.holds is None:
        return "skipped"
    return "holds" if verdict.holds else "MISSED"


def row_table(verdicts: list[Verdict]) -> Table:
    """One line per row."""
    table = [["row", "what", "verdict"]]
    for row, text in ROWS.items():
        mine = [found for found in verdicts if found.demand.row == row]
        missed = sum(found.holds is False for found in mine)
        skipped = sum(found.holds is None for found in mine)
        if not mine:
            continue
        word = f"MISSED, {missed} of {len(mine)}" if missed else "holds"
        if skipped == len(mine):
            word = "skipped"
        elif skipped:
            word += f", {skipped} skipped"
        table.append([row, text, word])
    return table


def as_text(table: Table) -> str:
    """Columns for the terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths))
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def as_markdown(table: Table) -> str:
    """A table of Markdown."""
    heading, *rows = table
    rule = ["---"] * len(heading)
    lines = ("| " + " | ".join(row) + " |" for row in (heading, rule, *rows))
    return "\n".join(lines)


def scenario_text(results: Results, name: str) -> str:
    """A scenario's table for the terminal; nothing if it failed."""
    try:
        return f"\n{as_text(scenario_table(results, name))}\n"
    except (Missing, Failed):
        return ""


def verdicts_text(results: Results, verdicts: list[Verdict]) -> str:
    """All demands and then all rows, for the terminal."""
    demands = as_text(verdict_table(results, verdicts))
    return f"\n{demands}\n\n{as_text(row_table(verdicts))}\n"


def provenance(results: Results) -> str:
    """When, where and with what the measurements were made."""
    latest = [data["attempts"][-1] for data in results.scenarios.values()]
    versions: dict[str, set[str]] = {}
    for attempt in latest:
        for name, text in attempt["versions"].items():
            versions.setdefault(name, set()).add(text)
    listed = (f"{name} {', '.join(v)}" for name, v in versions.items())
    dates = sorted({attempt["when"][:10] for attempt in latest})
    lines = [
        f"- Measured {' to '.join(dict.fromkeys((dates[0], dates[-1])))}.",
        f"- Machine: {'; '.join({a['machine'] for a in latest})}.",
        f"- Versions: {'; '.join(listed)}.",
    ]
    binaries = {attempt["binary"] for attempt in latest}
    if len(binaries) > 1:
        lines.append(
            f"- The tables come from {len(binaries)} builds of cohort: what "
            "a change touched was measured anew."
        )
    return "\n".join(lines)


def write(results: Results, verdicts: list[Verdict], path: Path) -> None:
    """Write the whole report."""
    parts = [
        INTRODUCTION,
        provenance(results),
        "\n## Rows\n",
        as_markdown(row_table(verdicts)),
        "\n## Demands\n",
        as_markdown(verdict_table(results, verdicts)),
    ]
    for name, scenario in SCENARIOS.items():
        parts.append(f"\n## {scenario.title}\n")
        parts.append(as_markdown(scenario_table(results, name)))
    parts.append("\n" + OUTRODUCTION)
    path.write_text("\n".join(parts), "utf-8")
