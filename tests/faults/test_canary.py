"""A generation on trial under load: promoted or taken back, nothing is lost."""

import pytest

import admin
import figures
from conftest import wait_until
from counting import HELLO, Counting, assert_nothing_lost

POLICIES = ["round_robin", "least_conn"]
SHARE = 10  # of 100 new connections


def write(server, policy, status, time):
    server.write(f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return {status} "{HELLO.decode().strip()}\\n"; }}
        }}""", main=f"scheduling_policy {policy}; worker_processes 2;"
             f"reload_canary {SHARE}% {time};")


def reload(server):
    return admin.ask(server, "POST", "/v1/reload")


@pytest.mark.parametrize("policy", POLICIES)
def test_one_that_answers_500_is_taken_back(server, policy):
    write(server, policy, 200, "10s")
    server.start()
    before = server.workers()
    write(server, policy, 500, "10s")
    with Counting(server, close=8, pause=4) as load:
        load.wait_more(200)
        first = load.tally()["connections"]
        answer = reload(server)
        tried = load.tally()["connections"] - first
        assert answer.status == 500, answer.body
        assert b"the canary fails too often" in answer.body
        load.wait_more(500)
        case = f"a canary that answers 500, {policy}"
        tally = load.stop(case)
    figures.show(case, f"{tally['wrong']} of {tried} connections affected")
    for key in ("lost", "reset", "refused", "closed"):
        assert tally[key] == 0, tally
    assert 0 < tally["wrong"] <= tried * SHARE / 100 + load.clients
    wait_until(lambda: server.workers() == before, "those on trial to leave")


@pytest.mark.parametrize("policy", POLICIES)
def test_good_ones_are_promoted_and_lose_nothing(server, policy):
    write(server, policy, 200, "300ms")
    server.start()
    times = figures.rounds(3, 20)
    with Counting(server, with_wrk=True) as load:
        for _ in range(times):
            answer = reload(server)
            assert answer.status == 200, answer.body
            load.wait_more(200)
        tally = load.stop(f"{times} canaries promoted, {policy}")
    assert_nothing_lost(tally)
