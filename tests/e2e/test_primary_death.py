"""When the primary dies, its workers answer what they have, and nobody stays."""

import os
import signal
import time

import pytest

import lasting
import processes
import wire
from conftest import IS_SANITIZED, wait_until
from trouble import trouble  # noqa: F401

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
# Until the last process has gone; a sanitizer looks for leaks at each end.
LIMIT_S = 5 if IS_SANITIZED else 1
LIFE_S = 0.9  # workers have so long to be through (COH_SPAWN_ORPHAN_LIFE_MS)


def end(server, number=signal.SIGKILL):
    """Its primary dies of the signal; when it was dead."""
    server.may_alert = True
    server.signal(number)
    server.process.wait()
    return time.monotonic()


def assert_all_leave(family, dead):
    """The promise is a second, however long a test might wait."""
    took = lasting.seconds_while(
        lambda: any(map(processes.is_alive, family)),
        "workers, template and helper to leave", dead)
    print(f"gone after {took:.3f} s")
    assert took < LIMIT_S


def wait_spinning(pid):
    used = processes.cpu_time(pid)
    wait_until(lambda: processes.cpu_time(pid) > used + 0.05, "it to spin")


# -- nobody stays --------------------------------------------------------------


@pytest.mark.alone
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV,
                                    signal.SIGABRT])
def test_whatever_the_primary_dies_of_nobody_stays(hello, number):
    family = processes.descendants(hello.pid)
    assert len(family) >= 3
    with hello.connect() as connection:
        connection.get()
        dead = end(hello, number)
        assert_all_leave(family, dead)
        assert connection.is_closed()
    assert not wire.is_open(hello.port)


@pytest.mark.alone
@pytest.mark.parametrize("daemon", ["off", "on"])
def test_not_even_a_stopped_worker_stays(server, daemon):
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
    wait_until(lambda: not processes.is_alive(primary), "the primary's death")
    dead = time.monotonic()
    try:
        assert_all_leave(family, dead)
    finally:
        if processes.is_alive(victim):
            os.kill(victim, signal.SIGKILL)
    if server.process:
        server.process.wait()
    assert not wire.is_open(server.port)


@pytest.mark.alone
@pytest.mark.parametrize("policy", POLICIES)
def test_not_even_a_worker_that_hangs_stays(trouble, policy):
    """It never comes back to its loop, where it would hear of it."""
    trouble.write(f"scheduling_policy {policy}; worker_processes 1;"
                  " worker_watchdog off;")
    trouble.start()
    family = processes.descendants(trouble.pid)
    with trouble.connect() as connection:
        connection.request(path="/spin?600000")
        wait_spinning(trouble.workers()[0])
        dead = end(trouble)
        assert_all_leave(family, dead)
    assert not wire.is_open(trouble.port)


@pytest.mark.quick
def test_a_new_primary_starts_at_once(hello):
    family = processes.descendants(hello.pid)
    end(hello)
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
    hello.start()  # beside the stale pid file
    assert hello.get().status == 200


# -- what workers have is answered -----------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("policy", POLICIES)
def test_requests_in_progress_are_answered(server, policy):
    """Also what the client has still to send the rest of."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    response = None
    for times in range(1, 6):  # until we are not too late ourselves
        server.start()
        family = processes.descendants(server.pid)
        with server.connect() as connection:
            connection.get()
            connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            began = time.monotonic()
            end(server)
            server.wait_log("the primary is gone, leaving", 2 * times)  # both
            try:
                connection.send(b"\r\n")
                response = connection.response()
                assert connection.is_closed()
            except (OSError, wire.Closed):
                assert time.monotonic() - began > LIFE_S
        wait_until(lambda: not any(map(processes.is_alive, family)),
                   "all to leave")
        if response:
            break
    assert response, "nobody was answered"
    assert response.status == 200
    assert response["Connection"] == "close"


@pytest.mark.parametrize("policy", POLICIES)
def test_who_is_still_answered_keeps_no_new_primary_from_starting(
        server, policy):
    """The workers have left the port at once."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    with server.connect() as connection:
        connection.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        end(server)
        wait_until(lambda: not wire.is_open(server.port), "the port to be free")
        server.start()
        assert server.get().status == 200


@pytest.mark.parametrize("policy", ["shared", "reuseport"])
def test_workers_take_what_waits(server, policy):
    """Connections in the queues of their sockets, which end with them."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 1;")
    server.start()
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        waiting = [server.connect() for _ in range(50)]
        for connection in waiting:
            connection.request()
        end(server)
    finally:
        os.kill(worker, signal.SIGCONT)
    for connection in waiting:
        assert connection.response().status == 200
        connection.close()
