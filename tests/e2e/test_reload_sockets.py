"""Each worker has a listening socket (reuseport): whatever becomes of a reload,
none is left that nobody accepts from."""

import contextlib
import os
import signal
import socket
import time

import pytest

import admin
import dying_workers
from conftest import IS_SANITIZED, PATIENCE, wait_until

CLIENTS = 60  # more than enough to meet each of eight sockets

pytestmark = pytest.mark.skipif(
    IS_SANITIZED, reason="a sanitizer wants to be loaded first")


@pytest.fixture
def dying(server):
    return dying_workers.prepare(server)


def write(server, workers, address="127.0.0.1", more=""):
    server.write(f"""
        server {{
            listen {address}:PORT;
            location / {{ return 200 "hello world\\n"; }}
        }} {more}""",
        main=f"scheduling_policy reuseport; worker_processes {workers};")


def reload(server):
    return admin.ask(server, "POST", "/v1/reload").status


def answered(server):
    """How many of CLIENTS, all at once, get an answer soon."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(
            ("127.0.0.1", server.port), PATIENCE)) for _ in range(CLIENTS)]
        for client in clients:
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        end = time.monotonic() + 3
        count = 0
        for client in clients:
            client.settimeout(max(0.01, end - time.monotonic()))
            with contextlib.suppress(TimeoutError, ConnectionResetError):
                count += client.recv(100).startswith(b"HTTP/1.1 200")
        return count


def test_a_reload_to_more_workers_that_is_dropped(dying):
    write(dying, 2)
    dying.start_dying(dying.start)
    dying.may_alert = True
    write(dying, 8)
    dying.last_words.write_text("no\n")
    assert reload(dying) == 500
    assert answered(dying) == CLIENTS
    dying.last_words.unlink()
    assert reload(dying) == 200
    assert answered(dying) == CLIENTS


def test_a_reload_to_more_workers_while_it_starts(dying):
    """Clients do not wait for workers that may never come."""
    write(dying, 2)
    dying.start_dying(dying.start)
    write(dying, 8)
    with dying_workers.held_up(dying):
        dying.signal(signal.SIGHUP)
        wait_until(lambda: len(dying.workers()) == 10, "those that are held up")
        assert answered(dying) == CLIENTS
    dying.wait_log(r"reload: generation 2 serves")
    assert answered(dying) == CLIENTS


@pytest.mark.parametrize("is_kept", [True, False])
def test_scaling_while_a_reload_starts(dying, is_kept):
    """The sockets that were prepared are no surplus."""
    write(dying, 2)
    dying.start_dying(dying.start)
    dying.may_alert = True
    write(dying, 8)
    with dying_workers.held_up(dying):
        dying.signal(signal.SIGHUP)
        wait_until(lambda: len(dying.workers()) == 10, "those that are held up")
        dying.signal(signal.SIGTTIN)
        wait_until(lambda: len(dying.workers()) == 11, "one more")
        end = time.monotonic() + 0.1  # surplus ones would be closed by then
        while time.monotonic() < end:
            assert answered(dying) == CLIENTS
        if not is_kept:
            victim = wait_until(
                lambda: next((one["pid"] for one in admin.workers(dying)
                              if one["generation"] == 2), None), "its pid")
            os.kill(victim, signal.SIGKILL)
    dying.wait_log(r"reload: generation 2 serves" if is_kept
                   else r"reload: kept generation 1")
    assert answered(dying) == CLIENTS
    if not is_kept:
        wait_until(lambda: len(dying.workers()) == 3, "those of before")


def test_a_reload_right_after_one_to_fewer_workers(server, free_port):
    """Whether it is good or bad, it waits until their sockets are empty. That
    takes a second where clients may be far away."""
    write(server, 8, "0.0.0.0")
    server.start()
    server.may_alert = True
    write(server, 2, "0.0.0.0")
    assert reload(server) == 200
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        write(server, 2, "0.0.0.0",
              f"server {{ listen 127.0.0.1:{holder.getsockname()[1]}; }}")
        assert reload(server) != 200
        assert answered(server) == CLIENTS
    assert reload(server) == 200
    assert answered(server) == CLIENTS
