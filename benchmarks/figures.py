"""What is counted rather than timed: memory, calls, instructions, balance."""

from __future__ import annotations

import time

import clients
from counting import count_instructions, count_system_calls
from lab import Lab
from load import Load
from rounds import Progress
from servers import Server, Setup, plain

POLICIES = ("round_robin", "least_conn", "shared", "reuseport")
HANDED_OVER = POLICIES[:2]  # by the primary
IDLE_CONNECTIONS = 10000
BALANCE_CONNECTIONS = 100
BALANCE_REPEATS = 3
BALANCE_GAP = 0.001
SETTLE_SECONDS = 0.5

# Calls that have no place in the life of a keep-alive request.
NEEDLESS_CALLS = (
    "epoll_ctl",
    "ioctl",
    "setsockopt",
    "fcntl",
    "clock_gettime",
    "timerfd_settime",
    "mmap",
    "munmap",
    "mprotect",
    "brk",
)

# With the request line and Host, about 600 bytes.
BROWSER_HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 "
    "Firefox/128.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
    "image/webp,image/png,image/svg+xml,*/*;q=0.8",
    "Accept-Language: en-GB,en;q=0.7,de;q=0.3",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Upgrade-Insecure-Requests: 1",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Site: none",
    "Sec-Fetch-User: ?1",
    "Priority: u=0, i",
    "Cookie: session=0123456789abcdef0123456789abcdef; theme=dark",
)

Figures = dict[str, float]


def idle_memory(lab: Lab, progress: Progress) -> Figures:
    """Memory of idle connections, beside nginx's."""
    del progress
    figures: Figures = {}
    for setup in plain("cohort", "nginx", "h2o", "lighttpd", "limit"):
        if lab.binary(setup.kind) is None:
            continue
        with Server(lab, setup) as server:
            before, after = clients.idle_memory(
                server.session, server.port, IDLE_CONNECTIONS
            )
        each = (after - before) / IDLE_CONNECTIONS
        figures[f"{setup.name} KiB each"] = each / 1024
        figures[f"{setup.name} MiB in all"] = after / 2**20
    if "nginx MiB in all" in figures:
        for name in ("KiB each", "MiB in all"):
            ours, theirs = figures[f"cohort {name}"], figures[f"nginx {name}"]
            figures[f"{name} / nginx"] = ours / theirs
    return figures


def system_calls(lab: Lab, progress: Progress) -> Figures:
    """System calls per request, by strace."""
    del progress
    figures: Figures = {}
    needless = 0.0
    for connections in (16, 512):
        costs = count_system_calls(
            lab, Setup("cohort", "cohort"), Load(connections)
        )
        label = f"{connections} connections"
        figures[label] = sum(costs.values())
        for name, number in costs.items():
            if round(number, 3) != 0:
                figures[f"{label}: {name}"] = number
        needless += sum(costs.get(name, 0) for name in NEEDLESS_CALLS)
    figures["needless"] = needless
    costs = count_system_calls(
        lab, Setup("cohort", "cohort"), Load(64, pipeline=True)
    )
    figures["pipelining"] = sum(costs.values())
    return figures


def instructions(lab: Lab, progress: Progress) -> Figures:
    """User-space instructions and allocations per request, by callgrind."""
    log = "access.log combined"
    runs = [
        ("cohort", "cohort", "off", ()),
        ("cohort, browser's head", "cohort", "off", BROWSER_HEADERS),
        ("cohort, log", "cohort", log, ()),
        ("nginx", "nginx", "off", ()),
        ("nginx, log buffer=64k", "nginx", f"{log} buffer=64k", ()),
        ("limit", "limit", "off", ()),
    ]
    figures: Figures = {}
    for name, kind, access, headers in runs:
        if lab.binary(kind) is None:
            continue
        setup = Setup(name, kind, access_log=access, single_process=True)
        costs = count_instructions(lab, setup, Load(16, headers=headers))
        figures[name] = costs["instructions"]
        figures[f"{name}: allocations"] = costs["allocations"]
        progress.say(name)
    figures["log adds"] = figures["cohort, log"] - figures["cohort"]
    if "nginx" in figures:
        figures["cohort / nginx"] = figures["cohort"] / figures["nginx"]
    return figures


def balance(lab: Lab, progress: Progress) -> Figures:
    """How evenly policies spread connections; the worst of some tries.

    For reuseport, which hashes, it is the middle one of the tries.
    """
    figures: Figures = {}
    for policy in POLICIES:
        for workers in (2, 4):
            setup = Setup("cohort", "cohort", workers=workers, policy=policy)
            for label, gap in (("gap", BALANCE_GAP), ("burst", 0.0)):
                tries = [
                    balance_once(lab, setup, gap)
                    for _ in range(BALANCE_REPEATS)
                ]
                name = f"{policy}, {workers} workers, {label}"
                if policy == "reuseport":
                    worst = [max(counts) / mean(counts) for counts in tries]
                    figures[name] = sorted(worst)[len(worst) // 2]
                else:
                    figures[name] = max(max(c) - min(c) for c in tries)
        progress.say(policy)
    return figures


def balance_once(lab: Lab, setup: Setup, gap: float) -> list[int]:
    """Connections per worker of a server started for this."""
    with Server(lab, setup) as server:
        time.sleep(SETTLE_SECONDS)  # until all workers are there, not one
        return clients.balance(
            server.session,
            server.port,
            BALANCE_CONNECTIONS,
            setup.workers,
            gap,
        )


def mean(numbers: list[int]) -> float:
    """The mean."""
    return sum(numbers) / len(numbers)
