"""Who may not administrate, and tries to keep those out who may."""

import contextlib
import os
import socket
import time

import pytest

import admin
import wire
from conftest import wait_until
from test_admin_socket import NOBODY, as_root, open_server  # noqa: F401

MANY = 300  # more than the admin service has connections
SOON = 5  # seconds; a silent client may keep a place for ten


class Crowd:
    """Connections that each say something, the same over and over."""

    def __init__(self, says: bytes, family=socket.AF_INET) -> None:
        self.says = says
        self.family = family
        self.members: list[socket.socket] = []

    def __enter__(self) -> "Crowd":
        return self

    def __exit__(self, *error: object) -> None:
        for member in self.members:
            member.close()

    def grow(self, address, count: int = MANY) -> None:
        for _ in range(count):
            member = socket.socket(self.family)
            member.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            member.settimeout(wire.TIMEOUT)
            self.members.append(member)
            with contextlib.suppress(ConnectionError, BlockingIOError):
                member.connect(address)
                member.setblocking(False)
                member.sendall(self.says)


def serve(server, port, main=""):
    server.write(main=f"admin unix:run/cohort.sock;"
                      f"admin 127.0.0.1:{port} read_only; {main}")
    server.start()


def probe(port):
    with wire.Connection("127.0.0.1", port) as connection:
        return connection.get("/readyz").status


SILENT = b""
DRIPPING = b"GET /ready"
IDLE = b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n"
IDLE_AND_DRIPPING = IDLE + DRIPPING
GARBAGE = b"\r\nGET /ready"
GREEDY = b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n" * 500


@pytest.mark.parametrize("says", [
    SILENT, DRIPPING, IDLE, IDLE_AND_DRIPPING, GARBAGE, GREEDY],
    ids=["silent", "dripping", "idle", "idle_dripping", "garbage", "greedy"])
def test_strangers_leave_room_for_the_operator(server, free_port, says):
    """However often they come again."""
    port = free_port()
    serve(server, port)
    with Crowd(says) as crowd:
        for _ in range(3):
            crowd.grow(("127.0.0.1", port))
            began = time.monotonic()
            assert admin.get(server, "/v1/status")["state"] == "serving"
            assert admin.ask(server, "POST", "/v1/reopen").status == 200
            assert time.monotonic() - began < SOON
        assert admin.ask(server, "POST", "/v1/reload").status == 200


@pytest.mark.parametrize("says", [SILENT, DRIPPING, IDLE],
                         ids=["silent", "dripping", "idle"])
def test_strangers_who_say_nothing_make_room_for_probes(
        server, free_port, says):
    port = free_port()
    serve(server, port)
    with Crowd(says) as crowd:
        for _ in range(3):
            crowd.grow(("127.0.0.1", port))
            began = time.monotonic()
            assert probe(port) == 200
            assert time.monotonic() - began < SOON


def test_probes_are_served_when_the_greedy_have_gone(server, free_port):
    port = free_port()
    serve(server, port)
    with Crowd(GREEDY) as crowd:
        crowd.grow(("127.0.0.1", port))

    def is_answered() -> bool:
        try:
            return probe(port) == 200
        except (OSError, wire.Closed):  # some of them are still there
            return False

    wait_until(is_answered, "an answer")


def test_a_request_may_come_in_pieces(server, free_port):
    port = free_port()
    serve(server, port)
    with wire.Connection("127.0.0.1", port) as connection:
        for piece in (b"GET /rea", b"dyz HTTP/1.1\r\n", b"Host: a\r\n", b"\r\n"):
            connection.send(piece)
            time.sleep(0.02)  # so that they come one by one
        assert connection.response().status == 200
        assert connection.get("/healthz").status == 200  # and it stays
    with wire.Connection("127.0.0.1", port) as connection:
        connection.send(b"\x16\x03\x01\x02")  # TLS, to the wrong port
        assert b" 400 " in connection.read_until(b"\r\n")


@as_root
def test_users_who_may_not_ask_keep_nobody_out(open_server):
    open_server.write(main="admin unix:run/cohort.sock mode=0666;")
    open_server.start()
    path = admin.path_of(open_server)
    path.parent.chmod(0o755)
    ready, done = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            with Crowd(SILENT, socket.AF_UNIX) as crowd:
                crowd.grow(str(path))
                os.write(ready[1], b"x")
                os.read(done[0], 1)
        finally:
            os._exit(0)
    try:
        assert os.read(ready[0], 1) == b"x"
        began = time.monotonic()
        assert admin.get(open_server, "/v1/status")["state"] == "serving"
        assert time.monotonic() - began < SOON
    finally:
        os.write(done[1], b"x")
        os.waitpid(pid, 0)
        for fd in (*ready, *done):
            os.close(fd)


def test_with_few_descriptors_they_leave_room_too(server, free_port):
    port = free_port()
    server.write(main=f"admin unix:run/cohort.sock; worker_processes 1;"
                      f"admin 127.0.0.1:{port} read_only;",
                 events="worker_connections 32;")
    server.spawn(wrapper=("prlimit", "--nofile=100:100"))
    server.wait_ready()
    with Crowd(IDLE) as idle, Crowd(SILENT) as silent:
        for _ in range(3):
            idle.grow(("127.0.0.1", port), 100)
            silent.grow(("127.0.0.1", port), 100)
            assert admin.get(server, "/v1/status")["state"] == "serving"
            assert probe(port) == 200
    assert "accepting pauses" not in server.log() + server.printed()
