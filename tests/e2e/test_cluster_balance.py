"""How evenly a cluster's workers have a hundred lasting connections, whoever
accepts them."""

from __future__ import annotations

import collections
import os
import signal

import pytest

import processes
from cluster import WORKER, connect, make_primary
from conftest import wait_until

COUNT = 100


def begin(primary, policy: str) -> None:
    primary.policy(policy)
    primary.ask(f"setup exec {WORKER}", "^setup: 0")


def grow(primary, worker_count: int) -> tuple[int, list[int]]:
    """Workers who hold what they get: their port, and their pids."""
    workers = [primary.fork() for _ in range(worker_count)]
    ports = {worker.listen("127.0.0.1:0", "hold") for worker in workers}
    assert len(ports) == 1
    return ports.pop(), [worker.pid for worker in workers]


@pytest.fixture
def cluster(make_primary):
    def make(policy: str, worker_count: int) -> tuple[int, list[int]]:
        primary = make_primary(exec=None)
        begin(primary, policy)
        return grow(primary, worker_count)

    return make


def difference(port: int, pids: list[int], is_burst: bool) -> int:
    """Between who has most and who has least. One after the other: the last one
    was served, and all workers wait for the next."""
    served: collections.Counter[bytes] = collections.Counter()
    clients = []
    for _ in range(COUNT):
        if not is_burst:
            wait_until(lambda: all(map(processes.is_asleep, pids)), "rest")
        clients.append(connect(port))
        if not is_burst:
            served[clients[-1].recv(10)] += 1
    if is_burst:
        served.update(client.recv(10) for client in clients)
    for client in clients:
        client.close()
    return max(served.values()) - min(served.values())


POLICIES = ["round_robin", "least_conn", "shared"]


@pytest.mark.quick
@pytest.mark.parametrize("worker_count", [2, 4])
@pytest.mark.parametrize("policy", POLICIES)
def test_one_after_the_other_is_exactly_even(cluster, policy, worker_count):
    assert difference(*cluster(policy, worker_count), False) <= 1


# The system may let one of them run late, however patient the others are.
@pytest.mark.alone
@pytest.mark.parametrize("worker_count", [2, 4])
@pytest.mark.parametrize("policy", POLICIES)
def test_all_at_once_is_nearly_even(cluster, policy, worker_count):
    assert min(difference(*cluster(policy, worker_count), True)
               for _ in range(3)) <= 3


@pytest.mark.alone
def test_whoever_follows_the_dead_takes_turns_with_the_others(make_primary):
    primary = make_primary(exec=None)
    begin(primary, "shared")
    port, pids = grow(primary, 3)
    for round in range(2):
        os.kill(pids[round], signal.SIGKILL)
        primary.wait("^cluster exit", count=round + 1)
        same, new = grow(primary, 1)
        assert same == port
        pids[round] = new[0]
    assert min(difference(port, pids, True) for _ in range(3)) <= 3
    assert difference(port, pids, False) <= 1
