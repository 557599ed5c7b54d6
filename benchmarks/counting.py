"""What one request costs in system calls, instructions and allocations.

Each is the difference between a run with few and one with many requests, so
that what happens at start and per connection drops out.
"""

from __future__ import annotations

import collections
import re
import time
from pathlib import Path

from lab import Lab
from load import Load, run_h2load
from processes import BenchError
from servers import Server, Setup, Tool

STRACE_REQUESTS = (5000, 25000)
CALLGRIND_REQUESTS = (2000, 12000)
SETTLE_SECONDS = 0.3  # until the server has seen its clients go
ALLOCATORS = {
    "malloc",
    "calloc",
    "realloc",
    "reallocarray",
    "memalign",
    "aligned_alloc",
    "posix_memalign",
}

Counts = collections.Counter[str]  # of a whole run
Costs = dict[str, float]  # of one request


def per_request(runs: list[Counts], requests: tuple[int, int]) -> Costs:
    """The difference of two runs' counts, for one request."""
    few, many = runs
    span = requests[1] - requests[0]
    return {name: (many[name] - few[name]) / span for name in few | many}


def count_system_calls(lab: Lab, setup: Setup, load: Load) -> Costs:
    """System calls of all the server's processes per request, by name."""
    path = lab.work / "strace.txt"
    tool = Tool(["strace", "-f", "-c", "-o", str(path)], is_beside=True)
    runs = []
    for requests in STRACE_REQUESTS:
        with Server(lab, setup, tool) as server:
            run_h2load(lab, load, server.url(load.path), requests)
            time.sleep(SETTLE_SECONDS)
        runs.append(parse_strace(path.read_text("utf-8")))
    return per_request(runs, STRACE_REQUESTS)


def parse_strace(text: str) -> Counts:
    """Read the table that strace -c ends with."""
    counts: Counts = collections.Counter()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) < 5 or not fields[3].isdigit():
            continue  # a rule, the heading
        if fields[-1] != "total":
            counts[fields[-1]] += int(fields[3])
    return counts


def count_instructions(lab: Lab, setup: Setup, load: Load) -> Costs:
    """User-space instructions and calls of allocators, per request."""
    directory = lab.new_directory("callgrind")
    command = ["valgrind", "-q", "--tool=callgrind", "--trace-children=yes"]
    command.append(f"--callgrind-out-file={directory}/%p.out")
    tool = Tool(command, is_beside=False)
    runs = []
    for requests in CALLGRIND_REQUESTS:
        with Server(lab, setup, tool) as server:
            run_h2load(lab, load, server.url(load.path), requests)
            time.sleep(SETTLE_SECONDS)
        total: Counts = collections.Counter()
        for path in directory.iterdir():
            total += parse_callgrind(path)
            path.unlink()
        runs.append(total)
    costs = per_request(runs, CALLGRIND_REQUESTS)
    if costs["instructions"] <= 0:
        raise BenchError(f"callgrind saw nothing of {setup.name}")
    return {"allocations": 0.0, **costs}


def parse_callgrind(path: Path) -> Counts:
    """Instructions in all, and calls of each allocator, from a profile.

    Names are written once, as "(7) malloc", and then as "(7)"; a line cfn=
    names the function that the calls= line behind it counts the calls of.
    """
    names: dict[str, str] = {}
    counts: Counts = collections.Counter()
    callee = ""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            named = re.match(r"c?fn=(\(\d+\))(?: (\S+))?", line)
            if named is not None:
                if named.group(2):
                    names[named.group(1)] = named.group(2)
                if line.startswith("cfn="):
                    callee = names[named.group(1)].partition("'")[0]
            elif line.startswith("calls=") and callee in ALLOCATORS:
                counts["allocations"] += int(line[6:].split()[0])
            elif line.startswith("totals:"):
                counts["instructions"] = int(line.split()[1])
    return counts
