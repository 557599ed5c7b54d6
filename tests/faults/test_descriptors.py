"""Without descriptors everybody waits; with them again nobody does for long."""

import contextlib
import os
import resource
import socket
import time

import pytest

import admin
import figures
import processes
from conftest import wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello

WAITING = 20
REST = figures.rounds(1, 4) / 2  # seconds


class Holders:
    """Clients that begin a request and stay."""

    def __init__(self, port, count):
        self.sockets = [socket.create_connection(("127.0.0.1", port), 20)
                        for _ in range(count)]
        for one in self.sockets:
            one.sendall(b"GET / HTTP/1.1\r\n")

    def close(self):
        for one in self.sockets:
            one.close()


def cpu_seconds(pids):
    """What the processes have used so far."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def assert_rests(server):
    """Who cannot accept does not try all the time."""
    family = [server.pid, *server.workers()]
    before, began = cpu_seconds(family), time.monotonic()
    time.sleep(REST)  # that long it is measured, or longer
    used = cpu_seconds(family) - before
    assert used < 0.2 * (time.monotonic() - began)


def assert_recovers(server, case, relieve):
    """Who waits meanwhile is answered soon after; then all is as before."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect())
                   for _ in range(WAITING)]
        for client in clients:
            client.request(connection="close")
        assert_rests(server)
        began = time.monotonic()
        relieve()
        for client in clients:
            assert client.response().status == 200
        took = time.monotonic() - began
    figures.show(case, f"0 of {WAITING} waiting requests lost, the last one"
                 f" answered {took:.3f} s after relief")
    assert took < 1
    with Counting(server) as load:
        load.wait_more(500)
        assert_nothing_lost(load.stop(case))


@pytest.mark.parametrize("policy", POLICIES)
def test_workers_whose_clients_hold_all(server, policy):
    write_hello(server, f"scheduling_policy {policy};"
                        "worker_rlimit_nofile 64; worker_processes 2;")
    server.start()
    server.may_alert = True
    holders = Holders(server.port, 200)
    # What comes by channel comes in batches of 16, taken whole or refused.
    wait_until(lambda: all(processes.descriptors(pid) > 64 - 16
                           for pid in server.workers()), "all to be taken")
    assert_recovers(server, f"descriptors of workers, {policy}", holders.close)


@pytest.mark.parametrize("whose, policy", [
    ("primary", "round_robin"), ("primary", "least_conn"),
    *(("workers", policy) for policy in POLICIES)])
def test_limits_that_sink_below_what_is_open(server, whose, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    server.may_alert = True
    pids = [server.pid] if whose == "primary" else server.workers()
    old = {pid: resource.prlimit(pid, resource.RLIMIT_NOFILE) for pid in pids}
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[pid][1]))

    def relieve():
        for pid in pids:
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old[pid])

    assert_recovers(server, f"no descriptor for the {whose}, {policy}", relieve)
    assert all(map(processes.is_alive, pids))


def test_a_reload_without_descriptors_changes_nothing(server):
    """The primary can open nothing for the new generation."""
    write_hello(server)
    server.start()
    server.may_alert = True
    before = server.workers()
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    with Counting(server, keep=8) as load:
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, old[1]))
        answer = admin.ask(server, "POST", "/v1/reload")
        assert answer.status in (422, 500), (answer.status, answer.body)
        load.wait_more(500)
        resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
        assert server.workers() == before
        assert admin.ask(server, "POST", "/v1/reload").status == 200
        load.wait_more(500)
        assert_nothing_lost(load.stop("reload without descriptors"))
