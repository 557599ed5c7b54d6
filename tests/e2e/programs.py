"""Programs of tests/embed that run their own primary and have an admin socket."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import types

import admin
import processes
import wire
from conftest import BINARY, PATIENCE, wait_until

BUILD = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent))


class Program:
    """NAME PORT SOCKET ARGUMENT...; for admin it looks like a server."""

    def __init__(self, name: str, folder: pathlib.Path, port: int,
                 *arguments: str) -> None:
        self.folder = folder
        self.port = port
        (folder / "run").mkdir(exist_ok=True)
        self.output = open(folder / "output", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [str(BUILD / "tests" / "embed" / name), str(port),
             str(admin.path_of(self)), *arguments],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=subprocess.STDOUT)

    def __enter__(self) -> "Program":
        wait_until(self.is_ready, "the program's workers")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        self.output.close()
        assert status == 0, self.printed()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.printed()
        try:
            return admin.ask(self, "GET", "/readyz").status == 200
        except (OSError, wire.Closed):
            return False

    @property
    def pid(self) -> int:
        return self.process.pid

    def printed(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    def workers(self) -> list[int]:
        return processes.children(self.pid, "worker")

    def connect(self) -> wire.Connection:
        return wire.Connection("127.0.0.1", self.port)

    def get(self, path: str = "/") -> wire.Response:
        with self.connect() as connection:
            return connection.get(path)
