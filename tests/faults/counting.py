"""Load from clients that count: our own (client.c), and wrk."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess

import figures
from conftest import ROOT, Server, wait_until

BUILD = pathlib.Path(os.environ.get("COHORT_BUILD", ROOT / "build"))
CLIENT = BUILD / "tests" / "faults" / "counting_client"
WRK = shutil.which("wrk")
POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
HELLO = b"hello world\n"


def write_hello(server: Server, main: str = "", http: str = "",
                events: str = "") -> None:
    """Each response says which worker it is from."""
    server.write(http + """
        add_header X-Worker $pid;
        server {
            listen 127.0.0.1:PORT;
            location / { return 200 "hello world\\n"; }
        }""", main=main, events=events)


class Tally(dict):
    """What was counted; the keys are those of client_tally.c."""

    @property
    def finished(self) -> int:
        return sum(self[key] for key in ("answered", "wrong", "lost", "raced"))

    def describe(self) -> str:
        return (f"{self['lost']} of {self['sent']} requests lost, "
                f"{self['reset']} of {self['connections']} connections reset, "
                f"{self['refused']} refused, {self['wrong']} wrong, "
                f"p99 {self['p99_us'] / 1000:.1f} ms, "
                f"longest {self['max_us'] / 1000:.0f} ms")


class Counting:
    """The counting client at work; clients: keep=, close=, late=, pause=...

    with_wrk  wrk is at work beside it, where it is installed.
    """

    def __init__(self, server: Server, body: bytes = HELLO,
                 with_wrk: bool = False, **clients: int | str) -> None:
        clients = clients or {"keep": 16, "close": 8, "late": 16, "pause": 1}
        self.clients = sum(clients.get(kind, 0)
                           for kind in ("keep", "close", "late"))
        expected = server.folder / "expected"
        expected.write_bytes(body)
        self.process = subprocess.Popen(
            [str(CLIENT), str(server.port), str(expected),
             *(f"{name}={value}" for name, value in clients.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.wrk = Wrk(server, "-c8") if with_wrk and WRK else None
        self.final: Tally | None = None

    def __enter__(self) -> "Counting":
        self.wait_more(1)
        return self

    def __exit__(self, *_: object) -> None:
        if self.wrk:
            self.wrk.__exit__()
        if self.final is None:
            self.process.kill()
            self.process.communicate()

    def processes(self) -> list[subprocess.Popen[str]]:
        """Its own, then wrk's if there is one."""
        return [self.process, *([self.wrk.process] if self.wrk else [])]

    def tally(self) -> Tally:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        return Tally(json.loads(self.process.stdout.readline()))

    def wait_more(self, count: int) -> None:
        """Wait until so many more requests were answered."""
        goal = self.tally()["answered"] + count
        wait_until(lambda: self.tally()["answered"] >= goal,
                   f"{count} more answers")

    def stop(self, case: str) -> Tally:
        """Wait for what is in flight; every request must be accounted for."""
        assert self.process.stdout
        lost_by_wrk = self.wrk.stop(case) if self.wrk else 0
        self.process.stdin.close()
        self.final = Tally(json.loads(self.process.stdout.readline()))
        assert self.process.wait(60) == 0
        figures.show(case, self.final.describe())
        assert self.final.finished == self.final["sent"]
        self.final["lost_by_wrk"] = lost_by_wrk
        return self.final


def assert_nothing_lost(tally: Tally) -> None:
    for key in ("lost", "wrong", "reset", "refused", "closed", "complained",
                "lost_by_wrk"):
        assert tally[key] == 0, tally


class Wrk:
    """wrk at work, until it is stopped."""

    def __init__(self, server: Server, *options: str) -> None:
        assert WRK
        self.process = subprocess.Popen(
            [WRK, "-t1", *(options or ["-c32"]), "-d600", "--timeout", "20s",
             f"http://127.0.0.1:{server.port}/"],
            stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> "Wrk":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, case: str) -> int:
        """How many requests failed; what was in flight at the end is none."""
        self.process.send_signal(2)
        printed, _ = self.process.communicate(timeout=60)
        total = re.search(r"(\d+) requests in", printed)
        assert total, printed
        failed = sum(
            int(number) for line in printed.splitlines()
            if "Socket errors" in line or "Non-2xx" in line
            for number in re.findall(r"\b\d+\b", line.replace("2xx", "")
                                     .replace("3xx", "")))
        figures.show(case, f"{failed} of {total[1]} requests lost by wrk")
        return failed
