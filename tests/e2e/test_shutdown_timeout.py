"""worker_shutdown_timeout: how long who leaves waits for clients, and no longer."""

import contextlib
import signal
import time

import pytest

import processes
import wire
from conftest import IS_SANITIZED, wait_until

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
SIZE = 20_000_000  # more than sockets hold
LIMIT = 2  # seconds
LATEST = 6 if IS_SANITIZED else 3  # the wheel and the machine add some


def started(server, policy):
    (server.folder / "big").write_bytes(bytes(SIZE))
    server.write(f"""
        keepalive_min_timeout 60s;
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 "hello world\\n"; }}
            location /big {{ root {server.folder}; }}
        }}""", main=f"scheduling_policy {policy}; worker_processes 2;"
             f"worker_shutdown_timeout {LIMIT}s;")
    return server.start()


def with_download(server):
    client = server.connect()
    client.request(path="/big")
    client.read_until(b"\r\n\r\n")
    return client


def read_rest(client):
    """How much comes, up to what was asked for or the server's end."""
    got = len(client.buffer)
    with contextlib.suppress(ConnectionError):
        while got < SIZE and (data := client.socket.recv(1 << 20)):
            got += len(data)
    return got


def is_waiting(client):
    """Nothing has come from the server, not even its end."""
    client.socket.setblocking(False)
    try:
        client.socket.recv(1)
    except BlockingIOError:
        return True
    finally:
        client.socket.settimeout(wire.TIMEOUT)
    return False


@pytest.mark.alone
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("number, told", [
    (signal.SIGHUP, "reload: generation 2 serves"),
    (signal.SIGQUIT, "quitting: finishing all requests")],
    ids=["reload", "quit"])
def test_who_is_done_in_time_is_served_and_the_others_are_cut(
        server, policy, number, told):
    started(server, policy)
    old = server.workers()
    with contextlib.ExitStack() as stack:
        idle, asking = (stack.enter_context(server.connect()) for _ in range(2))
        reading, late = (stack.enter_context(with_download(server))
                         for _ in range(2))
        assert idle.get().status == 200
        asking.send(b"GET / HTTP/1.1\r\n")
        earliest = time.monotonic()
        server.signal(number)
        server.wait_log(told)
        latest = time.monotonic()
        time.sleep(0.5)
        assert read_rest(late) == SIZE
        assert is_waiting(idle) and is_waiting(asking)
        wait_until(lambda: not any(map(processes.is_alive, old)),
                   "the old workers to leave")
        assert time.monotonic() - earliest > LIMIT - 0.1
        assert time.monotonic() - latest < LATEST
        assert idle.is_closed()
        assert asking.is_closed()
        assert read_rest(reading) < SIZE
    server.wait_log("worker_shutdown_timeout is over, closing")
