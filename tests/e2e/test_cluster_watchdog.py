"""Workers that hang: the primary sees it, tells stuck, and ends them."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

import processes
from cluster import answer, connect, make_primary, primary, spread
from conftest import wait_until

LIMIT = 500  # milliseconds
HANGS = "it has not come back to its event loop for"


def watched(make_primary, limit: int = LIMIT, **options):
    primary = make_primary(**options)
    primary.ask(f"setup watchdog_ms {limit}", "^setup: 0")
    return primary


def stop(worker) -> None:
    os.kill(worker.pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(worker.pid), "it to be stopped")


@pytest.mark.quick
@pytest.mark.parametrize("env", [{}, {"OWN_BASE": "1"}])
def test_a_worker_that_hangs_is_told_and_ended(make_primary, env):
    primary = watched(make_primary, env=env)
    worker = primary.fork()
    began = time.monotonic()
    worker.tell("spin")
    primary.wait(rf"^cluster stuck 1 1: {HANGS} {LIMIT} ms$")
    assert worker.wait_exit() == "code -1 signal 15 stuck accidental"
    assert time.monotonic() - began >= 1.4 * LIMIT / 1000
    told = [one[0] for one in primary.find(
        r"^(worker|cluster) (stuck|disconnect|exit)")]
    assert [" ".join(one.split()[:2]) for one in told] == [
        "worker stuck", "cluster stuck", "worker disconnect",
        "cluster disconnect", "worker exit", "cluster exit"]


@pytest.mark.quick
@pytest.mark.parametrize(
    "policy", ["round_robin", "least_conn", "shared", "reuseport"])
def test_the_others_serve_while_one_hangs(make_primary, policy):
    primary = watched(
        make_primary, limit=1000, env={"COHORT_SCHED_POLICY": policy})
    hanging, other = primary.fork(), primary.fork()
    port = hanging.listen()
    other.listen(f"127.0.0.1:{port}")
    hanging.tell("spin")
    primary.wait("^cluster stuck 1")
    if policy != "reuseport":  # there the kernel knows nothing of it
        assert spread(port, 20) == {other.id: 20}
    hanging.wait_exit()
    assert answer(port) == other.id


def test_one_that_ignores_sigterm_is_aborted(make_primary):
    primary = watched(make_primary, env={"DEAF": "1"})
    worker = primary.fork()
    worker.tell("spin")
    assert worker.wait_exit() == "code -1 signal 6 stuck accidental"


@pytest.mark.quick
def test_a_stopped_worker_is_stuck_at_once_and_serves_when_it_goes_on(
        make_primary):
    primary = watched(make_primary, limit=20000)
    worker = primary.fork()
    port = worker.listen()
    stop(worker)
    primary.wait("^cluster stuck 1 1: it is stopped")
    assert primary.state(1).endswith(" stuck")
    with connect(port) as client:
        os.kill(worker.pid, signal.SIGCONT)
        assert client.recv(10) == b"1\n"
    assert not primary.state(1).endswith(" stuck")
    primary.tell("disconnect 1")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


@pytest.mark.quick
def test_one_that_is_let_go_while_stuck_leaves_when_it_comes_back(
        make_primary):
    primary = watched(make_primary, limit=20000)
    worker = primary.fork()
    port = worker.listen()
    stop(worker)
    primary.wait("^cluster stuck 1")
    primary.ask("disconnect 1", "^disconnect: 0")
    with pytest.raises(ConnectionRefusedError):
        connect(port)
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait_exit() == "code 0 signal 0 stuck voluntary"


def test_a_stopped_worker_is_killed_in_the_end(make_primary):
    primary = watched(make_primary)
    worker = primary.fork()
    stop(worker)
    assert worker.wait_exit() == "code -1 signal 9 stuck accidental"


@pytest.mark.quick
def test_off_and_a_limit_of_ones_own_per_fork(make_primary):
    primary = watched(make_primary, limit=-1)
    unwatched = primary.fork()
    primary.ask("setup watchdog_ms 300", "^setup: 0")
    worker = primary.fork()
    stop(unwatched)
    stop(worker)
    worker.wait_exit()
    assert not primary.find("stuck 1")
    assert not primary.state(1).endswith(" stuck")
    os.kill(unwatched.pid, signal.SIGCONT)
    unwatched.ask("hello", "hello")


@pytest.mark.quick
@pytest.mark.parametrize("env", [{}, {"OWN_BASE": "1"}])
def test_idle_workers_are_well(make_primary, env):
    primary = watched(make_primary, limit=300, env=env)
    idle, ended = primary.fork(), primary.fork()
    port = idle.listen()
    stop(ended)  # as long as its end takes, the other has nothing to do
    ended.wait_exit()
    assert not primary.find("stuck 1")
    assert answer(port) == idle.id


@pytest.mark.quick
def test_a_worker_may_take_its_time_before_its_loop_runs(make_primary):
    primary = watched(make_primary, limit=300, env={"DAWDLE": "1"})
    worker = primary.fork()
    worker.ask("hello", "hello")
    worker.listen()
    assert not primary.find("stuck")


@pytest.mark.quick
def test_a_program_on_a_base_of_its_own_ends_when_it_has_left(make_primary):
    primary = watched(make_primary, env={"OWN_BASE": "1"})
    worker = primary.fork()
    worker.listen()
    primary.tell("disconnect 1")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


@pytest.mark.quick
@pytest.mark.parametrize("limit", [1, 99, -2, 100000000])
def test_a_limit_that_cannot_be_is_refused(primary, limit):
    primary.ask(f"setup watchdog_ms {limit}", "^setup: -22")
    primary.wait("watchdog_ms is no time that can be")


@pytest.mark.skipif(shutil.which("node") is None, reason="no node")
def test_a_node_worker_is_stuck_when_a_hand_off_has_no_reply(
        make_primary, tmp_path):
    file = tmp_path / "worker.js"
    file.write_text("""
        const cluster = require('cluster');
        require('net').createServer(
            c => c.end(cluster.worker.id + '\\n')).listen(0, '127.0.0.1');
        process.on('message', m => { for (;;); });""")
    primary = watched(make_primary, exec="node")
    primary.ask("setup protocol node", "^setup: 0")
    primary.ask(f"setup args {file}", "^setup: 0")
    hanging = primary.fork()
    port = int(primary.wait(r"^cluster listening 1 .* (\d+) fd")[1])
    primary.fork()
    primary.wait("^cluster listening 2")
    hanging.tell("hang")
    waiting = [connect(port) for _ in range(4)]
    primary.wait(rf"^cluster stuck 1 1: {HANGS} {LIMIT} ms$")
    assert spread(port, 4) == {2: 4}
    assert hanging.wait_exit() == "code -1 signal 15 stuck accidental"
    for one in waiting:  # what was handed to it, too
        assert one.recv(10) == b"2\n"
        one.close()


