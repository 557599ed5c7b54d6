"""HTTP/1 as bytes on a socket: nothing is hidden from a test."""

from __future__ import annotations

import socket
import types
from dataclasses import dataclass, field

TIMEOUT = 20  # seconds for one read or connect


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Somebody listens there."""
    try:
        socket.create_connection((host, port), TIMEOUT).close()
    except ConnectionRefusedError:
        return False
    except ConnectionResetError:
        return True  # just now it was
    return True


@dataclass
class Response:
    version: str
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    trailers: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def __getitem__(self, name: str) -> str:
        values = self.all(name)
        assert len(values) == 1, f"{name}: {values} in {self.headers}"
        return values[0]

    def __contains__(self, name: str) -> bool:
        return bool(self.all(name))


class Closed(Exception):
    """The server closed before a whole response had come."""


class Connection:
    """A client connection that reads exactly one response at a time."""

    def __init__(self, host: str, port: int, source: str | None = None) -> None:
        address = (source, 0) if source else None
        self.socket = socket.create_connection(
            (host, port), TIMEOUT, source_address=address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self) -> "Connection":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def half_close(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(self, method: str = "GET", path: str = "/", body: bytes = b"",
                version: str = "1.1", **headers: str) -> None:
        """Send a request; Host and Content-Length are added where missing.
        Underscores in names become hyphens."""
        names = {n.replace("_", "-").lower(): v for n, v in headers.items()}
        names.setdefault("host", "localhost")
        if body:
            names.setdefault("content-length", str(len(body)))
        head = f"{method} {path} HTTP/{version}\r\n" + "".join(
            f"{n}: {v}\r\n" for n, v in names.items())
        self.send(head.encode("latin-1") + b"\r\n" + body)

    def get(self, path: str = "/", **headers: str) -> Response:
        self.request("GET", path, **headers)
        return self.response()

    # -- reading ---------------------------------------------------------------

    def _fill(self) -> None:
        data = self.socket.recv(65536)
        if not data:
            raise Closed(f"closed after {self.buffer!r}")
        self.buffer += data

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self._fill()
        part, self.buffer = self.buffer.split(mark, 1)
        return part

    def read_exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self._fill()
        part, self.buffer = self.buffer[:size], self.buffer[size:]
        return part

    def read_all(self) -> bytes:
        """Everything until the server closes (a reset raises)."""
        try:
            while True:
                self._fill()
        except Closed:
            part, self.buffer = self.buffer, b""
            return part

    def is_closed(self) -> bool:
        """Wait for the server to close; False if it sends something first."""
        return not self.buffer and self.socket.recv(1) == b""

    def _fields(self) -> list[tuple[str, str]]:
        fields = []
        while line := self.read_until(b"\r\n").decode("latin-1"):
            name, value = line.split(":", 1)
            fields.append((name, value.strip()))
        return fields

    def response(self, method: str = "GET") -> Response:
        """The next response, skipping none: a 100 is a response of its own."""
        line = self.read_until(b"\r\n").decode("latin-1")
        version, status, reason = (line.split(" ", 2) + [""])[:3]
        one = Response(version, int(status), reason, self._fields())
        if method == "HEAD" or one.status in (204, 304) or one.status < 200:
            return one
        if "transfer-encoding" in one:
            assert one["transfer-encoding"] == "chunked"
            self._read_chunks(one)
        elif "content-length" in one:
            one.body = self.read_exactly(int(one["content-length"]))
        else:
            one.body = self.read_all()
        return one

    def _read_chunks(self, one: Response) -> None:
        while size := int(self.read_until(b"\r\n").split(b";")[0], 16):
            one.body += self.read_exactly(size)
            assert self.read_exactly(2) == b"\r\n"
        one.trailers = self._fields()
