"""Clients that hold connections open, for memory and for balance."""

from __future__ import annotations

import contextlib
import errno
import re
import resource
import select
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from processes import BenchError, Session, hidden

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
ANSWER_SECONDS = 10.0
PER_ADDRESS = 5000  # connections from one source address
LINGER_NOT = struct.pack("ii", 1, 0)  # reset at close, no TIME_WAIT
IP_BIND_ADDRESS_NO_PORT = 24
TCP_ESTABLISHED = "01"


def raise_descriptor_limit() -> int:
    """Let this process, which holds clients, have all descriptors it may."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def connect(port: int, number: int) -> socket.socket:
    """Begin one connection, from one of several loopback addresses."""
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
    client.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
    client.setblocking(False)
    result = client.connect_ex(("127.0.0.1", port))
    if result not in (0, errno.EINPROGRESS):
        client.close()
        raise BenchError(f"cannot connect: {errno.errorcode[result]}")
    return client


def exchange(clients: list[socket.socket]) -> None:
    """Send one request on each connection, and wait for all the answers."""
    waiting = {client.fileno(): client for client in clients}
    poll = select.epoll()
    for number in waiting:
        poll.register(number, select.EPOLLOUT)
    deadline = time.monotonic() + ANSWER_SECONDS
    while waiting:
        if time.monotonic() > deadline:
            raise BenchError(f"{len(waiting)} connections got no answer")
        for number, events in poll.poll(0.1):
            client = waiting[number]
            if events & select.EPOLLOUT:
                client.send(REQUEST)
                poll.modify(number, select.EPOLLIN)
            elif client.recv(65536):
                del waiting[number]
                poll.unregister(number)
            else:
                raise BenchError("the server closed a connection")
    poll.close()


@contextlib.contextmanager
def held(clients: list[socket.socket]) -> Iterator[list[socket.socket]]:
    """Close the clients in the end."""
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


def idle_memory(session: Session, port: int, count: int) -> tuple[int, int]:
    """Memory before and after `count` connections of one request each."""
    with held([connect(port, 0)]) as first:
        exchange(first)
        before = session.pss_bytes()
    clients: list[socket.socket] = []
    with held(clients):
        while len(clients) < count:
            batch = [connect(port, len(clients) + i) for i in range(100)]
            clients += batch
            exchange(batch)
        time.sleep(1.0)  # what a server frees when idle, it may free
        return before, session.pss_bytes()


def balance(
    session: Session, port: int, count: int, workers: int, gap: float
) -> list[int]:
    """How many of `count` long-lived connections each worker got.

    They are opened `gap` seconds apart, or all at once if that is 0.
    """
    clients: list[socket.socket] = []
    with held(clients):
        for _ in range(count):
            clients.append(connect(port, 0))
            if gap > 0:
                exchange(clients[-1:])
                time.sleep(gap)
        if gap == 0:
            exchange(clients)
        time.sleep(0.3)  # a primary drops its copies within 10 ms
        counts = connections_per_process(session, port)
    if sum(counts) != count:
        raise BenchError(f"{count} connections, but processes hold {counts}")
    return counts + [0] * (workers - len(counts))


def connections_per_process(session: Session, port: int) -> list[int]:
    """How many established connections each process holds, if any."""
    inodes = established_inodes(port)
    counts = []
    for pid in session.members():
        held_here = len(sockets_of(pid) & inodes)
        if held_here:
            counts.append(held_here)
    return sorted(counts, reverse=True)


def sockets_of(pid: int) -> set[str]:
    """A process's sockets, none if it is gone."""
    sockets = set()
    try:
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):
                found = re.fullmatch(
                    r"socket:\[(\d+)\]", path.readlink().name
                )
                if found:
                    sockets.add(found.group(1))
    except PermissionError as error:
        raise hidden(error) from error
    except (FileNotFoundError, ProcessLookupError):
        pass
    return sockets


def established_inodes(port: int) -> set[str]:
    """The server's sockets of established connections to its port."""
    inodes = set()
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()
    for line in lines[1:]:
        fields = line.split()
        local_port = int(fields[1].rpartition(":")[2], 16)
        if local_port == port and fields[3] == TCP_ESTABLISHED:
            inodes.add(fields[9])
    return inodes
