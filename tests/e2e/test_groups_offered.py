"""Connections that the primary has accepted for a group, and that its workers
have not taken yet when it leaves."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

import processes
from conftest import PATIENCE, wait_until
from groups import ANSWER, group, needs_node, node_program, node_workers
from test_groups_cohort import block, programs
from test_groups_sockets import REQUEST, is_answered
from upgrading import Upgrading

POLICIES = ["round_robin", "least_conn"]
COUNT = 10  # one worker is offered as many at once


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


def offer(port: int, count: int = COUNT) -> list[socket.socket]:
    """Clients that the primary has accepted, and that no worker takes."""
    clients = [socket.create_connection(("127.0.0.1", port), PATIENCE)
               for _ in range(count)]
    wait_until(lambda: processes.accepted(port) == count,
               "the primary to have accepted them")
    return clients


def serve(workers: list[int], clients: list[socket.socket]) -> None:
    """The workers go on, but not before they would have been told to leave, of
    which nothing tells."""
    time.sleep(0.1)
    for client in clients:
        client.sendall(REQUEST)
    for worker in workers:
        os.kill(worker, signal.SIGCONT)
    assert [is_answered(client) for client in clients] == [True] * len(clients)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_quit_waits_until_they_are_taken(server, free_port, policy):
    port = free_port()
    server.write(main=block(
        port, f"processes 2; scheduling_policy {policy}; worker_watchdog off;"))
    server.start()
    workers = programs(server)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    clients = offer(port)
    server.signal(signal.SIGQUIT)
    server.wait_log("quitting")
    serve(workers, clients)
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_so_does_the_old_primary_after_an_upgrade(upgrading, free_port, policy):
    port = free_port()
    upgrading.write(main=block(
        port, f"processes 2; scheduling_policy {policy}; worker_watchdog off;"))
    upgrading.start()
    old = upgrading.primary
    workers = processes.children(old, "cluster_hello")
    new = upgrading.begin()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    os.kill(new, signal.SIGSTOP)  # or it would accept some of them
    clients = offer(port)
    os.kill(new, signal.SIGCONT)
    os.kill(old, signal.SIGQUIT)
    upgrading.wait_log("quitting")
    serve(workers, clients)
    upgrading.wait_gone(old)


def test_no_longer_than_worker_shutdown_timeout(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main="worker_shutdown_timeout 500ms;" + block(
        port, "processes 1; worker_watchdog off;"))
    server.start()
    os.kill(programs(server)[0], signal.SIGSTOP)
    clients = offer(port)
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0
    for client in clients:
        client.close()


def test_nor_for_one_that_is_gone(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main=block(port, "processes 1; worker_watchdog off;"))
    server.start()
    worker, = programs(server)
    os.kill(worker, signal.SIGSTOP)
    clients = offer(port)
    server.signal(signal.SIGQUIT)
    server.wait_log("quitting")
    os.kill(worker, signal.SIGKILL)
    assert server.process.wait(PATIENCE) == 0
    for client in clients:
        client.close()


def test_a_signal_ends_the_wait(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main=block(port, "processes 1; worker_watchdog off;"))
    server.start()
    os.kill(programs(server)[0], signal.SIGSTOP)
    clients = offer(port)
    server.signal(signal.SIGQUIT)
    server.wait_log("quitting")
    server.signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    for client in clients:
        client.close()


@needs_node
def test_node_workers_take_theirs_one_after_the_other(server, free_port):
    port = free_port()
    node_program(server, ANSWER.replace(
        "String(cluster.worker.id)", "'hello world\\n'"))
    server.write(main=group(
        server, "app", port, "processes 1; worker_watchdog off;"))
    server.start()
    workers = node_workers(server)
    os.kill(workers[0], signal.SIGSTOP)
    clients = offer(port, 1)
    clients += [socket.create_connection(("127.0.0.1", port), PATIENCE)
                for _ in range(2)]  # no credit: these wait in the socket
    server.signal(signal.SIGQUIT)
    server.wait_log("quitting")
    serve(workers, clients)
    assert server.process.wait(PATIENCE) == 0
