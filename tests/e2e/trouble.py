"""A program of the library whose handlers hang, leak or crash when asked to."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator

import pytest

from conftest import BINARY, Server

PROGRAM = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent)) / \
    "tests" / "embed" / "trouble"


class Trouble(Server):
    """tests/embed/trouble.c, with an admin socket where a server has it."""

    directives = ""
    http_directives = ""

    def write(self, main: str = "", http: str = "", events: str = "") -> None:
        """http: what stands in the http block beside its one server."""
        assert not events
        self.http_directives = http
        (self.folder / "run").mkdir(exist_ok=True)
        if "worker_processes" not in main:
            main += "worker_processes 2;"
        if os.getuid() == 0:
            main += "user root root;"
        self.directives = main + (
            f"error_log {self.log_file} info; pid {self.pid_file};"
            f"admin unix:{self.folder}/run/cohort.sock; daemon off;")

    def command(self, *arguments: str) -> list[str]:
        assert not arguments
        return [str(PROGRAM), str(self.port), self.directives,
                self.http_directives]


@pytest.fixture
def trouble(tmp_path: pathlib.Path) -> Iterator[Trouble]:
    """Not yet started; stopped and checked at the end."""
    one = Trouble(tmp_path)
    yield one
    one.stop()
