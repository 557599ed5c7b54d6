"""A generation that is dropped takes no connection of a worker group along."""

from __future__ import annotations

import os
import signal
import socket

import pytest

import admin
import processes
from conftest import PATIENCE, wait_until
from groups import group, needs_node, node_program
from test_groups_cohort import POLICIES, block, programs
from test_groups_sockets import REQUEST, is_answered

# Says who it is, waits for a word, answers, and finishes that when it is told
# to leave.
GIVEN = """
import os, signal, socket, sys, threading
def serve(client):
    client.sendall(b"%d\\n" % os.getpid())
    client.sendall(b"got " + client.recv(100))
    client.close()
listener = socket.socket(fileno=3)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
while True:
    client, _ = listener.accept()
    threading.Thread(target=serve, args=(client,)).start()
"""
NODE = """
require('net').createServer((client) => {
    client.write(process.pid + '\\n');
    client.on('data', (word) => client.end('got ' + word));
}).listen(process.env.LISTEN, '127.0.0.1');
"""


def given(server, port: int, settings: str, program: str = GIVEN) -> str:
    (server.folder / "given.py").write_text(program)
    return f"""
        worker_group app {{
            exec /usr/bin/python3 {server.folder}/given.py;
            protocol listen_fds;
            listen 127.0.0.1:{port};
            processes 1;
            {settings}
        }}"""


def node(server, port: int, settings: str) -> str:
    node_program(server, NODE)
    return group(server, "app", port,
                 f"processes 1; scheduling_policy shared; {settings}")


def waits(server, name: str) -> str:
    """A group that is never ready, and ends as soon as a file is there."""
    return f"""
        worker_group waits {{
            exec /bin/sh -c
                "while [ ! -e {server.folder}/{name} ]; do sleep 0.05; done";
            protocol cohort;
            processes 1;
        }}"""


class Reload:
    """One whose worker of the group app is ready, and which fails when it is
    told to."""

    def __init__(self, server, blocks: str) -> None:
        self.server = server
        server.may_alert = True
        server.write(main=blocks + waits(server, "fail"))
        self.events = admin.Events(server)
        server.signal(signal.SIGHUP)
        while (ready := self.events.until("ready")[-1])["group"] != "app":
            pass  # main's
        self.pid = ready["pid"]

    def __enter__(self) -> "Reload":
        return self

    def __exit__(self, *_: object) -> None:
        self.events.__exit__(None, None, None)

    def fail(self) -> None:
        (self.server.folder / "fail").touch()
        self.events.until("reload_failed")
        admin.get(self.server, "/v1/status")  # what it means has been done


@pytest.mark.parametrize("policy", POLICIES)
def test_a_program_of_the_library_waits_until_it_is_wanted(
        server, free_port, policy):
    port = free_port()
    settings = f"processes 1; scheduling_policy {policy}; worker_watchdog off;"
    server.write(main=block(port, settings))
    server.start()
    before, = programs(server)
    with Reload(server, block(port, settings + "env A=b;")) as reload:
        # Who could take them does not, so all are there for the other one.
        os.kill(before, signal.SIGSTOP)
        clients = [socket.create_connection(("127.0.0.1", port), PATIENCE)
                   for _ in range(20)]
        reload.fail()
        wait_until(lambda: programs(server) == [before], "the other one to end")
        os.kill(before, signal.SIGCONT)
        for client in clients:
            client.sendall(REQUEST)
        assert [is_answered(client) for client in clients] == [True] * 20


@needs_node
@pytest.mark.parametrize("kind", [given, node])
def test_one_that_accepts_by_itself_finishes_what_it_has(
        server, free_port, kind):
    port = free_port()
    server.write(main=kind(server, port, ""))
    server.start()
    with Reload(server, kind(server, port, "env A=b;")) as reload:
        def taken_by_it() -> socket.socket | None:
            client = socket.create_connection(("127.0.0.1", port), PATIENCE)
            if int(client.makefile().readline()) == reload.pid:
                return client
            client.close()
            return None

        with wait_until(taken_by_it, "a connection that it has") as client:
            reload.fail()
            client.sendall(b"this")
            assert client.makefile().read() == "got this"
        wait_until(lambda: not processes.is_alive(reload.pid), "it to leave")


@needs_node
def test_one_that_cannot_have_any_is_ended_at_once(server, free_port):
    port = free_port()
    node_program(server, "setInterval(() => 0, 1000);" + NODE)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    with Reload(server, group(
            server, "app", port, "processes 1; env A=b;")) as reload:
        reload.fail()
        wait_until(lambda: not processes.is_alive(reload.pid), "its end")


def test_nobody_waits_for_them_when_the_server_cannot_start(
        server, free_port):
    stubborn = GIVEN.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
    stubborn = stubborn.replace("while True", f"""
with open("{server.folder}/pid.new", "w") as file:
    file.write(str(os.getpid()))
os.rename("{server.folder}/pid.new", "{server.folder}/pid")
while True""")
    server.write(main=given(server, free_port(), "", stubborn) +
                 waits(server, "pid"))
    failed = server.run()
    assert failed.returncode == 1, failed
    assert "of the group waits" in failed.stderr
    assert not processes.is_alive(int((server.folder / "pid").read_text()))
