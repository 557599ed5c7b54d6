"""A client that keeps asking and counts what it was owed and what it got."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import wire


@dataclass
class Tally:
    """Lost: sent while the server still owed an answer, and none came whole."""

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    connections: int = 0


class Load:
    """Threads that each ask for path, one request after the other.

    requests_per_connection  None: keep-alive until the server says close.
    connect                  How, where it is not to that port of 127.0.0.1.
    """

    def __init__(self, port: int = 0, threads: int = 4, path: str = "/",
                 requests_per_connection: int | None = None,
                 expected: bytes = b"hello world\n",
                 connect: Callable[[], wire.Connection] | None = None) -> None:
        self.path, self.expected = path, expected
        self.connect = connect or (
            lambda: wire.Connection("127.0.0.1", port))
        self.limit = requests_per_connection
        self.stopping = threading.Event()
        self.tallies = [Tally() for _ in range(threads)]
        self.threads = [threading.Thread(target=self._run, args=(tally,))
                        for tally in self.tallies]

    def __enter__(self) -> "Load":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Tally:
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        total = Tally()
        for tally in self.tallies:
            total.answered += tally.answered
            total.connections += tally.connections
            total.lost += tally.lost
        return total

    @property
    def answered(self) -> int:
        return sum(tally.answered for tally in self.tallies)

    def _run(self, tally: Tally) -> None:
        while not self.stopping.is_set():
            try:
                self._one_connection(tally)
            except Exception as error:  # also of an answer that is none
                tally.lost.append(f"after {tally.answered}: {error!r}")

    def _one_connection(self, tally: Tally) -> None:
        with self.connect() as connection:
            tally.connections += 1
            count = 0
            while not self.stopping.is_set() and count != self.limit:
                count += 1
                is_last = count == self.limit
                connection.request(
                    path=self.path,
                    connection="close" if is_last else "keep-alive")
                answer = connection.response()
                if answer.status != 200 or answer.body != self.expected:
                    tally.lost.append(f"{answer.status} {answer.body!r}")
                tally.answered += 1
                if "close" in answer.all("connection"):
                    return
