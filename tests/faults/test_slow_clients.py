"""Thousands who send nothing much do not slow down somebody who asks."""

import resource
import socket
import threading
import time

import pytest

import figures
from counting import POLICIES, Counting, assert_nothing_lost, write_hello

SLOW = 5000


@pytest.fixture
def many_descriptors():
    """For us and whom we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * SLOW:
        pytest.skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class SlowHeads:
    """Clients that send a head byte by byte and never end it."""

    def __init__(self, port: int) -> None:
        self.sockets = []
        for _ in range(SLOW):
            one = socket.create_connection(("127.0.0.1", port), 20)
            one.sendall(b"GET / HTTP/1.1\r\nX: ")
            self.sockets.append(one)
        self.sent = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._drip)
        self.thread.start()

    def _drip(self) -> None:
        """One byte for each, as fast as 10 seconds for all."""
        while not self.ending.is_set():
            for one in self.sockets:
                one.sendall(b"x")
                self.sent += 1
                if self.sent % 50 == 0 and self.ending.wait(0.1):
                    return

    def close(self) -> None:
        self.ending.set()
        self.thread.join()
        for one in self.sockets:
            one.close()


@pytest.mark.parametrize("policy", POLICIES)
def test_5000_slow_heads(server, many_descriptors, policy):
    if policy not in ("round_robin", "shared") and not figures.IS_LONG:
        pytest.skip("in the long form")
    write_hello(server, f"scheduling_policy {policy};",
                events="worker_connections 8192;")
    server.start()
    slow = SlowHeads(server.port)
    try:
        with Counting(server, keep=1, close=1, pause=5) as load:
            time.sleep(figures.rounds(2, 10))  # that long it is measured
            tally = load.stop(f"beside {SLOW} slow heads, {policy}")
    finally:
        slow.close()
    assert_nothing_lost(tally)
    assert slow.sent > 100
    assert tally["p99_us"] < 50_000, tally
