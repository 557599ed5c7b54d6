"""What is inside a process: its memory, and nothing new while it stands still."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import signal
from collections.abc import Iterator

import lasting
import processes
from conftest import wait_until


def memory_kib(pid: int) -> int:
    """The process's proportional share of memory, but for files: theirs
    depends on who else on the machine uses them."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    shares = {name: int(size) for name, size in re.findall(
        r"^(Pss\w*):\s+(\d+) kB", text, re.MULTILINE)}
    return shares["Pss"] - shares["Pss_File"]


def state(pid: int) -> str:
    text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    return text.rsplit(") ", 1)[1][0]


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: state(pid) == "T", f"{pid} to stand still")


@contextlib.contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """Nobody of them does anything meanwhile; who was killed stays dead."""
    for pid in pids:
        stop(pid)
    try:
        yield
    finally:
        for pid in pids:
            if processes.is_alive(pid):
                os.kill(pid, signal.SIGCONT)


def seconds_until(condition, what: str) -> float:
    return lasting.seconds_while(lambda: not condition(), what)
