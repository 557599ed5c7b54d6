"""Programs that are given their sockets, as workers of a group."""

from __future__ import annotations

import os
import signal
import socket

import pytest

import processes
import wire
from conftest import PATIENCE, wait_until
from groups import answers, who

# Serves descriptor 3, says who it is and what it was given.
SERVER = """
import os, socket, sys
assert int(os.environ["LISTEN_PID"]) == os.getpid()
listener = socket.socket(fileno=3)
while True:
    client, _ = listener.accept()
    client.recv(4096)
    text = "%d %s %s" % (
        os.getpid(), os.environ["LISTEN_FDS"], os.environ["LISTEN_FDNAMES"])
    client.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + text.encode())
    client.close()
"""


def block(server, settings: str, name: str = "app",
          program: str = SERVER) -> str:
    (server.folder / "serve.py").write_text(program)
    return f"""
        worker_group {name} {{
            exec /usr/bin/python3 {server.folder}/serve.py;
            protocol listen_fds;
            {settings}
        }}"""


def programs(server) -> list[int]:
    return processes.children(server.pid, "serve.py")


def test_all_accept_from_the_sockets_that_they_are_given(server, free_port):
    port, other = free_port(), free_port()
    server.write(main=block(server, f"""
        processes 2; listen 127.0.0.1:{port} name=web; listen {other};"""))
    server.start()
    seen = set()

    def both_have_answered() -> bool:
        pid, count, names = who(port).split()
        assert (count, names) == ("2", "web:unknown")
        seen.add(int(pid))
        return len(seen) == 2

    wait_until(both_have_answered, "answers of both")
    assert seen == set(programs(server))
    assert server.get().status == 200


def test_the_socket_stays_while_the_next_one_is_started(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main=block(
        server, f"processes 1; listen 127.0.0.1:{port};"))
    server.start()
    for _ in range(3):
        killed = programs(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not processes.is_alive(killed), "its end")
        assert who(port)  # nobody is refused: it waits for the next one


def test_term_is_how_it_is_told_to_leave(server, free_port):
    port = free_port()
    server.write(main=block(
        server, f"processes 2; listen 127.0.0.1:{port};"))
    server.start()
    before = programs(server)
    server.write(main=block(
        server, f"processes 2; listen 127.0.0.1:{port}; env A=b;"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: not set(before) & set(programs(server)),
               "the old ones to leave")
    assert len(programs(server)) == 2 and answers(port)
    server.wait_log(r"exited on signal 15 \(Terminated\)", 2)
    server.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not programs(server), "the others to leave")
    # Until the primary knows, somebody may be let in and dropped.
    wait_until(lambda: not wire.is_open(port), "their socket to be closed")


def test_unix_sockets_are_removed_with_their_group(server):
    path = server.folder / "app.sock"
    server.write(main=block(server, "processes 1; listen unix:app.sock;"))
    server.start()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.0 200")
    server.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not path.exists(), "the file to go")


def test_an_address_that_cannot_be_had_fails_the_start(server, free_port):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        server.write(main=block(
            server, f"processes 1; listen 127.0.0.1:{port};"))
        result = server.run()
    assert result.returncode == 1
    assert f"127.0.0.1:{port}" in result.stderr
    assert "address already in use" in result.stderr


@pytest.mark.parametrize("settings, why", [
    ("processes 1;", 'has no "listen"'),
    ("listen 3000 name=a:b;", "cannot be a name in LISTEN_FDNAMES"),
    ("listen 3000 colour=red;", "takes name= and backlog="),
    ("listen 3000; scheduling_policy reuseport;", 'which is "shared"'),
    ("listen 3000; stdio inherit ipc;", "three entries"),
    ("protocol cohort; listen 3000;", '"protocol" directive is duplicate'),
])
def test_what_cannot_be_is_refused(server, settings, why):
    server.write(main=block(server, settings))
    result = server.run("-t")
    assert result.returncode == 1 and why in result.stderr


def test_other_protocols_ask_for_their_addresses(server):
    server.write(main="worker_group app { exec a; listen 3000; }")
    assert "other programs ask" in server.run("-t").stderr


# Finishes what it has accepted, and nothing else, when it is told to leave.
GRACEFUL = SERVER.replace("""while True:
    client, _ = listener.accept()
""", """import select, signal
told, teller = socket.socketpair()
teller.setblocking(False)
signal.set_wakeup_fd(teller.fileno())
signal.signal(signal.SIGTERM, lambda *_: None)
listener.setblocking(False)
while True:
    ready, _, _ = select.select([listener, told], [], [])
    if told in ready:
        sys.exit(0)
    try:
        client, _ = listener.accept()
    except BlockingIOError:
        continue
    client.setblocking(True)
""")


@pytest.mark.parametrize("how", ["quit", "reload"])
def test_what_waits_is_served_before_it_is_told_to_leave(
        server, free_port, how):
    port = free_port()
    server.write(main=block(
        server, f"processes 1; listen 127.0.0.1:{port}; worker_watchdog off;",
        program=GRACEFUL))
    server.start()
    worker, = programs(server)
    os.kill(worker, signal.SIGSTOP)
    clients = [socket.create_connection(("127.0.0.1", port), PATIENCE)
               for _ in range(10)]
    if how == "quit":
        server.signal(signal.SIGQUIT)
        server.wait_log("quitting")
    else:
        server.write()
        assert server.run("-s", "reload").returncode == 0
    for client in clients:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    os.kill(worker, signal.SIGCONT)
    for client in clients:
        with client, client.makefile() as answer:
            assert str(worker) in answer.read()
    wait_until(lambda: not processes.is_alive(worker), "it to leave")
    if how == "quit":
        assert server.process.wait(PATIENCE) == 0
    assert "Traceback" not in server.printed()


def is_turned_away(port: int) -> bool:
    """It listens for whoever comes again, but nobody is let in."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.2).close()
    except TimeoutError:
        return True
    return False


def test_an_address_that_leaves_may_come_again_while_it_is_held(
        server, free_port):
    """By a program that takes its time, and does not close it."""
    port = free_port()
    server.may_alert = True
    slow = SERVER.replace("listener = ", """import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
listener = """)
    settings = f"processes 1; listen 127.0.0.1:{port};"
    server.write(main=block(server, settings, program=slow))
    server.start()
    assert answers(port)  # so it ignores the signal by now
    first, = programs(server)
    server.write()
    assert server.run("-s", "reload").returncode == 0
    wait_until(lambda: is_turned_away(port), "it to leave")
    server.write(main=block(server, settings))
    assert server.run("-s", "reload").returncode == 0
    assert answers(port)
    assert processes.is_alive(first)
    os.kill(first, signal.SIGKILL)
