"""How connections reach workers: who gets how many."""

import collections
import os
import pathlib
import statistics
import subprocess
import sys
import time

import pytest

import processes
import wire
from conftest import wait_until

EVEN = ["round_robin", "least_conn", "shared"]


def per_worker(server):
    """Established client connections per worker, as /proc shows them."""
    sockets = {}
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        port = int(words[1].split(":")[1], 16)
        if port == server.port and words[3] == "01":
            sockets[words[9]] = True
    counts = collections.Counter({pid: 0 for pid in server.workers()})
    for pid in server.workers():
        for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            try:
                target = entry.readlink()
            except FileNotFoundError:
                continue
            inode = str(target).removeprefix("socket:[").removesuffix("]")
            counts[pid] += inode in sockets
    return counts


def all_per_worker(server, count):
    """The same when all are seen: /proc may miss one while others change."""
    def look():
        counts = per_worker(server)
        return counts if sum(counts.values()) == count else None

    return wait_until(look, f"{count} connections in /proc")


def open_all(server, count, is_served_one_by_one):
    connections = []
    for _ in range(count):
        connection = wire.Connection("127.0.0.1", server.port)
        connection.request()
        if is_served_one_by_one:
            assert connection.response().status == 200
        connections.append(connection)
    if not is_served_one_by_one:
        for connection in connections:
            assert connection.response().status == 200
    return connections


@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("policy", EVEN)
def test_one_after_the_other_is_exactly_even(server, policy, workers):
    server.write(main=f"scheduling_policy {policy};"
                      f"worker_processes {workers};")
    server.start()
    wait_until(lambda: len(server.workers()) == workers, "all workers")
    connections = open_all(server, 100, True)
    counts = all_per_worker(server, 100)
    assert max(counts.values()) - min(counts.values()) <= 1, counts
    for connection in connections:
        connection.close()


@pytest.mark.alone
@pytest.mark.parametrize("workers", [2, 4])
@pytest.mark.parametrize("policy", EVEN)
def test_all_at_once_is_nearly_even(server, policy, workers):
    server.write(main=f"scheduling_policy {policy};"
                      f"worker_processes {workers};")
    server.start()
    wait_until(lambda: len(server.workers()) == workers, "all workers")
    connections = open_all(server, 100, False)
    counts = all_per_worker(server, 100)
    assert max(counts.values()) - min(counts.values()) <= 3, counts
    for connection in connections:
        connection.close()


def test_reuseport_spreads(server):
    server.write(main="scheduling_policy reuseport; worker_processes 2;")
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "all workers")
    connections = open_all(server, 100, True)
    counts = all_per_worker(server, 100)
    assert max(counts.values()) <= 75, counts
    for connection in connections:
        connection.close()


@pytest.mark.quick
@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_each_policy_serves(server, policy):
    server.write(main=f"scheduling_policy {policy};")
    server.start()
    for _ in range(20):
        assert server.get().body == b"hello world\n"


def test_a_listen_has_its_own_policy(server, free_port):
    ports = [free_port() for _ in range(3)]
    server.write(f"""
        server {{
            listen 127.0.0.1:PORT;
            listen 127.0.0.1:{ports[0]} policy=shared;
            listen 127.0.0.1:{ports[1]} reuseport;
            listen 127.0.0.1:{ports[2]} policy=round_robin deferred;
            return 200 "hello world\\n";
        }}""")
    server.start()
    for port in [server.port, *ports]:
        for _ in range(5):
            with wire.Connection("127.0.0.1", port) as connection:
                assert connection.get().body == b"hello world\n"


@pytest.mark.parametrize("name, is_handed_over", [
    ("rr", True), ("none", False), ("shared", False), ("round_robin", True),
    ("nonsense", True), ("", True),
])
def test_the_policy_from_the_environment(server, name, is_handed_over):
    server.write(main="worker_processes 1;")
    server.start(env={"COHORT_SCHED_POLICY": name})
    assert server.get().status == 200  # it has what it serves from
    listens = _watches_listener(server, server.workers()[0])
    assert listens != is_handed_over


def _watches_listener(server, pid):
    """Has the process the listening socket open?"""
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        if int(words[1].split(":")[1], 16) == server.port and words[3] == "0A":
            if processes.has_socket(pid, int(words[9])):
                return True
    return False


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_more_clients_than_worker_connections_are_served_in_time(
        server, policy):
    """At the limit idle ones make room; nobody is refused, nothing spins."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 1;",
                 events="worker_connections 32;")
    server.start()
    connections = []
    for _ in range(100):
        connection = wire.Connection("127.0.0.1", server.port)
        assert connection.get().status == 200
        connections.append(connection)
    for connection in connections:
        connection.close()
    assert server.get().status == 200


@pytest.fixture
def busy_neighbour():
    """A core that somebody else keeps busy; we run on another one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("there is one core only")
    neighbour = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    os.sched_setaffinity(neighbour.pid, cores[:1])
    os.sched_setaffinity(0, cores[1:])
    yield cores[0]
    os.sched_setaffinity(0, cores)
    neighbour.kill()
    neighbour.wait()


@pytest.mark.alone
def test_a_busy_neighbour_holds_up_no_new_connection(server, busy_neighbour):
    server.write()
    server.start()
    for pid in [server.pid, *server.workers()]:
        os.sched_setaffinity(pid, {busy_neighbour})
    times = []
    for _ in range(100):
        start = time.monotonic()
        with wire.Connection("127.0.0.1", server.port) as connection:
            assert connection.get().status == 200
        times.append(time.monotonic() - start)
    # Who waits for the end of the neighbour's slice needs 4 ms.
    assert statistics.median(times) < 0.002, sorted(times)
