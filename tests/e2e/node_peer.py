"""The test as one end of a Node channel: it says and hears each line itself, as
a worker of a primary of ours or as the primary of a worker of ours."""

from __future__ import annotations

import array
import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

from cluster import WORKER, Primary
from conftest import PATIENCE

QUIET_S = 0.3  # for so long nothing may come, where nothing should

# The process in whose place the test speaks: it gives away its channel, says
# how it was started, and ends with status 0 when it is told to.
STAND_IN = r"""
import array, json, os, socket, sys
fd = int(os.environ["NODE_CHANNEL_FD"])
said = json.dumps({
    "words": sys.argv, "environment": dict(os.environ), "fd": fd,
    "is_blocking": os.get_blocking(fd)}).encode()
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as test:
    test.connect(os.environ["TEST"])
    test.sendmsg([said], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           array.array("i", [fd]))])
    os.close(fd)
    test.recv(1)
"""


class Channel:
    """Lines of JSON, each perhaps with a descriptor."""

    def __init__(self, channel: socket.socket) -> None:
        self.socket = channel
        self.socket.setblocking(True)
        self._data = b""
        self._fds: list[int] = []
        self._seq = 0

    def close(self) -> None:
        self.socket.close()
        for fd in self._fds:
            os.close(fd)
        self._fds.clear()

    # -- saying ----------------------------------------------------------------

    def raw(self, data: bytes, fd: int | None = None) -> None:
        rights = [] if fd is None else [
            (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))]
        self.socket.sendmsg([data], rights)

    def say(self, message: object, fd: int | None = None) -> None:
        self.raw(json.dumps(message).encode() + b"\n", fd)

    def act(self, act: str, **fields: object) -> int:
        """A cluster message; its number."""
        self._seq += 1
        self.say({"cmd": "NODE_CLUSTER", "act": act, "seq": self._seq, **fields})
        return self._seq

    def answer(self, question: dict, **fields: object) -> None:
        self._seq += 1
        self.say({"cmd": "NODE_CLUSTER", "ack": question["seq"],
                  "seq": self._seq, **fields})

    def envelope(self, act: str, connection: socket.socket | None = None,
                 **fields: object) -> int:
        """A cluster message in an envelope, with or without its socket."""
        self._seq += 1
        self.say({"cmd": "NODE_HANDLE", "type": "net.Native", "msg": {
            "cmd": "NODE_CLUSTER", "act": act, "seq": self._seq, **fields}},
            connection.fileno() if connection else None)
        return self._seq

    # -- hearing ---------------------------------------------------------------

    def _receive(self, seconds: float) -> bool:
        """False when nothing came, or will ever come."""
        if not select.select([self.socket], [], [], seconds)[0]:
            return False
        data, rights, _, _ = self.socket.recvmsg(65536, 1024)
        for _, _, some in rights:
            self._fds.extend(array.array("i", some))
        self._data += data
        return bool(data)

    def hear(self) -> dict:
        """The next line."""
        end = time.monotonic() + PATIENCE
        while b"\n" not in self._data:
            assert self._receive(end - time.monotonic()), \
                f"no line, but {self._data!r}"
        line, self._data = self._data.split(b"\n", 1)
        return json.loads(line)

    def hear_all(self) -> list:
        """All lines until the other side hangs up."""
        lines = []
        while b"\n" in self._data or self._receive(PATIENCE):
            if b"\n" in self._data:
                lines.append(self.hear())
        return lines

    def hear_passed(self, type: str) -> tuple[dict, socket.socket]:
        """The next line, which brings a socket, and is acknowledged."""
        envelope = self.hear()
        assert envelope["cmd"] == "NODE_HANDLE"
        assert envelope["type"] == type
        assert len(self._fds) == 1
        self.say({"cmd": "NODE_HANDLE_ACK"})
        return envelope["msg"], socket.socket(fileno=self._fds.pop())

    def is_quiet(self) -> bool:
        return b"\n" not in self._data and not self._receive(QUIET_S)

    def is_at_end(self) -> bool:
        """The other side has hung up; what came before is dropped."""
        while select.select([self.socket], [], [], PATIENCE)[0]:
            try:
                if not self.socket.recv(65536):
                    return True
            except ConnectionResetError:
                return True
        return False


class StandIn(Channel):
    """A worker, seen by a primary of ours."""

    def __init__(self, control: socket.socket) -> None:
        said, rights, _, _ = control.recvmsg(65536, 1024)
        (_, _, fds), = rights
        super().__init__(socket.socket(fileno=array.array("i", fds)[0]))
        self.control = control
        self.start = json.loads(said)
        self.id = int(self.start["environment"]["NODE_UNIQUE_ID"])

    def query(self, address: str | None = "127.0.0.1", port: int | None = 0,
              type: object = 4, index: int = 0, **fields: object) -> int:
        return self.act(
            "queryServer", index=index, data=fields.pop("data", None),
            address=address, port=port, addressType=type, **fields)

    def listen(self, address: str | None = "127.0.0.1", port: int = 0,
               **fields: object) -> dict:
        """Ask for a round-robin socket, and say that it is listened on."""
        seq = self.query(address, port, **fields)
        reply = self.hear()
        assert reply["ack"] == seq
        assert reply["errno"] is None, reply
        if "sockname" in reply:
            port = reply["sockname"]["port"]
        self.act("listening", index=fields.get("index", 0), data=None,
                 address=address, port=port, addressType=fields.get("type", 4))
        return reply

    def take(self, key: str | None = None) -> tuple[dict, socket.socket]:
        """The next connection, not answered yet."""
        message, connection = self.hear_passed("net.Native")
        assert message["act"] == "newconn"
        assert key is None or message["key"] == key
        return message, connection

    def serve(self) -> None:
        """Take the next connection and say its id on it."""
        message, connection = self.take()
        with connection:
            connection.sendall(b"%d\n" % self.id)
            connection.shutdown(socket.SHUT_WR)
            self.answer(message, accepted=True)

    def exit(self) -> None:
        """The process ends with status 0."""
        self.control.close()

    def close(self) -> None:
        super().close()
        self.control.close()


class StandIns:
    """A primary of ours whose workers are spoken for by the test."""

    def __init__(self, primary: Primary, folder: pathlib.Path) -> None:
        script = folder / "stand_in.py"
        script.write_text(STAND_IN)
        self.primary = primary
        self.path = folder / "test"
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._listener.settimeout(PATIENCE)
        self._made: list[StandIn] = []
        primary.ask("setup exec /usr/bin/python3", "^setup: 0")
        primary.ask(f"setup args {script}", "^setup: 0")

    def fork(self, *variables: str, is_online: bool = True) -> StandIn:
        self.primary.tell(" ".join(["fork", f"TEST={self.path}", *variables]))
        self._made.append(StandIn(self._listener.accept()[0]))
        one = self._made[-1]
        if is_online:
            one.act("online")
            self.primary.wait(f"^cluster online {one.id}$")
        return one

    def close(self) -> None:
        for one in self._made:
            one.close()
        self._listener.close()


class WorkerOfOurs(Channel):
    """cluster_worker, started by the test as Node's primary starts one."""

    def __init__(self, id: int = 1, **variables: str) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            os.set_blocking(theirs.fileno(), False)
            self.process = subprocess.Popen(
                [str(WORKER)], pass_fds=[theirs.fileno()], text=True,
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                env={**os.environ, "NODE_UNIQUE_ID": str(id),
                     "NODE_CHANNEL_FD": str(theirs.fileno()),
                     "NODE_CHANNEL_SERIALIZATION_MODE": "json", **variables})
        super().__init__(ours)

    def tell(self, words: str) -> None:
        """What cluster_worker is to do."""
        self.say(words)

    def hear_act(self, act: str) -> dict:
        """The next line, which is that cluster message."""
        message = self.hear()
        assert message.get("act") == act, message
        assert message["cmd"] == "NODE_CLUSTER"
        return message

    def hear_query(self, words: str) -> dict:
        self.tell(words)
        return self.hear_act("queryServer")

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        super().close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        assert self.process.stderr
        errors = self.process.stderr.read()
        self.process.stderr.close()
        assert "Sanitizer" not in errors and "runtime error" not in errors
