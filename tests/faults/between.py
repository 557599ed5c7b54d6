"""Which connections a server's process and a client have with each other, asked
of the kernel: /proc/net/tcp takes a second when much has just been closed."""

from __future__ import annotations

import pathlib
import re
import socket
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress

# <linux/netlink.h>, <linux/sock_diag.h>, <linux/inet_diag.h>
SOCK_DIAG = 4
BY_FAMILY = 20
REQUEST_DUMP = 0x301
ERROR = 2
HEADER = struct.Struct("=IHHII")  # size, kind, flags, sequence, port
# Of an inet_diag_req_v2: family, protocol, states; ports and addresses are 0,
# which is any, then there is no interface and no cookie.
QUESTION = struct.Struct("=BBBBI")
PORTS = struct.Struct("!HH")
PORTS_AT, INODE_AT = 4, 68  # in an inet_diag_msg
HELD = 1 << 1 | 1 << 8  # states: ESTABLISHED, CLOSE_WAIT


def _messages(question: bytes) -> Iterator[bytes]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, SOCK_DIAG) as kernel:
        kernel.send(HEADER.pack(HEADER.size + len(question), BY_FAMILY,
                                REQUEST_DUMP, 1, 0) + question)
        while True:
            data = kernel.recv(1 << 17)
            while data:
                size, kind, *_ = HEADER.unpack_from(data)
                assert kind != ERROR, data
                if kind != BY_FAMILY:
                    return
                yield data[HEADER.size:size]
                data = data[(size + 3) & ~3:]


def _held() -> Iterator[tuple[int, int, int]]:
    """Inode, own and other port of all IPv4 connections."""
    question = QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, 0, HELD) + \
        bytes(40) + b"\xff" * 8
    for message in _messages(question):
        inode = int.from_bytes(message[INODE_AT:INODE_AT + 4], sys.byteorder)
        yield (inode, *PORTS.unpack_from(message, PORTS_AT))


def _sockets(pid: int) -> set[int]:
    found = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            if match := re.match(r"socket:\[(\d+)\]", str(entry.readlink())):
                found.add(int(match[1]))
    return found


def connections(server: int, port: int, *clients: int) -> list[int]:
    """How many of each client's connections to the port the server's process
    has: it stands still meanwhile, the clients need not."""
    inside = _sockets(server)
    held = list(_held())
    accepted = {other for inode, own, other in held
                if own == port and inode in inside}
    outside = [_sockets(client) for client in clients]
    return [sum(other == port and own in accepted and inode in one
                for inode, own, other in held) for one in outside]
