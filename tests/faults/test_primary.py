"""The primary dies under load: its workers answer what they have, nobody stays,
and the next one starts at once."""

import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import figures
import inside
import lasting
import processes
from conftest import IS_SANITIZED
from counting import POLICIES, Counting, write_hello

WORKERS = 2
# Seconds until the next one serves, and until the last process has gone.
LIMIT_S = 5 if IS_SANITIZED else 1


def exchange(server):
    """Kill the primary and start the next one beside what is left of it;
    seconds until that serves, and until nothing is left."""
    family = processes.descendants(server.pid)
    server.signal(signal.SIGKILL)
    server.process.wait()
    dead = time.monotonic()
    with ThreadPoolExecutor(1) as beside:
        leaving = beside.submit(
            inside.seconds_until,
            lambda: not any(map(processes.is_alive, family)),
            "all processes to leave")
        server.spawn()
        served = lasting.seconds_while(
            lambda: not server.workers(), "the next one's workers", dead)
        server.wait_ready()
        return served, leaving.result()


def assert_only_newcomers_are_lost(tally, limit):
    """Whoever a worker has begun to answer, or answered before, is answered."""
    assert tally["wrong"] == 0, tally
    assert tally["lost"] <= limit and tally["reset"] <= limit, tally
    for one in tally["complaints"]:
        assert one["worker"] == one["received"] == 0, tally


@pytest.mark.parametrize("policy", POLICIES)
def test_when_it_is_killed_the_next_one_starts_at_once(server, policy):
    """Lost is what it had accepted and not handed over, and what waited in its
    queue: at most a connection of each client. Where workers accept they take
    what waits; lost is who comes between its last accept and its close."""
    write_hello(server,
                f"scheduling_policy {policy}; worker_processes {WORKERS};")
    server.start()
    server.may_alert = True
    case = f"the primary killed, {policy}"
    for _ in range(figures.rounds(1, 10)):
        with Counting(server) as load, server.connect() as unfinished:
            unfinished.send(b"GET / HTTP/1.1\r\n")  # is waited for
            load.wait_more(200)
            served, left = exchange(server)
            load.wait_more(200)
            tally = load.stop(case)
        figures.show(case, f"served again after {served:.3f} s,"
                     f" workers gone after {left:.3f} s")
        assert served < LIMIT_S and left < LIMIT_S
        assert_only_newcomers_are_lost(
            tally, WORKERS if policy in ("shared", "reuseport")
            else load.clients)
