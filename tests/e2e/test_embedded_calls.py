"""The primary of a program's cohort_run() is asked by C calls, cohort_reload()
and cohort_scale(): tests/embed/asking.c, told what to do by messages."""

from __future__ import annotations

import errno
import os
import re
import signal

import pytest

import admin
import processes
import wire
from conftest import PATIENCE, wait_until
from programs import Program

pytestmark = pytest.mark.quick


class Asking(Program):
    def say(self, *words: str) -> None:
        """To its primary, by way of a worker: it has called when we return."""
        before = self.printed().count("heard\n")
        worker = max(worker["id"] for worker in admin.workers(self)
                     if worker["group"] == "main")
        answer = admin.ask(self, "POST", f"/v1/workers/{worker}/messages",
                           " ".join(words))
        assert answer.status == 202, answer.body
        wait_until(lambda: self.printed().count("heard\n") > before,
                   f"{words} to be heard")

    def outcomes(self, name: str, count: int = 1) -> list[tuple[int, int, str]]:
        """Results, generations and texts of so many calls, when they are there."""
        def found():
            every = re.findall(
                rf"^{name}: result (-?\d+) generation (\d+): (.*)$",
                self.printed(), re.MULTILINE)
            return every if len(every) >= count else None

        return [(int(result), int(generation), text) for
                result, generation, text in wait_until(
                    found, f"outcomes of {name}\n{self.printed()}")]

    def outcome(self, name: str) -> tuple[int, int, str]:
        (only,) = self.outcomes(name)
        return only

    def has_printed(self, text: str) -> None:
        wait_until(lambda: text + "\n" in self.printed(),
                   f"{text}\n{self.printed()}")

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        assert self.process.wait(PATIENCE) == 0


@pytest.fixture
def asking(tmp_path, free_port, request):
    """With the directives that a test is marked with."""
    (tmp_path / "extra.conf").write_text("")
    directives = getattr(request, "param", "")
    with Asking("asking", tmp_path, free_port(), directives) as program:
        yield program
    # Whatever a test has done: each call is told once, never inside itself.
    asked, told = re.search(r"asked (\d+) times, told (\d+) times",
                            program.printed()).groups()
    assert asked == told
    assert "inside the call" not in program.printed()


def hold_up(program) -> object:
    """A reload waits until somebody writes to the pipe."""
    pipe = program.folder / "slow.conf"
    os.mkfifo(pipe)
    (program.folder / "extra.conf").write_text("include slow.conf;")
    return pipe


def let_go(pipe) -> None:
    with open(pipe, "w", encoding="utf-8"):
        pipe.unlink()
        pipe.write_text("")


# --- scaling --------------------------------------------------------------------


def test_more_workers_serve_when_it_is_told(asking):
    asking.say("scale=3")
    assert asking.outcome("scale=3") == (0, 0, "3 workers serve")
    workers = asking.workers()
    assert len(workers) == 3
    assert {int(asking.get().body) for _ in range(3)} == set(workers)


def test_fewer_workers_are_left(asking):
    asking.say("scale=3")
    asking.outcome("scale=3")
    asking.say("scale=1")
    assert asking.outcome("scale=1") == (0, 0, "1 worker serves")
    wait_until(lambda: len(asking.workers()) == 1, "two to leave")
    assert int(asking.get().body) in asking.workers()


@pytest.mark.parametrize(
    "asking", ["worker_processes_max 2;"], indirect=True)
@pytest.mark.parametrize("count", [0, 3])
def test_a_number_that_cannot_be_is_refused_with_the_bound(asking, count):
    before = asking.workers()
    asking.say(f"scale={count}")
    assert asking.outcome(f"scale={count}") == (
        -errno.EINVAL, 0,
        f"{count} workers: from 1 to 2 are possible (worker_processes_max)")
    assert asking.workers() == before


def test_a_group_that_there_is_not(asking):
    long = "a" * 32
    asking.say("scale=2=nobody", f"scale=2={long}")
    assert asking.outcome("scale=2=nobody") == (
        -errno.ENOENT, 0, 'there is no worker group "nobody"')
    assert f"called: {-errno.EINVAL}\n" in asking.printed()


@pytest.fixture
def with_group(tmp_path, free_port):
    (tmp_path / "extra.conf").write_text("")
    group = (f"worker_group app {{ exec sleep 1000; protocol listen_fds; "
             f"listen 127.0.0.1:{free_port()}; processes 1; }}")
    with Asking("asking", tmp_path, free_port(), group) as program:
        yield program


def test_a_worker_group_is_scaled_by_its_name(with_group):
    with_group.say("scale=2=app")
    assert with_group.outcome("scale=2=app") == (0, 0, "2 workers serve")
    wait_until(lambda: len(processes.children(with_group.pid, "sleep")) == 2,
               "both to run their program")
    assert len(with_group.workers()) == 1


def test_the_number_stays_over_a_reload(asking):
    asking.say("scale=2", "reload")
    assert asking.outcome("scale=2")[0] == asking.outcome("reload")[0] == 0
    wait_until(lambda: len(asking.workers()) == 2, "the old ones to leave")


# --- reloading ------------------------------------------------------------------


def test_a_reload_is_done_and_its_verdict_told_behind_the_event(asking):
    before = asking.workers()
    asking.say("reload")
    result, generation, text = asking.outcome("reload")
    assert (result, generation) == (0, 2)
    assert f"127.0.0.1:{asking.port}" in text
    assert admin.get(asking, "/v1/status")["generation"] == 2
    wait_until(lambda: not set(before) & set(asking.workers()),
               "the old worker to leave")
    assert int(asking.get().body) in asking.workers()
    printed = asking.printed()
    assert printed.index("reload_begin 2\n") < \
        printed.index("reload_done 2\n") < printed.index("reload: result 0")


def test_a_reload_that_is_refused_tells_all_errors(asking):
    before = asking.workers()
    (asking.folder / "extra.conf").write_text("nonsense;\nrubbish 1;\n")
    asking.say("reload")
    result, generation, _ = asking.outcome("reload")
    assert (result, generation) == (-errno.EINVAL, 1)
    said = asking.printed().partition("reload: result")[2]
    assert re.search(r'"nonsense" in \S+extra\.conf:1:1\n', said)
    assert re.search(r'^.*"rubbish" in \S+extra\.conf:2:1\n', said, re.MULTILINE)
    assert "\x1e" not in said
    assert asking.workers() == before
    assert admin.get(asking, "/v1/status")["generation"] == 1

    (asking.folder / "extra.conf").write_text("")
    asking.say("reload")
    assert asking.outcomes("reload", 2)[1][:2] == (0, 3)


def test_those_who_ask_meanwhile_share_the_next_one(asking):
    pipe = hold_up(asking)
    asking.say("reload", "reload")
    asking.has_printed("reload_begin 2")
    asking.say("reload", "quietly")
    let_go(pipe)
    assert [outcome[:2] for outcome in asking.outcomes("reload", 3)] == [
        (0, 2), (0, 3), (0, 3)]
    assert "reload_begin 4" not in asking.printed()


def test_who_is_told_may_ask_again(asking):
    asking.say("twice")
    assert asking.outcome("twice")[:2] == (0, 2)
    assert asking.outcome("again")[:2] == (0, 3)
    assert "called again: 0\n" in asking.printed()


@pytest.mark.parametrize("asking", ["max_old_generations 1;"], indirect=True)
def test_old_generations_are_bounded_and_cut_by_force(asking):
    def hold(generation: int) -> wire.Connection:
        client = asking.connect()
        client.request(path="/hold")
        wait_until(lambda: any(
            worker["generation"] == generation and worker["connections"] == 1
            for worker in admin.workers(asking)), "the worker to have it")
        return client

    with hold(1) as first:
        asking.say("reload")
        assert asking.outcome("reload")[0] == 0
        with hold(2):
            asking.say("reload")
            result, generation, text = asking.outcomes("reload", 2)[1]
            assert (result, generation) == (-errno.EIO, 2)
            assert "max_old_generations is 1" in text

            asking.say("force")
            assert asking.outcome("force")[:2] == (0, 3)
            with pytest.raises((OSError, wire.Closed)):
                first.read_exactly(1)


# --- the end --------------------------------------------------------------------


def test_a_reload_that_is_cut_short_by_the_end_is_told(asking):
    hold_up(asking)
    asking.say("reload", "reload")
    asking.has_printed("reload_begin 2")
    asking.end(signal.SIGQUIT)
    assert asking.outcomes("reload", 2) == [
        (-errno.EAGAIN, 0, "the server leaves")] * 2
    assert "reload_done 2" not in asking.printed()


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_calls_of_the_last_moment_are_told(asking, number):
    """From the event that tells of the end, and as long as there are turns."""
    asking.end(number)
    result, generation, text = asking.outcome("late")
    assert (result, generation) == (-errno.EAGAIN, 0)
    assert text.startswith("the server ")
    assert asking.outcome("last") == (-errno.EAGAIN, 0, "the server leaves")


# --- where it cannot be called --------------------------------------------------


def test_the_primary_alone_may_call(asking):
    asking.say("here")
    asking.say("elsewhere")
    for where in "in a worker", "in a thread", "in a child", "before":
        asking.has_printed(f"{where}: {-errno.EPERM} {-errno.EPERM}")
    asking.end(signal.SIGTERM)
    asking.has_printed(f"after: {-errno.EPERM} {-errno.EPERM}")
    assert "reload_begin" not in asking.printed()


def test_more_calls_than_can_wait_are_refused(asking):
    asking.say("often")
    asking.has_printed(f"call 257: {-errno.ENOBUFS}")
    assert len(asking.outcomes("refused", 256)) == 256
    asking.say("scale=2")
    assert asking.outcome("scale=2")[0] == 0
