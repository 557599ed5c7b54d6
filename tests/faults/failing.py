"""Lets the n-th call of a function fail in one process (failing.c)."""

from __future__ import annotations

import contextlib
import errno
import mmap
import pathlib
import struct
from collections.abc import Iterator

from counting import BUILD

LIBRARY = BUILD / "tests" / "faults" / "failing.so"
NEXT_PROGRAM = -1  # whichever is executed next
NEXT_FORK = -2  # whichever is forked next, to execute nothing

# In the order of failing.c, with the errors that they may give.
CALLS = {
    "malloc": [errno.ENOMEM],
    "accept": [errno.EMFILE, errno.ECONNABORTED, errno.EINTR],
    "open": [errno.EMFILE, errno.EACCES],
    "fstat": [errno.EIO],
    "read": [errno.EIO, errno.EINTR],
    "write": [errno.ENOSPC, errno.EINTR],
    "recv": [errno.ECONNRESET, errno.EINTR, errno.ENOMEM],
    "recvmsg": [errno.ENOMEM, errno.EINTR],
    "send": [errno.EPIPE, errno.EINTR, errno.ENOBUFS],
    "sendmsg": [errno.ENOBUFS, errno.EINTR, errno.ETOOMANYREFS],
    "sendfile": [errno.EIO, errno.EINTR],
    "epoll_ctl": [errno.ENOMEM, errno.ENOSPC],
    "epoll_wait": [errno.EINTR],
    "setsockopt": [errno.ENOMEM],
    "socket": [errno.EMFILE],
    "fcntl": [errno.EMFILE],
    "mmap": [errno.ENOMEM],
    "memfd": [errno.ENOSPC],
}
NUMBERS = {name: number for number, name in enumerate(CALLS)}
_LAYOUT = struct.Struct("5i")


class Failing:
    """What is to fail, shared with all processes of the server."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.path = folder / "failing"
        self.path.write_bytes(bytes(mmap.PAGESIZE))
        with open(self.path, "r+b") as file:
            self.page = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.env = {"LD_PRELOAD": str(LIBRARY), "FAILING": str(self.path)}

    def _write(self, pid: int, *what: int) -> None:
        self.page[4:_LAYOUT.size] = _LAYOUT.pack(0, *what)[4:]
        self.page[:4] = struct.pack("i", pid)  # last: it looks at that first

    @contextlib.contextmanager
    def armed(self, pid: int, call: str, error: int, n: int) -> Iterator[None]:
        """The n-th call in that process fails, from 1."""
        self._write(0, 0, 0, 0, 0)
        self._write(pid, NUMBERS[call], error, n - 1, 0)
        try:
            yield
        finally:
            self.page[:4] = bytes(4)

    def has_failed(self) -> bool:
        return _LAYOUT.unpack_from(self.page)[4] > 0
