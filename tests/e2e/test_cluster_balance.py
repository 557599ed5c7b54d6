"""How evenly a cluster's workers have a hundred lasting connections, whoever
accepts them."""

from __future__ import annotations

import collections

import pytest

from cluster import WORKER, connect, make_primary

COUNT = 100


@pytest.fixture
def cluster(make_primary):
    """The port of so many workers, who hold what they get."""

    def make(policy: str, worker_count: int) -> int:
        primary = make_primary(exec=None)
        primary.policy(policy)
        primary.ask(f"setup exec {WORKER}", "^setup: 0")
        workers = [primary.fork() for _ in range(worker_count)]
        ports = {worker.listen("127.0.0.1:0", "hold") for worker in workers}
        assert len(ports) == 1
        return ports.pop()

    return make


def difference(port: int, is_burst: bool) -> int:
    """Between who has most and who has least."""
    served: collections.Counter[bytes] = collections.Counter()
    clients = []
    for _ in range(COUNT):
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
    assert difference(cluster(policy, worker_count), False) <= 1


# The system may let one of them run late, however patient the others are.
@pytest.mark.alone
@pytest.mark.parametrize("worker_count", [2, 4])
@pytest.mark.parametrize("policy", ["round_robin", "least_conn"])
def test_all_at_once_is_nearly_even(cluster, policy, worker_count):
    assert min(difference(cluster(policy, worker_count), True)
               for _ in range(3)) <= 3
