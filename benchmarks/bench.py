#!/usr/bin/env python3
"""cohort's benchmark: measure it beside its peers, and judge the result.

All servers of a scenario run side by side in one interleaved run, servers on
one core and the load on another. Needs wrk, h2load, strace, valgrind and
gnuplot; `./configure --install-deps=bench` gets them and the peers.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import chart
import clients
import report
from demands import DEMANDS, ROWS, Demand, Verdict, judge
from figures import IDLE_CONNECTIONS
from lab import BINARIES, Lab, version
from processes import BenchError
from results import Results
from rounds import Pace, Progress
from scenarios import SCENARIOS

TOOLS = ("taskset", "wrk", "h2load", "strace", "valgrind", "gnuplot")
GET_THEM = "./configure --install-deps=bench gets what is missing"
DESCRIPTORS_NEEDED = IDLE_CONNECTIONS + 1000
FULL = Pace(rounds=7, seconds=2)
QUICK = Pace(rounds=2, seconds=1, warm_up=False)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    rows = "\n".join(f"  {row:<5}{text}" for row, text in ROWS.items())
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"rows:\n{rows}\n\nexit status: 0 if every row holds, "
        "1 if one was missed, 2 if measuring was not possible",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--build", type=Path, default=Path("build"), metavar="DIR")
    add("--cohort", type=Path, help="measure this binary, not DIR/cohort")
    add("--rows", default="all", help="rows to measure, such as P1,P4")
    add("--rounds", type=int, default=0, help="rounds per scenario (7)")
    add("--seconds", type=int, default=0, help="seconds of one wrk run (2)")
    add("--quick", action="store_true", help="3 minutes, and less to trust")
    add("--no-retry", action="store_true", help="take the first result")
    add("--server-core", type=int, default=0, help="the servers' core (0)")
    add("--load-core", type=int, default=1, help="the clients' core (1)")
    add(
        "--report",
        action="store_true",
        help="measure nothing; write benchmarks/report.md and chart.svg "
        "from the last measurements at full length",
    )
    return parser.parse_args()


def chosen_demands(text: str) -> list[Demand]:
    """The demands of the rows that were asked for."""
    if text == "all":
        return DEMANDS
    rows = text.upper().split(",")
    for row in rows:
        if row not in ROWS:
            raise BenchError(f"there is no row {row}; -h lists them")
    return [demand for demand in DEMANDS if demand.row in rows]


def choose_pace(arguments: argparse.Namespace) -> Pace:
    """How long to measure."""
    pace = QUICK if arguments.quick else FULL
    return Pace(
        arguments.rounds or pace.rounds,
        arguments.seconds or pace.seconds,
        pace.warm_up,
    )


def is_full(pace: Pace) -> bool:
    """Whether results are good enough to be reported."""
    return pace.rounds >= FULL.rounds and pace.seconds >= FULL.seconds


def check_machine(lab: Lab) -> None:
    """Refuse to begin what cannot be ended."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise BenchError(f"{', '.join(missing)} not found; {GET_THEM}")
    if not lab.cohort.exists():
        raise BenchError(f"{lab.cohort} is not there; run make first")
    cores = os.sched_getaffinity(0)
    if not {lab.server_cpu, lab.load_cpu} <= cores:
        raise BenchError(
            f"cores {lab.server_cpu} and {lab.load_cpu} are needed, one for "
            f"the servers and one for the load; here are {sorted(cores)}"
        )
    descriptors = clients.raise_descriptor_limit()
    if descriptors < DESCRIPTORS_NEEDED:
        raise BenchError(
            f"a process may have {descriptors} descriptors here (ulimit -Hn), "
            f"and {DESCRIPTORS_NEEDED} are needed"
        )
    if os.geteuid() != 0:
        print(
            "not root: the kernel hides memory and descriptors of workers, so "
            "P9 and P15 fail"
        )
    absent = [kind for kind in BINARIES if lab.binary(kind) is None]
    if absent:
        print(f"left out: {', '.join(absent)}; {GET_THEM}")


def describe(lab: Lab, pace: Pace) -> dict[str, Any]:
    """What a measurement says about itself."""
    digest = hashlib.sha256(lab.cohort.read_bytes()).hexdigest()
    kinds = ["cohort", *BINARIES, "limit"]
    versions = {kind: version(lab, kind) for kind in kinds}
    return {
        "when": time.strftime("%Y-%m-%d %H:%M"),
        "binary": digest[:12],
        "rounds": pace.rounds,
        "seconds": pace.seconds,
        "machine": report.describe_machine(),
        "versions": {name: text for name, text in versions.items() if text},
    }


def scenarios_of(demands: list[Demand]) -> list[str]:
    """The scenarios some demands need, in their own order."""
    needed = {name for demand in demands for name in demand.scenarios}
    return [name for name in SCENARIOS if name in needed]


def measure(
    names: list[str], lab: Lab, pace: Pace, results: Results, again: bool
) -> None:
    """Run scenarios one after the other, and keep what they give."""
    plan = sum(SCENARIOS[name].planned_seconds(pace) for name in names)
    progress = Progress(plan)
    about = describe(lab, pace)
    for name in names:
        scenario = SCENARIOS[name]
        progress.begin(scenario.title, scenario.planned_seconds(pace))
        try:
            found = scenario.measure(lab, pace, progress)
        except (BenchError, OSError) as error:
            print(f"{scenario.title} failed: {error}", flush=True)
            found = {"error": str(error)}
        results.add(name, scenario.title, {**about, **found}, again)
        print(report.scenario_text(results, name), flush=True)


def measure_and_judge(
    demands: list[Demand],
    lab: Lab,
    pace: Pace,
    results: Results,
    retry: bool,
) -> list[Verdict]:
    """Measure, and measure once more what missed: single runs wobble."""
    measure(scenarios_of(demands), lab, pace, results, again=False)
    verdicts = [judge(demand, results) for demand in demands]
    missed = [found.demand for found in verdicts if found.holds is False]
    if not missed or not retry:
        return verdicts
    names = scenarios_of(missed)
    print(f"\nmissed {len(missed)}; measured once more: {', '.join(names)}")
    measure(names, lab, pace, results, again=True)
    return [judge(demand, results) for demand in demands]


def write_report(lab: Lab, results: Results) -> None:
    """Refresh the report that lies beside this file."""
    missing = [name for name in SCENARIOS if not results.attempts(name)]
    if missing:
        raise BenchError(
            f"no full measurement of {', '.join(missing)}; run make bench"
        )
    here = Path(__file__).resolve().parent
    verdicts = [judge(demand, results) for demand in DEMANDS]
    chart.write(results, here / "chart.svg", lab.work)
    report.write(results, verdicts, here / "report.md")
    print(f"wrote {here / 'report.md'} and {here / 'chart.svg'}")


def run(arguments: argparse.Namespace) -> int:
    """Do what the command line says; return the exit status."""
    build = arguments.build.resolve()
    cohort = (arguments.cohort or build / "cohort").resolve()
    lab = Lab(build, cohort, arguments.server_core, arguments.load_core)
    if arguments.report:
        write_report(lab, Results(lab.work / "full"))
        return 0
    demands = chosen_demands(arguments.rows)
    pace = choose_pace(arguments)
    results = Results(lab.work / ("full" if is_full(pace) else "quick"))
    check_machine(lab)
    lab.build_limit()
    os.sched_setaffinity(0, {lab.load_cpu})
    verdicts = measure_and_judge(
        demands, lab, pace, results, retry=not arguments.no_retry
    )
    chart.write(results, results.directory / "chart.svg", lab.work)
    print(report.verdicts_text(results, verdicts))
    print(f"kept in {results.directory}")
    return 0 if all(found.holds is not False for found in verdicts) else 1


def interrupt(number: int, frame: object) -> None:
    """Let a TERM end servers as Ctrl-C does."""
    del number, frame
    raise KeyboardInterrupt


def main() -> int:
    """Run, and put errors in words."""
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return run(parse_arguments())
    except (BenchError, subprocess.CalledProcessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
