"""Thousands who ask slowly, or read slowly, do not slow down somebody else."""

import contextlib
import resource
import select
import socket
import struct
import threading

import pytest

import admin
import figures
from conftest import Server, wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello

SLOW = 5000
STEP = 50  # clients that send a byte, each 0.1 s
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
BODY = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nx"
BIG = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture
def many_descriptors():
    """For us and whom we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * SLOW:
        pytest.skip(f"no more than {hard} descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Slow:
    """Clients that have sent a beginning, and then send byte by byte, or
    nothing."""

    def __init__(self, port: int, count: int, beginning: bytes,
                 drips: bool) -> None:
        self.sockets = []
        self.is_answered = beginning in (BODY, BIG)
        for _ in range(count):
            one = socket.socket()
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect(("127.0.0.1", port))
            one.sendall(beginning)
            self.sockets.append(one)
        self.sent = 0
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._drip if drips else
                                       self.ending.wait)
        self.thread.start()

    def _drip(self) -> None:
        while not self.ending.is_set():
            for one in self.sockets:
                one.sendall(b"x")
                self.sent += 1
                if self.sent % STEP == 0 and self.ending.wait(0.1):
                    return

    def assert_all_are_there(self, server: Server) -> None:
        """Nobody was sent away, and nobody else is there any more."""
        assert self.thread.is_alive(), "somebody was not listened to"
        readable = select.poll()
        for one in self.sockets:
            readable.register(one, select.POLLIN)
        expected = len(self.sockets) if self.is_answered else 0
        wait_until(lambda: len(readable.poll(0)) == expected,
                   f"{expected} to be answered")
        wait_until(lambda: sum(
            one["connections"] for one in admin.workers(server)) ==
            len(self.sockets), f"{len(self.sockets)} connections")

    def __enter__(self) -> "Slow":
        return self

    def __exit__(self, *_: object) -> None:
        self.ending.set()
        self.thread.join()
        for one in self.sockets:
            one.close()


def start(server, policy):
    (server.folder / "big").write_bytes(bytes(10_000_000))
    server.write(f"""
        add_header X-Worker $pid;
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 "hello world\\n"; }}
            location /big {{ root {server.folder}; }}
        }}""", main=f"scheduling_policy {policy};",
        events="worker_connections 8192;")
    server.start()


def measure(server, case, slow=None):
    """How somebody fares who just asks, beside slow ones who all stay."""
    with Counting(server, keep=1, close=1, pause=5) as load:
        for _ in range(figures.rounds(1, 10)):
            load.wait_more(500)  # of which one in a hundred may be slow
        tally = load.stop(case)
    assert_nothing_lost(tally)
    assert tally["p99_us"] < 50_000, tally
    if slow:
        slow.assert_all_are_there(server)


@pytest.mark.parametrize("policy", POLICIES if figures.IS_LONG else POLICIES[:1])
def test_slow_heads(server, many_descriptors, policy):
    start(server, policy)
    with Slow(server.port, SLOW, HEAD, True) as slow:
        measure(server, f"beside {SLOW} slow heads, {policy}", slow)
        wait_until(lambda: slow.sent >= STEP, f"{STEP} bytes")


def test_slow_bodies(server, many_descriptors):
    start(server, POLICIES[0])
    with Slow(server.port, SLOW // 5, BODY, True) as slow:
        measure(server, f"beside {SLOW // 5} slow bodies", slow)


def test_slow_readers(server, many_descriptors):
    start(server, POLICIES[0])
    with Slow(server.port, SLOW // 5, BIG, False) as slow:
        measure(server, f"beside {SLOW // 5} who do not read", slow)


def test_silent_clients(server, many_descriptors):
    start(server, POLICIES[0])
    with Slow(server.port, SLOW // 5, b"", False) as slow:
        measure(server, f"beside {SLOW // 5} who say nothing", slow)


def test_clients_that_reset(server):
    """They connect, ask, and are gone, as fast as one process can."""
    start(server, POLICIES[0])
    ending = threading.Event()
    count = 0

    def reset_often():
        nonlocal count
        while not ending.is_set():
            with contextlib.suppress(ConnectionError), \
                    socket.create_connection(("127.0.0.1", server.port)) as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
                one.sendall(BIG)
                count += 1

    thread = threading.Thread(target=reset_often)
    thread.start()
    try:
        measure(server, "beside one who resets each connection")
        wait_until(lambda: count > 100, "100 connections")
    finally:
        ending.set()
        thread.join()
