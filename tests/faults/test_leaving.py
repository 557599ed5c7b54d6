"""QUIT answers everybody who came before it."""

import contextlib
import signal

import pytest

import figures
import inside
import wire
from conftest import PATIENCE
from counting import POLICIES, Counting, write_hello

CLIENTS = 50


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_answers_who_waits_in_the_accept_queue(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 2;",
                "keepalive_min_timeout 5s;")
    server.start()
    with contextlib.ExitStack() as stack:
        with inside.stopped(server.pid, *server.workers()):
            clients = [stack.enter_context(server.connect())
                       for _ in range(CLIENTS)]
            for client in clients[::2]:  # the others ask a little later
                client.request()
            server.signal(signal.SIGQUIT)
        for client in clients[1::2]:
            client.request()
        answered = 0
        for client in clients:
            with contextlib.suppress(wire.Closed, ConnectionError):
                answered += client.response().status == 200
    figures.show(f"QUIT with a full accept queue, {policy}",
                 f"{CLIENTS - answered} of {CLIENTS} requests lost")
    assert answered == CLIENTS
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_under_load_loses_nothing(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    with Counting(server) as load:
        load.wait_more(1000)
        server.signal(signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        tally = load.stop(f"QUIT under load, {policy}")
    # Who comes later is refused: that is what leaving means.
    assert tally["lost"] == tally["wrong"] == tally["reset"] == 0, tally
