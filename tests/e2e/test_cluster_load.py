"""A hundred thousand connections while workers are killed."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import time

import pytest

import processes
from cluster import Primary, Worker, make_primary, primary
from conftest import IS_SANITIZED, wait_until

TOTAL = 10_000 if IS_SANITIZED else 100_000
OPEN = 1_000
PATIENCE_S = 5


class Clients:
    """OPEN at a time, each waits for the line that the worker says."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.left = TOTAL
        self.served = 0
        self.failed = 0
        self.slowest = 0.0

    async def one(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", self.port))
            if await loop.sock_recv(client, 16):
                self.served += 1
            else:
                self.failed += 1

    async def some(self) -> None:
        while self.left > 0:
            self.left -= 1
            start = time.monotonic()
            try:
                await self.one()
            except OSError:
                self.failed += 1
            self.slowest = max(self.slowest, time.monotonic() - start)


def replace(primary: Primary, victim: Worker, port: int, own: int
            ) -> tuple[Worker, int]:
    """Kill one; its successor, and how many connections were inside it."""
    os.kill(victim.pid, signal.SIGSTOP)  # so that they can be counted
    wait_until(lambda: processes.is_stopped(victim.pid), "it to stand still")
    within = max(processes.sockets(victim.pid) - own, 0)
    os.kill(victim.pid, signal.SIGKILL)
    successor = primary.fork()
    successor.listen(f"127.0.0.1:{port}", "backlog=4096")
    return successor, within


async def kill_at_random(
        primary: Primary, workers: list[Worker], port: int, clients: Clients
        ) -> list[int]:
    """One worker every 500 ms, and at least for each tenth of the clients; how
    many connections were inside each."""
    own = processes.sockets(workers[0].pid)
    within = []
    while True:
        goal = max(clients.left - TOTAL // 10, 0)
        end = time.monotonic() + 0.5
        while clients.left > goal and time.monotonic() < end:
            await asyncio.sleep(0.005)
        if clients.left <= 0:
            return within
        victim = workers.pop(random.randrange(4))
        successor, lost = await asyncio.to_thread(
            replace, primary, victim, port, own)
        workers.append(successor)
        within.append(lost)


async def run(
        primary: Primary, workers: list[Worker], port: int, clients: Clients
        ) -> list[int]:
    killing = asyncio.create_task(
        kill_at_random(primary, workers, port, clients))
    await asyncio.sleep(0)  # it counts before anybody has connected
    await asyncio.gather(*(clients.some() for _ in range(OPEN)))
    return await killing


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


@pytest.mark.alone
@pytest.mark.timeout(300)
def test_only_what_was_inside_a_killed_worker_is_lost(primary):
    workers = [primary.fork() for _ in range(4)]
    port = workers[0].listen("127.0.0.1:0", "backlog=4096")
    for worker in workers[1:]:
        worker.listen(f"127.0.0.1:{port}", "backlog=4096")
    before = descriptors(primary.pid)
    memory = rss_kib(primary.pid)
    clients = Clients(port)
    within = asyncio.run(run(primary, workers, port, clients))
    print(f"{clients.served} served, {clients.failed} failed, {len(within)} "
          f"workers killed with {sum(within)} connections inside, slowest "
          f"{clients.slowest:.2f} s")
    assert clients.served + clients.failed == TOTAL
    assert within
    assert clients.failed <= sum(within)
    assert clients.slowest < PATIENCE_S
    wait_until(lambda: descriptors(primary.pid) <= before + 2,
               "the primary to have no descriptor of them")
    if not IS_SANITIZED:
        assert rss_kib(primary.pid) - memory < 2000
