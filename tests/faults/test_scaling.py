"""Workers come and go under load."""

import signal

import pytest

import admin
from conftest import PATIENCE, wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello
from figures import rounds

MANY = 8


def scale(server, count):
    answer = admin.ask(
        server, "PATCH", "/v1/groups/main", {"processes": count})
    assert answer.status == 200, answer.body


def signal_to(server, count):
    """One signal at a time: two that wait count as one."""
    while (now := len(server.workers())) != count:
        up = now < count
        server.signal(signal.SIGTTIN if up else signal.SIGTTOU)
        goal = now + 1 if up else now - 1
        wait_until(lambda: len(server.workers()) == goal, f"{goal} workers",
                   2 * PATIENCE)


@pytest.mark.parametrize("policy", POLICIES)
def test_scaling_by_the_admin_socket(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 1;")
    server.start()
    times = rounds(2, 10)
    with Counting(server, with_wrk=True) as load:
        for _ in range(times):
            for count in (MANY, 1):
                scale(server, count)
                load.wait_more(rounds(500, 2000))
            wait_until(lambda: len(server.workers()) == 1, "one worker",
                       2 * PATIENCE)
        tally = load.stop(f"{times} times 1 -> {MANY} -> 1 workers, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_scaling_by_signals(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 1;")
    server.start()
    with Counting(server, with_wrk=True) as load:
        for count in (rounds(4, MANY), 1):
            signal_to(server, count)
        load.wait_more(500)
        tally = load.stop(f"workers one by one, by signals, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_replacing_all_workers(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 3;")
    server.start()
    with Counting(server, with_wrk=True) as load:
        for _ in range(rounds(1, 5)):
            serving = [worker for worker in admin.workers(server)
                       if worker["state"] == "serving"]
            for worker in serving:
                answer = admin.ask(
                    server, "POST", f"/v1/workers/{worker['id']}/replace")
                assert answer.status == 200, answer.body
            load.wait_more(500)
        tally = load.stop(f"workers replaced one by one, {policy}")
    assert_nothing_lost(tally)
