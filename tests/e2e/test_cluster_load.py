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

from cluster import Primary, make_primary, primary
from conftest import IS_SANITIZED

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


async def kill_at_random(primary: Primary, port: int, clients: Clients) -> int:
    """One worker every 500 ms, replaced at once."""
    workers = list(range(1, 5))
    killed = 0
    while clients.left > 0:
        await asyncio.sleep(0.5)
        victim = workers.pop(random.randrange(4))
        primary.tell(f"kill {victim} 9")
        workers.append(max(workers + [victim]) + 1)
        primary.tell("fork")
        primary.tell(f'send {workers[-1]} "listen 127.0.0.1:{port}"')
        killed += 1
    return killed


async def run(primary: Primary, port: int, clients: Clients) -> int:
    killing = asyncio.create_task(kill_at_random(primary, port, clients))
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
    killed = asyncio.run(run(primary, port, clients))
    print(f"{clients.served} served, {clients.failed} failed, {killed} workers "
          f"killed, slowest {clients.slowest:.2f} s")
    assert clients.served + clients.failed == TOTAL
    # A worker that dies has taken sixteen at most and not answered them yet.
    assert clients.failed <= 16 * killed
    assert clients.slowest < PATIENCE_S
    time.sleep(0.5)
    assert descriptors(primary.pid) <= before + 2
    if not IS_SANITIZED:
        assert rss_kib(primary.pid) - memory < 2000
