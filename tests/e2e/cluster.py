"""A primary and its workers made with <cohort/cluster.h>, told what to do by
lines and messages (tests/embed/cluster_primary.c, cluster_worker.c)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from conftest import PATIENCE, ROOT, wait_until

BUILD = pathlib.Path(os.environ.get("COHORT_BUILD", ROOT / "build"))
PRIMARY = BUILD / "tests" / "embed" / "cluster_primary"
WORKER = BUILD / "tests" / "embed" / "cluster_worker"
EXAMPLES = BUILD / "examples"


class Printed:
    """What a process prints, line by line, as it comes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def text(self) -> str:
        return "\n".join(self.lines)

    def find(self, pattern: str, start: int = 0) -> list[re.Match[str]]:
        found = (re.search(pattern, line) for line in self.lines[start:])
        return [one for one in found if one]

    def wait(self, pattern: str, count: int = 1, start: int = 0) -> re.Match[str]:
        """Wait until pattern stands in count lines; the match in the last."""

        def look() -> object:
            return len(self.find(pattern, start)) >= count

        try:
            wait_until(look, f"{pattern!r}, {count} times")
        except BaseException:
            print(self.text())
            raise
        return self.find(pattern, start)[count - 1]


class Primary(Printed):
    """cluster_primary, with one line of input per command."""

    def __init__(
        self, *words: str, env: dict[str, str] | None = None,
        exec: pathlib.Path | str | None = WORKER, wrapper: list[str] = [],
        **options,
    ) -> None:
        super().__init__(subprocess.Popen(
            [*wrapper, str(PRIMARY), *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(env or {})}, **options))
        if exec is not None:
            self.ask(f"setup exec {exec}", r"^setup: 0")

    @property
    def pid(self) -> int:
        return self.process.pid

    def tell(self, line: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str, pattern: str) -> re.Match[str]:
        """Tell it, and wait for what it prints then."""
        start = len(self.lines)
        self.tell(line)
        return self.wait(pattern, start=start)

    def fork(self, *variables: str) -> "Worker":
        """A worker that is online."""
        found = self.ask(" ".join(["fork", *variables]),
                         r"^forked (\d+) pid (-?\d+)")
        worker = Worker(self, int(found[1]), int(found[2]))
        self.wait(rf"^cluster online {worker.id}$")
        return worker

    def policy(self, name: str) -> None:
        self.ask(f"policy {name}", rf"^policy is {name}")

    def state(self, id: int) -> str:
        return self.ask(f"state {id}", r"^state .*")[0]

    def end(self) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(BrokenPipeError):  # on its way out
                self.tell("quit")
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail("the primary did not end")
        self._reader.join(PATIENCE)
        assert "Sanitizer" not in self.text(), self.text()
        assert "runtime error" not in self.text(), self.text()


class Worker:
    def __init__(self, primary: Primary, id: int, pid: int) -> None:
        self.primary = primary
        self.id = id
        self.pid = pid

    def tell(self, words: str) -> None:
        self.primary.tell(f'send {self.id} "{words}"')

    def ask(self, words: str, pattern: str) -> re.Match[str]:
        """Tell it, and wait for a message of its."""
        return self.primary.ask(
            f'send {self.id} "{words}"',
            rf'^cluster message {self.id} "{pattern}')

    def listen(self, address: str = "127.0.0.1:0", options: str = "") -> int:
        """Listen; the port."""
        found = self.ask(f"listen {address} {options}",
                         r"listens \d+ on .*:(-?\d+)")
        return int(found[1])

    def wait_exit(self) -> str:
        """How it ended: "code 0 signal 0 disconnect voluntary"."""
        return self.primary.wait(rf"^cluster exit {self.id} (.*)")[1]

    def wait_disconnect(self) -> None:
        self.primary.wait(rf"^cluster disconnect {self.id}$")


def connect(port: int, host: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection((host, port), PATIENCE)


def answer(port: int) -> int:
    """Who serves one connection: the id that the worker says."""
    with connect(port) as client:
        return int(client.makefile().readline() or 0)


def spread(port: int, count: int) -> dict[int, int]:
    """How many of count connections, one after the other, each worker has."""
    served: dict[int, int] = {}
    for _ in range(count):
        id = answer(port)
        served[id] = served.get(id, 0) + 1
    return served


@pytest.fixture
def make_primary() -> Iterator[Callable[..., Primary]]:
    made: list[Primary] = []

    def make(*words: str, **options) -> Primary:
        made.append(Primary(*words, **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def primary(make_primary: Callable[..., Primary]) -> Primary:
    return make_primary()
