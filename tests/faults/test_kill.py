"""Workers that die, or stand still, take nothing with them but what they had
begun."""

import time

import pytest

import between
import figures
import inside
import processes
from conftest import wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello
from killing import Kills

KILLS = 20
WORKERS = 4


def start(server, policy, main=""):
    write_hello(server,
                f"scheduling_policy {policy}; worker_processes {WORKERS};{main}")
    server.start()
    server.may_alert = True
    wait_until(lambda: len(server.workers()) == WORKERS, "all workers")


@pytest.mark.parametrize("policy", POLICIES)
def test_killed_workers_lose_only_what_was_inside(server, policy):
    start(server, policy)
    with Counting(server, with_wrk=True) as load:
        kills = Kills(server.port, load)
        for _ in range(KILLS):
            load.wait_more(200)
            victim = server.workers()[0]
            kills.kill(victim)
            wait_until(lambda: victim not in server.workers() and
                       len(server.workers()) == WORKERS, "a new worker")
        load.wait_more(200)
        case = f"{KILLS} workers killed, {policy}"
        tally = load.stop(case)
    figures.show(case, f"{kills.within} of its connections were inside them")
    kills.assert_account_for(tally)


@pytest.mark.parametrize("policy", ["round_robin", "least_conn", "shared"])
def test_beside_a_worker_that_stands_still_others_serve(server, policy):
    """What it has taken waits for it; nothing else does."""
    start(server, policy)
    victim = server.workers()[0]
    with Counting(server, close=16, late=4, pause=1) as load:
        load.wait_more(200)
        with inside.stopped(victim):
            [within] = between.connections(
                victim, server.port, load.process.pid)
            load.wait_more(2000)
        case = f"a worker stands still, {policy}"
        tally = load.stop(case)
    figures.show(case, f"{within} connections were inside it")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_worker_that_stands_still_for_ever_is_replaced(server, policy):
    """What it has not taken is served elsewhere, what it has is lost with it."""
    start(server, policy, "worker_watchdog 500ms;")
    before = server.workers()
    victim = before[0]
    with Counting(server, close=16, late=4, pause=1) as load:
        load.wait_more(200)
        began = time.monotonic()
        inside.stop(victim)
        [within] = between.connections(victim, server.port, load.process.pid)
        wait_until(lambda: set(server.workers()) - set(before), "a successor")
        replaced = time.monotonic() - began
        wait_until(lambda: not processes.is_alive(victim), "it to be ended")
        ended = time.monotonic() - began
        load.wait_more(500)
        case = f"a worker stopped, {policy}"
        tally = load.stop(case)
    figures.show(case, f"{within} connections were inside it, it was replaced"
                 f" after {replaced:.2f} s, ended after {ended:.2f} s")
    assert tally["complained"] + tally["closed"] <= within, tally
    assert {one["worker"] for one in tally["complaints"]} <= {0, victim}, tally
    assert tally["wrong"] == tally["refused"] == 0, tally
    assert replaced < 2 and ended < 4
