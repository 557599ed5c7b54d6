"""Sockets that programs are given, and those that had them before or have them
after: whether a socket blocks is the same for all, so that programs may count
on one that does, and nobody who accepts beside others ever waits in accept()."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator

import pytest

import admin
import processes
from conftest import BINARY, PATIENCE, wait_until
from groups import ANSWER, group, needs_node, node_program, who
from test_groups_cohort import block as of_library
from test_groups_dropped import waits
from test_groups_listen_fds import block, programs

# Counts on a socket that blocks, and says whether it did.
SIMPLE = """
import os, socket
blocks = os.get_blocking(3)
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
    client.sendall(b"%d %s" % (os.getpid(), str(blocks).encode()))
    client.close()
"""
# Makes it one that does not.
OTHER = SIMPLE.replace("""while True:
    client, _ = listener.accept()
""", """import select
listener.setblocking(False)
while True:
    select.select([listener], [], [])
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        continue
    client.setblocking(True)
""")
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
MAIN = "worker_processes 2; worker_watchdog off;"


def give(server, port: int, settings: str = "processes 2;",
         program: str = SIMPLE, more: str = "") -> None:
    server.write(main=MAIN + more + block(
        server, f"{settings} listen 127.0.0.1:{port};", program=program))


def keep(server, port: int, policy: str, main: str = MAIN) -> None:
    """The address is that of the built-in workers."""
    server.write(f"""
        server {{ listen 127.0.0.1:{port} policy={policy}; return 200 main; }}
        server {{ listen 127.0.0.1:PORT; return 200 main; }}""", main)


def reload(server) -> None:
    done = server.run("-s", "reload")
    assert done.returncode == 0, done


def assert_given(port: int) -> None:
    """Two programs serve, and the socket was blocking when they came. Who had
    it before may still answer; nobody is refused."""
    seen = set()

    def both() -> bool:
        text = who(port)
        seen.update([text] if text[0].isdigit() and " " in text else [])
        return len(seen) == 2

    wait_until(both, "answers of both")
    assert {text.split()[1] for text in seen} == {"True"}


def assert_gone(server) -> None:
    wait_until(lambda: not programs(server), "the programs to leave")


def waiting(port: int) -> int:
    """Connections that nobody has accepted yet."""
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, queues, *_ = line.split()
        if state == "0A" and local.endswith(f":{port:04X}"):
            count += int(queues.split(":")[1], 16)
    return count


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: all(map(processes.is_stopped, pids)), "their stop")
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def answer(client: socket.socket) -> str:
    with client, client.makefile() as text:
        return text.read().rpartition("\n")[2]


def assert_leaves_well(server, port: int, beside: int = 0) -> None:
    """The primary takes what its workers have not accepted, and comes back;
    beside: a program that has to be ended."""
    workers = wait_until(
        lambda: len(now := server.workers()) == 2 and now, "old ones to leave")
    with stopped(workers):
        clients = [socket.create_connection(("127.0.0.1", port), PATIENCE)
                   for _ in range(60)]
        for client in clients:
            client.sendall(REQUEST)
        server.signal(signal.SIGQUIT)
        server.wait_log("quitting")
        wait_until(lambda: waiting(port) == 0, "all to be accepted")
    assert {answer(client) for client in clients} == {"main"}
    if beside:
        os.kill(beside, signal.SIGKILL)
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_nobody_waits_in_accept_when_it_comes_back(server, free_port, policy):
    port = free_port()
    give(server, port)
    server.start()
    keep(server, port, policy)
    reload(server)
    assert_gone(server)
    assert who(port) == "main"
    assert_leaves_well(server, port)


# Stays when it is told to leave, and makes the socket blocking again.
STUBBORN = OTHER.replace("import select\n", """import pathlib, select, signal
def stay(*_):
    os.set_blocking(3, True)
    pathlib.Path("stays").touch()
    while True:
        signal.pause()
signal.signal(signal.SIGTERM, stay)
""")


@pytest.mark.parametrize("policy", POLICIES)
def test_nor_while_a_program_stays(server, free_port, policy):
    port = free_port()
    server.may_alert = True
    give(server, port, f"processes 1; cwd {server.folder};", STUBBORN)
    server.start()
    worker, = programs(server)
    assert who(port)  # it is there, and hears what it is told
    keep(server, port, policy)
    reload(server)
    wait_until((server.folder / "stays").exists, "its signal")
    assert_leaves_well(server, port, beside=worker)


def test_nor_does_a_worker_whose_primary_dies(server, free_port):
    """It looks for what waits before it leaves."""
    port = free_port()
    server.may_alert = True
    give(server, port)
    server.start()
    keep(server, port, "shared")
    reload(server)
    assert_gone(server)
    client = socket.create_connection(("127.0.0.1", port), PATIENCE)
    client.sendall(REQUEST.replace(b": close", b": keep-alive"))
    assert b"main" in client.recv(4096)
    client.sendall(REQUEST[:-2])
    workers = server.workers()
    server.signal(signal.SIGKILL)
    server.wait_log("the primary is gone, leaving")
    client.sendall(REQUEST[-2:])
    assert answer(client) == "main"
    wait_until(lambda: not any(map(processes.is_alive, workers)), "their end")


@pytest.mark.parametrize("policy", POLICIES)
def test_a_reload_that_fails_changes_nothing(server, free_port, policy):
    port = free_port()
    server.may_alert = True
    keep(server, port, policy)
    server.start()
    before = server.workers()
    give(server, port, more=waits(server, "fail"))
    with admin.Events(server) as events:
        server.signal(signal.SIGHUP)
        while events.until("fork")[-1]["group"] != "waits":
            pass  # main's
        assert {who(port) for _ in range(20)} == {"main"}
        assert not programs(server)
        (server.folder / "fail").touch()
        events.until("reload_failed")
    wait_until(lambda: server.workers() == before, "the others to end")
    assert_leaves_well(server, port)


@pytest.mark.parametrize("policy", POLICIES)
def test_programs_start_when_the_built_in_workers_have_left(
        server, free_port, policy):
    port = free_port()
    keep(server, port, policy)
    server.start()
    before = server.workers()
    kept = socket.create_connection(("127.0.0.1", port), PATIENCE)
    kept.sendall(REQUEST.replace(b": close", b": keep-alive"))
    assert b"main" in kept.recv(4096)
    for _ in range(2):
        give(server, port)
        reload(server)
        assert_given(port)
        keep(server, port, policy)
        reload(server)
        assert_gone(server)
        assert who(port) == "main"
    kept.sendall(REQUEST)
    assert answer(kept) == "main"  # its worker finishes what it has
    wait_until(lambda: not set(before) & set(server.workers()), "their end")
    assert "Traceback" not in server.printed()


@pytest.mark.parametrize("policy", POLICIES)
def test_and_when_those_of_another_group_have(server, free_port, policy):
    port = free_port()
    settings = f"processes 2; scheduling_policy {policy};"
    server.write(main=MAIN + of_library(port, settings))
    server.start()
    kept = socket.create_connection(("127.0.0.1", port), PATIENCE)
    kept.sendall(REQUEST.replace(b": close", b": keep-alive"))
    assert b"hello world" in kept.recv(4096)
    give(server, port)
    reload(server)
    assert_given(port)
    kept.close()
    server.write(main=MAIN + of_library(port, settings))
    reload(server)
    assert_gone(server)
    assert {who(port) for _ in range(20)} == {"hello world\n"}
    assert "Traceback" not in server.printed()


@needs_node
def test_and_when_those_of_node_have(server, free_port):
    """They accept by themselves, as long as there is somebody to accept."""
    port = free_port()
    node_program(server, ANSWER)
    settings = "processes 2; scheduling_policy shared;"
    server.write(main=MAIN + group(server, "app", port, settings))
    server.start()
    for _ in range(2):
        give(server, port)
        reload(server)
        assert_given(port)
        server.write(main=MAIN + group(server, "app", port, settings))
        reload(server)
        assert_gone(server)
        assert all(who(port).isdigit() for _ in range(20))


def of_another(server, port: int, kind: str) -> list[int]:
    """Start workers that accept from the socket by themselves."""
    settings = ("processes 2; scheduling_policy shared; worker_watchdog off; "
                f"cwd {server.folder};")
    if kind == "built-in":
        keep(server, port, "shared")
    elif kind == "node":
        node_program(server, ANSWER)
        server.write(main=MAIN + group(server, "app", port, settings))
    else:
        server.write(main=MAIN + of_library(port, settings))
    server.start()
    return server.workers() if kind == "built-in" else processes.children(
        server.pid, "node" if kind == "node" else "cluster_hello")


KINDS = ["built-in", "library", pytest.param("node", marks=needs_node)]


@pytest.mark.parametrize("kind", KINDS)
def test_they_wait_for_those_who_have_not_read_it_yet(server, free_port, kind):
    """So does who has asked for them."""
    port = free_port()
    before = of_another(server, port, kind)
    with stopped(before):
        give(server, port)
        reload(server)
        asked = subprocess.Popen(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(server)),
             "scale", "app", "2"], stdout=subprocess.PIPE, text=True)
        time.sleep(0.2)  # nothing tells that nothing happens
        assert not programs(server) and asked.poll() is None
    assert_given(port)
    assert asked.communicate(timeout=PATIENCE)[0] == "2 workers serve\n"
    wait_until(lambda: not any(map(processes.is_alive, before)), "their end")
    assert "Traceback" not in server.printed()


@pytest.mark.parametrize("kind", KINDS)
def test_not_for_ever_but_then_it_does_not_block(server, free_port, kind):
    port = free_port()
    with stopped(of_another(server, port, kind)):
        give(server, port, program=OTHER)
        reload(server)
        server.wait_log(
            r"\[warn\].* the worker group app starts while worker \d+ "
            rf"\(process \d+\) may still accept from 127.0.0.1:{port}:")
        assert who(port).split()[1] == "False"


def test_nor_for_one_that_accepts_elsewhere(server, free_port):
    port = free_port()
    server.write(f"""
        server {{ listen 127.0.0.1:{port}; return 200 main; }}
        server {{ listen 127.0.0.1:PORT policy=shared; return 200 main; }}""",
                 MAIN)
    server.start()
    with stopped(server.workers()[:1]):
        give(server, port)
        reload(server)
        assert_given(port)
        assert "may still accept" not in server.log()


@pytest.mark.parametrize("wrong, why", [
    ("exec /does/not/exist;",
     "app cannot start /does/not/exist: No such file or directory"),
    ("exec does-not-exist;", "app cannot start does-not-exist: No such file"),
    ("exec /etc/passwd;", "app cannot start /etc/passwd: Permission denied"),
    ("exec python3 serve.py; cwd /does/not/exist;",
     "app cannot change to its folder /does/not/exist: No such file"),
])
def test_those_that_could_not_start_fail_the_reload(
        server, free_port, wrong, why):
    port = free_port()
    keep(server, port, "shared")
    server.start()
    before = server.workers()
    server.write(main=MAIN + f"""worker_group app {{
        {wrong} protocol listen_fds; listen 127.0.0.1:{port}; processes 1; }}
    """)
    done = server.run("-s", "reload")
    assert done.returncode == 1 and why in done.stderr, done
    wait_until(lambda: server.workers() == before, "what was")
    assert who(port) == "main"


def test_they_find_it_as_others_have_set_it(server, free_port):
    port = free_port()
    server.may_alert = True
    give(server, port, "processes 1;", OTHER)
    server.start()
    first, = programs(server)
    assert who(port) == f"{first} True"
    give(server, port, "processes 1; env A=b;", OTHER)
    reload(server)
    wait_until(lambda: not processes.is_alive(first), "it to leave")
    second, = programs(server)
    assert who(port) == f"{second} False"  # the first one had it, too
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: not processes.is_alive(second), "its end")
    assert who(port).endswith(" True")


def test_a_worker_that_was_told_to_quit_is_not_waited_for(server, free_port):
    """It still has a request, but accepts no more."""
    port = free_port()
    keep(server, port, "round_robin")
    server.start()
    with server.connect() as client:
        client.get()
        client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
        busy, = [row for row in admin.workers(server) if row["connections"]]
        answer = admin.ask(server, "POST", f"/v1/workers/{busy['id']}/kill",
                           {"signal": "QUIT"})
        assert answer.status == 202
        give(server, port)
        reload(server)
        assert_given(port)
        assert "may still accept from" not in server.log()
        client.send(b"\r\n")
        assert client.response().status == 200
