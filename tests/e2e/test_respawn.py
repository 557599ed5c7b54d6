"""Workers that die are replaced, and so is the template."""

import os
import signal
import time

import pytest

import admin
import load
import processes
import wire
from conftest import wait_until

POLICIES = ["round_robin", "shared", "reuseport"]


@pytest.mark.quick
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM,
                                    signal.SIGSEGV])
def test_a_worker_that_dies_is_replaced_at_once(hello, number):
    hello.may_alert = True
    before = hello.workers()
    os.kill(before[0], number)
    wait_until(lambda: len(hello.workers()) == 2 and
               before[0] not in hello.workers(), "a new worker")
    assert before[1] in hello.workers()
    assert hello.get().status == 200
    if number != signal.SIGTERM:
        hello.wait_log(rf"\[alert\].*{before[0]}.*signal {int(number)}")


@pytest.mark.parametrize("policy", POLICIES)
def test_killed_workers_lose_only_what_was_inside(server, policy):
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    server.may_alert = True
    kills, threads = 10, 4
    with load.Load(server.port, threads, requests_per_connection=1) as run:
        for _ in range(kills):
            goal = run.answered + 50
            wait_until(lambda: run.answered >= goal, "50 more answers")
            workers = server.workers()
            os.kill(workers[0], signal.SIGKILL)
            wait_until(lambda: workers[0] not in server.workers() and
                       len(server.workers()) == 2, "a new worker")
        tally = run.stop()
    assert len(tally.lost) <= kills * threads
    assert tally.answered > kills * 50


def test_a_stopped_worker_keeps_nobody_waiting(server):
    """What it has not taken is served by another (round robin hand-off)."""
    server.write(main="scheduling_policy round_robin; worker_processes 2;"
                 "worker_watchdog off;")
    server.start()
    stopped = server.workers()[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        for _ in range(100):
            began = time.monotonic()
            assert server.get().status == 200
            assert time.monotonic() - began < 5
    finally:
        os.kill(stopped, signal.SIGCONT)
    for _ in range(100):
        assert server.get().status == 200


def test_a_template_that_dies_is_started_again(hello):
    hello.may_alert = True
    template = hello.templates()[0]
    os.kill(template, signal.SIGKILL)
    wait_until(lambda: any(found != template for found in hello.templates()),
               "a new template")
    worker = hello.workers()[0]
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: len(hello.workers()) == 2 and
               worker not in hello.workers(), "a new worker")
    assert hello.get().status == 200


def test_killing_under_load_leaves_descriptors_flat(server):
    server.write(main="worker_processes 2;")
    server.start()
    server.may_alert = True

    def settled():
        with wire.Connection("127.0.0.1", server.port) as connection:
            connection.get()
        return processes.descriptors(server.pid)

    admin.get(server, "/v1/status")  # the helper is there, too
    first = settled()
    for _ in range(10):
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in server.workers() and
                   len(server.workers()) == 2, "a new worker")
    wait_until(lambda: settled() <= first, "the primary's descriptors")
