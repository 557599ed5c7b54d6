"""Addresses come and go by reload, and sockets are closed, under load."""

import contextlib
import signal
import time

import pytest

import admin
import figures
import wire
from conftest import wait_until
from counting import POLICIES, Counting, assert_nothing_lost

CLIENTS = 20
# How long those who have connected to a deferred address say nothing: longer than
# a socket on loopback is kept for others; longer than it is kept for them.
SILENT_S = [0.3, 2.5] if figures.IS_LONG else [0.3]


def write(server, policy, *addresses):
    listens = "".join(f"listen 127.0.0.1:{one};" for one in addresses)
    server.write(f"""
        add_header X-Worker $pid;
        server {{
            {listens}
            location / {{ return 200 "hello world\\n"; }}
        }}""", main=f"scheduling_policy {policy}; worker_processes 2;")


def reload(server):
    answer = admin.ask(server, "POST", "/v1/reload")
    assert answer.status == 200, answer.body


class Elsewhere:
    """Another port of a server, for who counts there."""

    def __init__(self, server, port):
        self.port = port
        self.folder = server.folder / "elsewhere"
        self.folder.mkdir()


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_comes_and_goes(server, free_port, policy):
    """Whoever has connected to it is answered, whoever asks elsewhere notices
    nothing. It comes back when it has gone, or while it is being emptied."""
    second = free_port()
    write(server, policy, server.port, second)
    server.start()
    times = figures.rounds(4, 20)
    with Counting(server) as kept, \
            Counting(Elsewhere(server, second)) as going:
        for number in range(times):
            write(server, policy, server.port)
            before = going.tally()["refused"]
            reload(server)
            if number % 2 == 0:
                wait_until(lambda: going.tally()["refused"] > before,
                           "the address to go")
            write(server, policy, server.port, second)
            reload(server)
            kept.wait_more(200)
            going.wait_more(200)
        case = f"an address comes and goes {times} times, {policy}"
        tally = going.stop(f"{case}, there")
        assert_nothing_lost(kept.stop(f"{case}, elsewhere"))
    assert tally["lost"] == tally["wrong"] == tally["reset"] == 0, tally


# -- deferred accept -------------------------------------------------------------
# The kernel shows a connection to nobody before its client has spoken.


def write_deferred(server, policy, *ports):
    write(server, policy, *(f"{port} deferred" for port in ports))


def show(how, answered):
    asked = CLIENTS * len(SILENT_S)
    figures.show(f"held back by deferred accept, {how}",
                 f"{asked - answered} of {asked} requests lost")
    assert answered == asked


def answered_after(port, leave):
    """How many have an answer of those who had connected before the server
    began to leave their socket, and speak later."""
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        groups = [[stack.enter_context(wire.Connection("127.0.0.1", port))
                   for _ in range(CLIENTS)] for _ in SILENT_S]
        leave()
        answered = 0
        for silent, clients in zip(SILENT_S, groups):
            time.sleep(max(0, began + silent - time.monotonic()))
            for client in clients:
                with contextlib.suppress(wire.Closed, ConnectionError):
                    client.request(connection="close")
                    answered += client.response().status == 200
    return answered


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_answers_who_was_held_back(server, policy):
    write_deferred(server, policy, server.port)
    server.start()
    show(f"QUIT, {policy}", answered_after(
        server.port, lambda: server.signal(signal.SIGQUIT)))


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_that_goes_answers_who_was_held_back(
        server, free_port, policy):
    second = free_port()
    write_deferred(server, policy, server.port, second)
    server.start()
    write_deferred(server, policy, server.port)
    show(f"an address goes, {policy}",
         answered_after(second, lambda: reload(server)))


def test_a_worker_that_goes_leaves_nobody_held_back(server):
    """Where each has a socket of its own."""
    write_deferred(server, "reuseport", server.port)
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "both workers")
    show("one worker less, reuseport", answered_after(
        server.port, lambda: server.signal(signal.SIGTTOU)))
    wait_until(lambda: len(server.workers()) == 1, "one worker")
