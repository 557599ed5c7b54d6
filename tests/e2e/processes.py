"""Processes as /proc shows them."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import socket
import time
from collections.abc import Iterator


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rsplit(") ", 1)[1].split()


def is_alive(pid: int) -> bool:
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def is_stopped(pid: int) -> bool:
    stat = _stat(pid)
    return bool(stat) and stat[0] == "T"


def is_asleep(pid: int) -> bool:
    """It waits for something."""
    stat = _stat(pid)
    return stat is not None and stat[0] == "S"


def parent(pid: int) -> int | None:
    stat = _stat(pid)
    return int(stat[1]) if stat else None


def start_time(pid: int) -> int:
    stat = _stat(pid)
    return int(stat[19]) if stat else 0


def cpu_time(pid: int) -> float:
    """Seconds that it has run."""
    stat = _stat(pid)
    ticks = int(stat[11]) + int(stat[12]) if stat else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def age(pid: int) -> float:
    """Seconds since it was started."""
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - start_time(pid) / os.sysconf("SC_CLK_TCK")


def title(pid: int) -> str:
    try:
        raw = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return ""
    return raw.rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")


def _pids() -> list[int]:
    return [int(p.name) for p in pathlib.Path("/proc").iterdir()
            if p.name.isdigit()]


def children(pid: int, role: str = "") -> list[int]:
    """Living children whose title has role in it, oldest first."""
    found = [p for p in _pids()
             if parent(p) == pid and is_alive(p) and role in title(p)]
    return sorted(found, key=lambda p: (start_time(p), p))


def descendants(pid: int) -> list[int]:
    below: dict[int, list[int]] = {}
    for p in _pids():
        below.setdefault(parent(p) or 0, []).append(p)
    found, todo = [], [pid]
    while todo:
        for child in below.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def descriptors(pid: int) -> int:
    return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))


@contextlib.contextmanager
def starved(pid: int, free: int) -> Iterator[None]:
    """The process can have so many descriptors more, and no other ones."""
    taken = {int(entry.name)
             for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
    limit = 0
    while len(set(range(limit)) - taken) < free or limit < 3:
        limit += 1
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def _sockets(pid: int) -> list[str]:
    found = []
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(entry.readlink()))
    return [target for target in found if target.startswith("socket:")]


def sockets(pid: int) -> int:
    """How many sockets the process has open, those of clients and its own."""
    return len(_sockets(pid))


def has_socket(pid: int, inode: int) -> bool:
    return f"socket:[{inode}]" in _sockets(pid)


def server_end(client: socket.socket) -> int:
    """The inode of the other end of a TCP connection over IPv4; 0 if nobody has
    accepted it."""
    ends = [client.getpeername()[1], client.getsockname()[1]]
    with open("/proc/net/tcp", encoding="utf-8") as file:
        for fields in map(str.split, list(file)[1:]):
            if [int(end.split(":")[1], 16) for end in fields[1:3]] == ends:
                return int(fields[9])
    return 0


def accepted(port: int) -> int:
    """Connections to that port by IPv4 that somebody has accepted: those that
    wait in the kernel have no inode."""
    table = pathlib.Path("/proc/net/tcp").read_text(encoding="ascii")
    rows = [row.split() for row in table.splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "01" and
               row[9] != "0" for row in rows)


def pids_of(binary: str) -> list[int]:
    """Processes that run this file, also when it has been replaced since."""
    found = []
    for pid in _pids():
        try:
            target = str(pathlib.Path(f"/proc/{pid}/exe").readlink())
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if target.removesuffix(" (deleted)") == binary:
            found.append(pid)
    return found
