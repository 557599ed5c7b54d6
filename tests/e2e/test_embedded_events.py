"""A program is told what the primary of its cohort_run() has to tell."""

from __future__ import annotations

import re
import signal

import pytest

from conftest import wait_until
from programs import Program

pytestmark = pytest.mark.quick


@pytest.fixture
def program(tmp_path, free_port):
    (tmp_path / "extra.conf").write_text("")
    with Program("told", tmp_path, free_port()) as running:
        yield running


def told(program, pattern: str) -> re.Match[str]:
    """The first line of it that says that, when it is there."""
    return wait_until(
        lambda: re.search(pattern, program.printed(), re.MULTILINE), pattern)


def names(program) -> list[str]:
    return re.findall(
        r"^(\w+) generation \d", program.printed(), re.MULTILINE)


def test_a_start_is_told_in_order(program):
    told(program, "^reload_done generation 1 worker 0 ")
    about = [name for name in names(program) if name in (
        "fork", "online", "ready", "reload_done")]
    assert about == ["fork", "online", "ready", "reload_done"]
    assert "reload_begin" not in names(program)
    told(program, r"^listening generation 1 worker 1 group main: "
                  rf"127\.0\.0\.1:{program.port}$")


def test_a_reload_is_told_as_begun_and_done(program):
    program.process.send_signal(signal.SIGHUP)
    told(program, "^reload_begin generation 2 ")
    told(program, "^reload_done generation 2 ")
    told(program, "^exit generation 1 worker 1 group main code 0 signal 0 "
                  "reload")
    assert "elsewhere" not in program.printed()


def test_a_reload_that_fails_is_told_with_its_reason(program):
    (program.folder / "extra.conf").write_text("nonsense;")
    program.process.send_signal(signal.SIGHUP)
    told(program, "^reload_begin generation 2 ")
    told(program, "^reload_failed generation 1 worker 0 .*: .*nonsense")
    assert "reload_done generation 2" not in program.printed()
