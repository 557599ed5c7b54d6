"""HTTP on the admin socket."""

from __future__ import annotations

import json
import pathlib
import socket
import types

import wire


class Connection(wire.Connection):
    """A connection to a unix socket."""

    def __init__(self, path: pathlib.Path | str) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(wire.TIMEOUT)
        self.socket.connect(str(path))
        self.buffer = b""


def accepts(path: pathlib.Path) -> bool:
    """Somebody listens there: the file alone is there a little earlier."""
    try:
        with Connection(path):
            return True
    except OSError:
        return False


def path_of(server) -> pathlib.Path:
    return server.folder / "run" / "cohort.sock"


def ask(server, method: str, path: str, body: object = None) -> wire.Response:
    """One request on a connection of its own; body becomes JSON unless it is
    bytes."""
    data = b"" if body is None else body if isinstance(body, bytes) else \
        json.dumps(body).encode()
    with Connection(path_of(server)) as connection:
        connection.request(method, path, data)
        return connection.response(method)


def get(server, path: str):
    """The value that a GET answers with."""
    answer = ask(server, "GET", path)
    assert answer.status == 200, (answer.status, answer.body)
    return json.loads(answer.body)


def workers(server) -> list[dict]:
    return get(server, "/v1/workers")["workers"]


class Events:
    """The event stream, from an event on; without one, from now on."""

    def __init__(self, server, since: int | None = None) -> None:
        if since is None:
            since = get(server, "/v1/status")["last_event"]
        self.connection = Connection(path_of(server))
        self.connection.request("GET", f"/v1/events?since={since}")
        head = self.connection.read_until(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        self.rest = b""

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None,
                 trace: types.TracebackType | None) -> None:
        self.connection.close()

    def next(self) -> dict:
        """The next event; chunks and lines need not agree."""
        while b"\n" not in self.rest:
            size = int(self.connection.read_until(b"\r\n"), 16)
            if size == 0:
                raise EOFError
            self.rest += self.connection.read_exactly(size)
            self.connection.read_exactly(2)
        line, self.rest = self.rest.split(b"\n", 1)
        return json.loads(line)

    def until(self, name: str) -> list[dict]:
        """All events up to the next one of that name, which is the last."""
        found = [self.next()]
        while found[-1]["event"] != name:
            found.append(self.next())
        return found
