"""Sockets of worker groups under policies that give each worker its own: none
is ever left that nobody accepts from."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator

import pytest

import admin
import test_groups_alone
import test_groups_listen_fds
from cluster import WORKER, answer
from conftest import PATIENCE, wait_until
from groups import group, needs_node, node_program, who
from test_groups_cohort import block, programs
from test_groups_listen_fds import GRACEFUL

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

# Ends without having listened anywhere: what would serve with it is dropped.
FAIL = "setTimeout(() => process.exit(3), 300);"


def is_answered(client: socket.socket) -> bool:
    """The whole answer, unless it takes too long."""
    data = b""
    with client:
        while piece := client.recv(65536):
            data += piece
    return data.endswith(b"hello world\n")


def assert_all_answered(port: int, count: int = 40) -> None:
    """One after the other, each on a connection of its own: the kernel spreads
    these over all sockets of the address."""
    for _ in range(count):
        client = socket.create_connection(("127.0.0.1", port), PATIENCE)
        client.sendall(REQUEST)
        assert is_answered(client)


def reload(server, before: list[int]) -> None:
    """And wait until the workers of before have left."""
    assert server.run("-s", "reload").returncode == 0
    wait_until(lambda: not set(before) & set(programs(server)),
               "the old ones to leave")


@pytest.mark.parametrize("after", [
    "processes 2; scheduling_policy reuseport; env A=b;",
    "processes 2; scheduling_policy round_robin;",
    "processes 2; scheduling_policy least_conn;",
    "processes 2; scheduling_policy shared;",
])
def test_a_reload_leaves_no_socket_alone(server, free_port, after):
    port = free_port()
    server.write(main=block(port, "processes 4; scheduling_policy reuseport;"))
    server.start()
    before = programs(server)
    assert_all_answered(port)
    server.write(main=block(port, after))
    reload(server, before)
    assert_all_answered(port)


def test_nor_does_one_after_a_worker_was_replaced(server, free_port):
    port = free_port()
    server.write(main=block(port, "processes 2; scheduling_policy reuseport;"))
    server.start()
    worker = next(one for one in admin.workers(server)
                  if one["group"] == "app")
    assert admin.ask(
        server, "POST", f"/v1/workers/{worker['id']}/replace").status == 200
    wait_until(lambda: worker["pid"] not in programs(server), "it to leave")
    assert_all_answered(port)
    before = programs(server)
    server.write(main=block(
        port, "processes 2; scheduling_policy reuseport; env A=b;"))
    reload(server, before)
    assert_all_answered(port)


def test_nor_does_a_reload_that_fails(server, free_port):
    port, other = free_port(), free_port()
    server.may_alert = True
    node_program(server, FAIL, "fails.js")
    server.write(main=block(port, "processes 1; scheduling_policy reuseport;"))
    server.start()
    before = programs(server)
    server.write(main=block(
        port, "processes 3; scheduling_policy reuseport; env A=b;") +
        group(server, "bad", other, "processes 1;", "fails.js"))
    assert server.run("-s", "reload").returncode == 1
    wait_until(lambda: programs(server) == before, "the dropped ones to end")
    assert_all_answered(port)


def test_nor_does_one_that_fails_while_a_worker_is_replaced(server, free_port):
    port, other = free_port(), free_port()
    server.may_alert = True
    node_program(server, "setTimeout(() => process.exit(3), 2000);", "late.js")
    server.write(main=block(port, "processes 1; scheduling_policy reuseport;"))
    server.start()
    before = programs(server)
    worker = next(one for one in admin.workers(server)
                  if one["group"] == "app")
    server.write(main=block(
        port, "processes 3; scheduling_policy reuseport; env A=b;") +
        group(server, "bad", other, "processes 1;", "late.js"))
    with admin.Events(server) as events:
        server.signal(signal.SIGHUP)
        for _ in range(3):
            events.until("ready")
        assert admin.ask(
            server, "POST", f"/v1/workers/{worker['id']}/replace"
        ).status == 200
        events.until("reload_failed")
    wait_until(lambda: len(programs(server)) == 1 and
               programs(server) != before, "its successor alone")
    assert_all_answered(port)


def test_nor_do_workers_that_leave(server, free_port):
    port = free_port()
    server.write(main=block(port, "processes 4; scheduling_policy reuseport;"))
    server.start()
    assert admin.ask(server, "PATCH", "/v1/groups/app",
                     {"processes": 1}).status == 200
    wait_until(lambda: len(programs(server)) == 1, "three to leave")
    assert_all_answered(port)


def test_a_group_that_leaves_with_sockets_of_its_own_ends(server, free_port):
    port = free_port()
    server.write(main=block(port, "processes 2; scheduling_policy reuseport;"))
    server.start()
    assert_all_answered(port)
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0


# -- of others --------------------------------------------------------------------

def sockets_of(pid: int) -> list[int]:
    """The numbers of its descriptors that are sockets."""
    folder = f"/proc/{pid}/fd"
    numbers = []
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            if os.readlink(f"{folder}/{number}").startswith("socket:"):
                numbers.append(int(number))
    return numbers


OBEDIENT = f"worker_group one {{ exec {WORKER}; protocol cohort; processes 1; }}"


@contextlib.contextmanager
def obedient(server) -> Iterator[Callable[[str], str]]:
    """A function that has the program of OBEDIENT listen, and says what came of
    it."""
    id, = (one["id"] for one in admin.workers(server) if one["group"] == "one")
    with admin.Events(server) as events:

        def listen(address: str) -> str:
            assert admin.ask(server, "POST", f"/v1/workers/{id}/messages",
                             f"listen {address}").status == 202
            return events.until("message")[-1]["message"]

        yield listen


def test_none_of_the_servers_own_is_had_by_a_program(server, free_port):
    """It names a descriptor of the primary, or the admin socket's address."""
    port = free_port()
    server.write(main=OBEDIENT + test_groups_alone.block("other", port, 1))
    server.start()
    with obedient(server) as listen:
        assert listen("127.0.0.1:0 udp").startswith("listens 0 on ")
        numbers = sockets_of(server.pid)
        # main's, the admin's, the groups', channels; the program may ask 64
        # times
        assert 4 < len(numbers) < 30
        for number in numbers:
            assert listen(f"fd:{number}").startswith("error "), number
            assert listen(f"fd:{number} udp").startswith("error "), number
        assert listen(f"unix:{admin.path_of(server)}").startswith(
            "error Address already in use")
    server.wait_log("it is one of the server's own sockets")
    server.wait_log("it belongs to the admin helper")
    assert server.get().status == 200
    assert who(port) == "hello world\n"


def test_one_that_the_server_was_started_with_is_had(server):
    server.write(main=OBEDIENT)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        server.spawn(pass_fds=(bound.fileno(),))
        server.wait_ready()
        number = bound.fileno()
    with obedient(server) as listen:
        assert listen(f"fd:{number}") == f"listens 0 on -:{port}"
    assert answer(port) > 0


# -- from one to another -----------------------------------------------------------

def workers(server) -> list[int]:
    return [one["pid"] for one in admin.workers(server)]


def of_main(policy: str):
    def write(server, port: int) -> None:
        server.write(f"""
            server {{
                listen 127.0.0.1:{port} policy={policy};
                return 200 "hello world\\n";
            }}
            server {{ listen 127.0.0.1:PORT; return 200 main; }}""")
    return write


def of_group(policy: str):
    def write(server, port: int) -> None:
        server.write(main=block(
            port, f"processes 2; scheduling_policy {policy};"))
    return write


def of_given(server, port: int) -> None:
    """Programs that know nothing but one socket."""
    server.write(main=test_groups_listen_fds.block(
        server, f"processes 2; listen 127.0.0.1:{port};",
        program=GRACEFUL.replace("text.encode()", "b'hello world\\n'")))


KINDS = {
    "main round_robin": of_main("round_robin"),
    "main reuseport": of_main("reuseport"),
    "group round_robin": of_group("round_robin"),
    "group shared": of_group("shared"),
    "group reuseport": of_group("reuseport"),
    "group listen_fds": of_given,
}


@pytest.mark.parametrize("first, second", [
    ("main round_robin", "group round_robin"),
    ("main reuseport", "group reuseport"),
    ("main reuseport", "group shared"),
    ("main reuseport", "group listen_fds"),
    ("group reuseport", "group listen_fds"),
])
def test_an_address_goes_to_others_and_comes_back(
        server, free_port, first, second):
    port = free_port()
    KINDS[first](server, port)
    server.start()
    assert_all_answered(port)
    for kind in (second, first):
        before = workers(server)
        KINDS[kind](server, port)
        assert server.run("-s", "reload").returncode == 0
        assert_all_answered(port)
        wait_until(lambda: not set(workers(server)) & set(before),
                   "the old ones to leave")
        assert_all_answered(port)


@needs_node
def test_a_worker_gets_one_that_is_about_to_be_closed(server, free_port):
    """It asks again and again while the server has the address, and falls into
    the time in which the kernel may still let somebody in: two seconds, where
    accepting was deferred."""
    other, own = free_port(), free_port()
    node_program(server, """
const http = require('http');
const listen = (port) => {
    http.createServer((request, response) => {
        response.setHeader('Connection', 'close');
        response.end('group');
    }).on('error', () => setTimeout(listen, 20, port)).listen(port, '127.0.0.1');
};
listen(process.env.LISTEN);
listen(process.env.WANTED);
""")
    app = group(server, "app", own, f"processes 1; env WANTED={server.port};")
    kept = f"server {{ listen 127.0.0.1:{other}; return 200 main; }}"
    server.write(kept + """
        server { listen 127.0.0.1:PORT deferred; return 200 main; }""", main=app)
    server.start()
    server.wait_log(f"worker group app: .*127.0.0.1:{server.port}")
    server.write(kept, main=app)
    assert server.run("-s", "reload").returncode == 0
    # What the old workers have yet been offered they answer.
    wait_until(lambda: who(server.port) == "group", "the worker to answer there")
    assert [who(own), who(other)] == ["group", "main"]


def test_a_generation_on_trial_gives_it_back(server, free_port):
    port = free_port()
    server.may_alert = True
    trial = "reload_canary 50% 30s;"
    server.write(main=trial + block(
        port, "processes 2; scheduling_policy shared;"))
    server.start()
    before = server.workers()
    server.write(f"""
        server {{ listen 127.0.0.1:{port}; return 200 "hello world\\n"; }}
        server {{ listen 127.0.0.1:PORT; return 200 main; }}""", main=trial)
    server.signal(signal.SIGHUP)
    server.wait_log("on trial")
    os.kill(max(set(server.workers()) - set(before)), signal.SIGKILL)
    server.wait_log("kept generation 1")
    wait_until(lambda: set(server.workers()) == set(before), "it to end")
    assert_all_answered(port)
