"""WINCH for worker groups: their workers leave, and come again."""

from __future__ import annotations

import os
import signal

import pytest

import load
import processes
import wire
from cluster import EXAMPLES, connect
from conftest import wait_until
from groups import group, needs_node, node_program, who
from upgrading import Upgrading

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
KINDS = [*(f"cohort {policy}" for policy in POLICIES),
         *(pytest.param(f"node {policy}", marks=needs_node)
           for policy in ["round_robin", "shared"])]

HELLO = """
require('http').createServer((request, response) => {
    response.setHeader('Connection', 'close');
    response.end('hello world\\n');
}).listen(process.env.LISTEN, '127.0.0.1');
"""

# Keeps its clients.
KEEP = """
require('net').createServer(client => client.write('x'))
    .listen(process.env.LISTEN, '127.0.0.1');
"""


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


def write(server, kind: str, port: int, settings: str = "") -> None:
    """Two workers of a program."""
    protocol, policy = kind.split()
    settings += f"processes 2; scheduling_policy {policy};"
    if protocol == "node":
        node_program(server, HELLO)
        server.write(main=group(server, "app", port, settings))
    else:
        server.write(main=f"""
            worker_group app {{
                exec {EXAMPLES}/cluster_hello;
                args 127.0.0.1:{port};
                protocol cohort;
                {settings}
            }}""")


def programs(primary: int) -> list[int]:
    return (processes.children(primary, "node") +
            processes.children(primary, "cluster_hello"))


def pause(server) -> None:
    server.signal(signal.SIGWINCH)
    wait_until(lambda: not programs(server.pid), "its workers to leave")


def ask(port: int) -> wire.Connection:
    client = wire.Connection("127.0.0.1", port)
    client.request(connection="close")
    return client


def answered(clients: list[wire.Connection]) -> int:
    count = 0
    for one in clients:
        with one:
            count += one.response().status == 200
    return count


# -- and come again by a reload ----------------------------------------------------

@pytest.mark.parametrize("settings", ["", "env CHANGED=1;"],
                         ids=["same", "changed"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_while_there_are_no_workers_waits_for_the_next_ones(
        server, free_port, kind, settings):
    port = free_port()
    write(server, kind, port)
    server.start()
    pause(server)
    clients = [ask(port) for _ in range(10)]
    write(server, kind, port, settings)
    assert server.run("-s", "reload").returncode == 0
    assert answered(clients) == 10
    assert len(programs(server.pid)) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_workers_have_been_given_is_answered_before_they_leave(
        server, free_port, kind):
    port = free_port()
    write(server, kind, port, "worker_watchdog off;")
    server.start()
    for pid in programs(server.pid):
        os.kill(pid, signal.SIGSTOP)
    clients = [ask(port) for _ in range(2)]
    server.signal(signal.SIGWINCH)
    server.wait_log("draining all workers")
    for pid in programs(server.pid):
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not programs(server.pid), "its workers to leave")
    clients += [ask(port) for _ in range(2)]
    assert server.run("-s", "reload").returncode == 0
    assert answered(clients) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_lost_meanwhile(server, free_port, kind):
    port = free_port()
    write(server, kind, port)
    server.start()
    with load.Load(port, threads=8, requests_per_connection=1) as run:
        wait_until(lambda: run.answered >= 100, "100 answers")
        pause(server)
        server.signal(signal.SIGHUP)
        before = run.answered
        wait_until(lambda: run.answered >= before + 100, "100 more")
        tally = run.stop()
    assert not tally.lost, tally.lost[:3]


@needs_node
def test_one_that_was_paused_may_be_left_out(server, free_port):
    port = free_port()
    write(server, "node round_robin", port)
    server.start()
    pause(server)
    server.write()
    assert server.run("-s", "reload").returncode == 0
    wait_until(lambda: not wire.is_open(port), "its address to be closed")


@needs_node
def test_an_address_that_the_next_ones_do_not_have_is_closed(server, free_port):
    port, other = free_port(), free_port()
    node_program(server, """
const fs = require('fs');
const answer = (request, response) => response.end('x');
require('http').createServer(answer).listen(process.env.LISTEN, '127.0.0.1');
if (!fs.existsSync('less')) {
    require('http').createServer(answer).listen(process.env.OTHER, '127.0.0.1');
}
""")
    server.write(main=group(server, "app", port,
                            f"processes 2; env OTHER={other};"))
    server.start()
    wait_until(lambda: wire.is_open(other), "the second address")
    pause(server)
    (server.folder / "less").touch()
    assert wire.is_open(other)
    assert server.run("-s", "reload").returncode == 0
    wait_until(lambda: not wire.is_open(other), "it to be closed")
    assert who(port) == "x"


# -- an upgrade that is taken back -------------------------------------------------

def take_back_by_term(server, old: int, new: int) -> None:
    os.kill(new, signal.SIGTERM)
    server.wait_gone(new)


def take_back_by_hup(server, old: int, new: int) -> None:
    os.kill(old, signal.SIGHUP)
    wait_until(lambda: len(programs(old)) == 2, "workers of the old one")
    take_back_by_term(server, old, new)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("take_back", [take_back_by_term, take_back_by_hup])
def test_workers_come_again_when_an_upgrade_is_taken_back(
        upgrading, free_port, kind, take_back):
    port = free_port()
    write(upgrading, kind, port)
    upgrading.start()
    old = upgrading.primary
    new = upgrading.begin()
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not programs(old), "its workers to leave")
    take_back(upgrading, old, new)
    wait_until(lambda: len(programs(old)) == 2, "its workers to come again")
    assert who(port) == "hello world\n"


@needs_node
def test_others_come_for_workers_that_still_finish(upgrading, free_port):
    port = free_port()
    node_program(upgrading, KEEP)
    upgrading.write(main=group(upgrading, "app", port, "processes 1;"))
    upgrading.start()
    old = upgrading.primary
    busy, = programs(old)
    with connect(port) as client:
        assert client.recv(1) == b"x"
        new = upgrading.begin()
        os.kill(old, signal.SIGWINCH)
        wait_until(lambda: "draining all workers" in upgrading.log(), "WINCH")
        take_back_by_term(upgrading, old, new)
        wait_until(lambda: len(programs(old)) == 2, "another one beside it")
        with connect(port) as another:
            assert another.recv(1) == b"x"
    wait_until(lambda: busy not in programs(old), "the first one to leave")
    assert len(programs(old)) == 1
