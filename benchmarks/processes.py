"""A server as a session of processes: start it, ask what it used, stop it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 20.0
STOP_SECONDS = 10.0
FIRST_PORT = 18000
LAST_PORT = 30000  # below the range that clients' sockets come from


class BenchError(Exception):
    """Something that ends one measurement, with a text for people."""


def free_ports() -> Iterator[int]:
    """Ports on which nothing listens, each given once."""
    for port in range(FIRST_PORT, LAST_PORT):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port
    raise BenchError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


def stat_fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name: state, parent, ..."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    return text.rpartition(")")[2].split()


def hidden(error: PermissionError) -> BenchError:
    """What only root may read of processes that have given up their rights."""
    return BenchError(
        f"cannot read {error.filename}: the kernel shows it to root alone"
    )


def pss_of(pid: int) -> int:
    """User-space memory of a process in bytes, 0 if it is gone."""
    path = Path(f"/proc/{pid}/smaps_rollup")
    try:
        text = path.read_text(encoding="ascii")
    except PermissionError as error:
        raise hidden(error) from error
    except (FileNotFoundError, ProcessLookupError):
        return 0
    sizes = re.findall(r"^Pss:\s+(\d+) kB$", text, re.MULTILINE)
    return sum(int(size) for size in sizes) * 1024


class Session:
    """All processes of one server: those of the session its command leads.

    Servers fork as they like; as long as nobody calls setsid they stay in the
    session, so its members are the server.
    """

    def __init__(
        self,
        command: list[str],
        cpu: int,
        directory: Path,
        environment: dict[str, str],
    ) -> None:
        self.output_path = directory / "output.txt"
        with self.output_path.open("wb") as output:
            self.leader = subprocess.Popen(
                ["taskset", "-c", str(cpu), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env={**os.environ, **environment},
                start_new_session=True,
            )
        self.command = command

    def members(self) -> list[int]:
        """The ids of the session's living processes."""
        found = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                fields = stat_fields(int(entry))
            except OSError:
                continue  # gone meanwhile
            state, session = fields[0], int(fields[3])
            if session == self.leader.pid and state not in "ZX":
                found.append(int(entry))
        return found

    def cpu_seconds(self) -> dict[int, float]:
        """CPU used so far, as the scheduler counts, by living process."""
        used = {}
        for pid in self.members():
            total = 0
            for path in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                try:
                    total += int(path.read_text(encoding="ascii").split()[0])
                except OSError:
                    continue
            used[pid] = total / 1e9
        return used

    def pss_bytes(self) -> int:
        """User-space memory, with shared pages split among their users."""
        return sum(pss_of(pid) for pid in self.members())

    def wait_for_port(self, port: int) -> None:
        """Return when the server accepts connections, or say why not."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.leader.poll() is not None:
                raise BenchError(self.describe_failure("ended at once"))
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise BenchError(self.describe_failure(f"never listened on {port}"))

    def describe_failure(self, what: str) -> str:
        """What happened, the command, and the end of what it printed."""
        output = self.output_path.read_text("utf-8", errors="replace")
        lines = [f"{self.command[0]} {what}", "  " + " ".join(self.command)]
        lines += ["  " + line for line in output.splitlines()[-8:]]
        return "\n".join(lines)

    def stop(self, spare_leader: bool = False) -> None:
        """End every process of the session, politely at first.

        spare_leader: the leader is a tool that watches the server, and ends
        by itself when the server has ended.
        """
        for pid in self.members():
            if not (spare_leader and pid == self.leader.pid):
                send_signal(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self.members() and time.monotonic() < deadline:
            self.leader.poll()
            time.sleep(0.02)
        for pid in self.members():
            send_signal(pid, signal.SIGKILL)
        self.leader.wait()


def send_signal(pid: int, number: signal.Signals) -> None:
    """Signal a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
