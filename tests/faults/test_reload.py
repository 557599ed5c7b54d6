"""Reloads under load lose nothing; one that fails changes nothing."""

import json
import random
import signal

import pytest

import admin
from conftest import wait_until
from counting import (
    POLICIES, WRK, Counting, Wrk, assert_nothing_lost, write_hello)
from figures import rounds


def reload(server):
    answer = admin.ask(server, "POST", "/v1/reload")
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


@pytest.mark.parametrize("policy", POLICIES)
def test_reloads_lose_nothing(server, policy):
    write_hello(server, f"scheduling_policy {policy};")
    server.start()
    times = rounds(10, 50)
    with Counting(server) as load:
        for _ in range(times):
            reload(server)
            load.wait_more(rounds(500, 2500))
        tally = load.stop(f"{times} reloads, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_long_responses_stay_whole(server, policy):
    """Each byte of each response is compared."""
    body = random.Random(policy).randbytes(2_000_000)
    (server.folder / "file").write_bytes(body)
    server.write(f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}",
                 main=f"scheduling_policy {policy};")
    server.start()
    times = rounds(5, 30)
    with Counting(server, body, path="/file", keep=4, close=4, late=8) as load:
        for _ in range(times):
            reload(server)
            load.wait_more(20)
        tally = load.stop(f"{times} reloads in 2 MB responses, {policy}")
    assert_nothing_lost(tally)
    assert tally["bytes_received"] >= tally["answered"] * len(body)


@pytest.mark.skipif(not WRK, reason="wrk is not installed")
@pytest.mark.parametrize("policy", POLICIES)
def test_wrk_notices_no_reload(server, policy):
    write_hello(server, f"scheduling_policy {policy};")
    server.start()
    times = rounds(3, 20)
    with Wrk(server) as load:
        for _ in range(times):
            reload(server)
        assert load.stop(f"{times} reloads, {policy}") == 0


def test_a_broken_configuration_loses_nothing(server):
    write_hello(server)
    server.start()
    server.may_alert = True
    before = server.workers()
    times = rounds(10, 50)
    with Counting(server) as load:
        for number in range(times):
            server.write("server { listen 127.0.0.1:PORT; lokation / { } }")
            if number % 2:
                answer = admin.ask(server, "POST", "/v1/reload")
                assert answer.status == 422, answer.body
                assert b"cohort.conf:" in answer.body
            else:
                server.signal(signal.SIGHUP)
                server.wait_log(r"reload: kept generation 1", number + 1)
            load.wait_more(20)
        tally = load.stop(f"{times} broken reloads")
    assert_nothing_lost(tally)
    assert server.workers() == before
    write_hello(server)
    reload(server)
    wait_until(lambda: not set(before) & set(server.workers()),
               "the old workers to leave")
