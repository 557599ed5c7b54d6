"""Workers that die are replaced; when the primary dies, nobody stays."""

import os
import signal
import time

import pytest

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


@pytest.mark.quick
def test_when_the_primary_is_killed_nobody_stays(hello):
    hello.may_alert = True
    family = processes.descendants(hello.pid)
    assert len(family) >= 3
    with hello.connect() as connection:
        connection.get()
        os.kill(hello.pid, signal.SIGKILL)
        hello.process.wait()
        wait_until(lambda: not any(map(processes.is_alive, family)),
                   "workers and template to leave")
        assert connection.is_closed()
    hello.pid_file.unlink()


@pytest.mark.quick
@pytest.mark.parametrize("daemon", ["off", "on"])
def test_when_the_primary_is_killed_not_even_a_stopped_worker_stays(
        server, daemon):
    """It has the listening socket, too."""
    server.write(main=f"daemon {daemon}; worker_watchdog off;"
                 f" scheduling_policy shared; pid {server.pid_file};")
    if daemon == "on":
        assert server.run().returncode == 0
        primary = int(server.pid_file.read_text())
    else:
        server.start()
        primary = server.pid
    server.may_alert = True
    wait_until(lambda: len(processes.children(primary, "worker")) == 2,
               "both workers")
    family = processes.descendants(primary)
    victim = processes.children(primary, "worker")[0]
    os.kill(victim, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(victim), "it to stand still")
    os.kill(primary, signal.SIGKILL)
    try:
        wait_until(lambda: not any(map(processes.is_alive, family)),
                   "all to leave")
    finally:
        if processes.is_alive(victim):
            os.kill(victim, signal.SIGKILL)
    if server.process:
        server.process.wait()
    server.pid_file.unlink()
    assert not wire.is_open(server.port)


def test_after_a_kill_of_the_primary_a_new_one_starts_at_once(hello):
    hello.may_alert = True
    family = processes.descendants(hello.pid)
    os.kill(hello.pid, signal.SIGKILL)
    hello.process.wait()
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
    hello.start()  # beside the stale pid file
    assert hello.get().status == 200


@pytest.mark.parametrize("policy", POLICIES)
def test_when_the_primary_is_killed_requests_in_progress_are_answered(
        server, policy):
    """Also what the client has still to send the rest of."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    server.may_alert = True
    family = processes.descendants(server.pid)
    with server.connect() as connection:
        connection.get()
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        connection.send(b"\r\n")
        response = connection.response()
        assert response.status == 200
        assert response["Connection"] == "close"
        assert connection.is_closed()
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")


@pytest.mark.parametrize("policy", POLICIES)
def test_who_is_still_answered_keeps_no_new_primary_from_starting(
        server, policy):
    """The workers have left the port at once."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    server.may_alert = True
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        wait_until(lambda: not wire.is_open(server.port), "the port to be free")
        server.start()
        assert server.get().status == 200


@pytest.mark.parametrize("policy", ["shared", "reuseport"])
def test_when_the_primary_is_killed_workers_take_what_waits(server, policy):
    """Connections in the queues of their sockets, which end with them."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 1;")
    server.start()
    server.may_alert = True
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        waiting = [server.connect() for _ in range(50)]
        for connection in waiting:
            connection.request()
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
    finally:
        os.kill(worker, signal.SIGCONT)
    for connection in waiting:
        assert connection.response().status == 200
        connection.close()


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

    first = settled()
    for _ in range(10):
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: victim not in server.workers() and
                   len(server.workers()) == 2, "a new worker")
    wait_until(lambda: settled() <= first, "the primary's descriptors")
