"""Groups that leave: by a reload, with the server, or for the sake of another
primary; while clients wait for them, or stay."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time

import pytest

import admin
import wire
from cluster import connect
from conftest import BINARY, PATIENCE, wait_until
from groups import ANSWER, group, needs_node, node_program, node_workers

LIMIT = "worker_shutdown_timeout 1s;"

# Has room for one client, and keeps it.
FULL = """
const server = require('net').createServer(client => client.write('x'));
server.maxConnections = 1;
server.listen(process.env.LISTEN, '127.0.0.1');
"""

# Begins to answer, and does not end.
HANG = """
require('http').createServer((request, response) => response.write('x'))
    .listen(process.env.LISTEN, '127.0.0.1');
"""

# Keeps its clients, and survives TERM.
KEEP = """
process.on('SIGTERM', () => {});
require('net').createServer(client => client.write('x'))
    .listen(process.env.LISTEN, '127.0.0.1');
"""


def start(server, program: str, port: int, main: str = "") -> None:
    """One worker."""
    server.may_alert = True
    node_program(server, program)
    server.write(main=main + group(server, "app", port, "processes 1;"))
    server.start()


def ctl(server, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), *words],
        capture_output=True, text=True, timeout=60)


def assert_leaves(server) -> None:
    assert server.process.wait(PATIENCE) == 0


# -- clients that wait to be accepted ----------------------------------------------

def leave(server, how: str, main: str = "") -> None:
    """With the server, or by a reload."""
    if how == "quit":
        server.signal(signal.SIGQUIT)
        server.wait_log("quitting")
    else:
        server.write(main=main)
        assert server.run("-s", "reload").returncode == 0


@needs_node
@pytest.mark.parametrize("how", ["quit", "reload"])
def test_nobody_is_waited_for_once_the_last_worker_is_dead(
        server, free_port, how):
    port = free_port()
    start(server, ANSWER, port)
    worker, = node_workers(server)
    os.kill(worker, signal.SIGSTOP)
    waiting = [connect(port) for _ in range(4)]
    leave(server, how)
    os.kill(worker, signal.SIGKILL)
    if how == "reload":
        wait_until(lambda: not wire.is_open(port), "the address to be closed")
        server.signal(signal.SIGQUIT)
    assert_leaves(server)
    for one in waiting:
        one.close()


@needs_node
@pytest.mark.parametrize("how", ["quit", "reload"])
def test_who_has_no_room_is_waited_for_no_longer_than_it_may_take(
        server, free_port, how):
    port = free_port()
    start(server, FULL, port, LIMIT)
    served = connect(port)
    assert served.recv(1) == b"x"
    waiting = [connect(port) for _ in range(5)]
    leave(server, how, LIMIT)
    server.wait_log("the worker group app leaves though somebody waits")
    wait_until(lambda: not wire.is_open(port), "the address to be closed")
    served.close()
    wait_until(lambda: not node_workers(server), "the worker to leave")
    if how == "quit":
        assert_leaves(server)
    for one in waiting:
        one.close()


@needs_node
def test_an_address_where_nobody_waits_may_be_watched_for_longer(
        server, free_port):
    """For a second, as it is not loopback's alone."""
    port = free_port()
    start(server, ANSWER.replace("127.0.0.1", "0.0.0.0"), port,
          "worker_shutdown_timeout 800ms;")
    leave(server, "quit")
    assert_leaves(server)
    assert "somebody waits to be accepted" not in server.log()
    assert "does not leave in time" not in server.log()


@needs_node
@pytest.mark.alone
def test_worker_shutdown_timeout_is_not_counted_twice(server, free_port):
    """Once for who is not taken, and once more for who is not answered."""
    port = free_port()
    start(server, FULL, port, "worker_shutdown_timeout 2s;")
    with connect(port) as served, contextlib.ExitStack() as waiting:
        assert served.recv(1) == b"x"
        for _ in range(5):
            waiting.enter_context(connect(port))
        began = time.monotonic()
        leave(server, "quit")
        assert_leaves(server)
        assert 1.9 < time.monotonic() - began < 3.5


# -- workers that do not finish ----------------------------------------------------

@needs_node
@pytest.mark.parametrize("how", ["quit", "reload"])
def test_worker_shutdown_timeout_ends_a_worker_that_does_not_finish(
        server, free_port, how):
    port = free_port()
    start(server, HANG, port, LIMIT)
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(9) == b"HTTP/1.1 "
        leave(server, how, LIMIT)
        server.wait_log(r"worker \d+ .* does not leave in time: SIGTERM")
        wait_until(lambda: not node_workers(server), "the worker to leave")
    if how == "quit":
        assert_leaves(server)


@needs_node
def test_old_generations_of_groups_never_pile_up(server, free_port):
    """A group may be older than the generation that it leaves with."""
    port = free_port()
    few = "max_old_generations 2;"
    start(server, KEEP, port, few)
    assert server.run("-s", "reload").returncode == 0
    clients = []

    def hold() -> None:
        clients.append(connect(port))
        assert clients[-1].recv(1) == b"x"

    def reload(*words: str) -> subprocess.CompletedProcess[str]:
        settings = f"processes 1; env ROUND={len(clients)};"
        server.write(main=few + group(server, "app", port, settings))
        return ctl(server, "reload", *words)

    for _ in range(2):
        hold()
        done = reload()
        assert done.returncode == 0, done.stderr
    hold()
    oldest = node_workers(server)[0]
    refused = reload()
    assert refused.returncode == 1
    assert "2 old generations still finish requests" in refused.stderr
    assert len(node_workers(server)) == 3

    forced = reload("--force")
    assert forced.returncode == 0, forced.stderr
    server.wait_log("ending generation 2 at once, with the requests of its 1 ")
    wait_until(lambda: oldest not in node_workers(server), "the oldest to end")
    assert len(node_workers(server)) == 3
    assert clients[0].recv(1) == b""
    for client in clients:
        client.close()
    wait_until(lambda: len(node_workers(server)) == 1, "the old ones to leave")
    # The primary may not know yet.
    wait_until(lambda: reload().returncode == 0, "room for another one")
