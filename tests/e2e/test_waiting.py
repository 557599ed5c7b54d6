"""Who waits for a worker that is busy, or stands still, is answered whatever
happens meanwhile to worker, address or primary."""

import contextlib
import os
import select
import signal
import time

import pytest

import admin
import dying_workers
import processes
import wire
from conftest import PATIENCE, wait_until
from groups import group, needs_node, node_program, node_workers
from trouble import trouble  # noqa: F401
from upgrading import Upgrading

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
STILL = 0.8  # seconds
BUSY = 0.02  # seconds of work


@contextlib.contextmanager
def standing(pids):
    """They do nothing until they are told to go on."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: all(map(processes.is_stopped, pids)), "them to stand")

    def go_on():
        for pid in filter(processes.is_stopped, pids):
            os.kill(pid, signal.SIGCONT)

    try:
        yield go_on
    finally:
        go_on()


class Clients:
    """Each asks at once, and reads when it is told to."""

    def __init__(self, port, count, path="/"):
        self.all = [wire.Connection("127.0.0.1", port) for _ in range(count)]
        for one in self.all:
            one.request(path=path, connection="close")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.all:
            one.close()

    def is_any_answered(self):
        """And has not been read yet."""
        return select.select([one.socket for one in self.all], [], [], 0)[0]

    def answered(self):
        count = 0
        for one in self.all:
            with contextlib.suppress(wire.Closed, ConnectionError):
                count += one.response().status == 200
        return count


def listening_on(server, ports, main):
    listens = "".join(f"listen 127.0.0.1:{port};" for port in ports)
    server.write(f"server {{ {listens} location / {{ return 200 x; }} }}",
                 main=main)


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_waits_for_a_worker_that_is_busy(trouble, policy):
    trouble.write(f"worker_processes 1; scheduling_policy {policy};")
    trouble.start()
    worker = trouble.workers()[0]
    used = processes.cpu_time(worker)
    with Clients(trouble.port, 1, "/spin?1000") as first:
        wait_until(lambda: processes.cpu_time(worker) >= used + BUSY or
                   first.is_any_answered(), "it to be busy")
        with Clients(trouble.port, 10) as others:
            trouble.signal(signal.SIGQUIT)
            assert first.answered() + others.answered() == 11
    assert trouble.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_waits_for_one_that_takes_its_time(trouble, policy):
    trouble.write(f"worker_processes 1; scheduling_policy {policy};")
    trouble.start()
    with Clients(trouble.port, 60, "/spin?15") as clients:
        trouble.signal(signal.SIGQUIT)
        assert clients.answered() == 60
    assert trouble.process.wait(PATIENCE) == 0


@needs_node
def test_quit_waits_for_a_worker_of_a_group_that_is_busy(server, free_port):
    port = free_port()
    node_program(server, """
require('http').createServer((request, response) => {
    const end = Date.now() + Number(request.url.slice(1));
    while (Date.now() < end);
    response.setHeader('Connection', 'close');
    response.end('x');
}).listen(process.env.LISTEN, '127.0.0.1');
""")
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    worker = node_workers(server)[0]
    used = processes.cpu_time(worker)
    with Clients(port, 1, "/1000") as first:
        wait_until(lambda: processes.cpu_time(worker) >= used + BUSY or
                   first.is_any_answered(), "it to be busy")
        with Clients(port, 50, "/0") as others:
            server.signal(signal.SIGQUIT)
            assert first.answered() + others.answered() == 51
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_leaves_while_workers_stand(server, policy, free_port):
    main = f"scheduling_policy {policy}; worker_processes 2;" \
        "worker_watchdog off;"
    second = free_port()
    listening_on(server, [server.port, second], main)
    server.start()
    listening_on(server, [server.port], main)
    with standing(server.workers()) as go_on, Clients(second, 20) as clients:
        server.signal(signal.SIGHUP)
        server.wait_log("reload: generation 2 serves")
        time.sleep(STILL)  # so long they stand
        go_on()
        assert clients.answered() == 20


@pytest.mark.parametrize("policy", POLICIES)
def test_an_old_primary_leaves_while_its_worker_stands(tmp_path, policy):
    server = Upgrading(tmp_path)
    try:
        server.write(main=f"scheduling_policy {policy}; worker_processes 1;"
                     "worker_watchdog off;")
        server.start()
        old = server.primary
        server.begin()
        workers = processes.children(old, "worker")
        with standing(workers) as go_on, \
                Clients(server.port, 40) as clients:
            os.kill(old, signal.SIGQUIT)
            time.sleep(STILL)  # so long it stands
            go_on()
            assert clients.answered() == 40
        server.wait_gone(old)
    finally:
        server.stop()


def test_another_reload_does_not_wait_for_them(server, free_port):
    """The address is opened anew, though somebody still waits on the old one."""
    main = "worker_processes 1; worker_watchdog off;"
    second = free_port()
    listening_on(server, [server.port, second], main)
    server.start()
    with standing(server.workers()) as go_on, Clients(second, 1) as clients:
        for ports in [server.port], [server.port, second], [server.port]:
            listening_on(server, ports, main)
            answer = admin.ask(server, "POST", "/v1/reload")
            assert answer.status == 200, answer.body
            for port in ports:
                with Clients(port, 1) as others:
                    assert others.answered() == 1
            wait_until(lambda: all(map(wire.is_open, ports)) and
                       (second in ports or not wire.is_open(second)),
                       "the address to be closed")
        go_on()
        assert clients.answered() == 1


def test_an_upgrade_does_not_wait_for_them(tmp_path, free_port):
    server = Upgrading(tmp_path)
    try:
        main = "worker_processes 1; worker_watchdog off;"
        second = free_port()
        listening_on(server, [server.port, second], main)
        server.start()
        listening_on(server, [server.port], main)
        old = server.primary
        with standing(processes.children(old, "worker")) as go_on, \
                Clients(second, 1) as clients:
            assert admin.ask(server, "POST", "/v1/reload").status == 200
            wait_until(lambda: not wire.is_open(second), "it to be closed")
            done = server.ctl("upgrade")
            assert done.returncode == 0, done.stderr
            go_on()
            assert clients.answered() == 1
        server.wait_gone(old)
    finally:
        server.stop()


def test_worker_shutdown_timeout_is_for_them_too(server):
    server.write(main="worker_processes 1; worker_watchdog off;"
                 "worker_shutdown_timeout 1s;")
    server.start()
    with standing(server.workers()) as go_on, \
            Clients(server.port, 5) as clients:
        server.signal(signal.SIGQUIT)
        server.wait_log("worker 1 takes no more connections")
        go_on()
        assert clients.answered() == 0
    server.wait_log("5 connections that no worker of generation 1 has taken")


@pytest.mark.alone
def test_worker_shutdown_timeout_is_not_counted_twice(server):
    """Once for who is not taken, and once more for who is not answered."""
    server.write(main="worker_processes 1; worker_watchdog off;"
                 "worker_shutdown_timeout 2s;")
    server.start()
    with server.connect() as slow:
        slow.send(b"GET / HTTP/1.1\r\n")
        wait_until(lambda: admin.workers(server)[0]["connections"] == 1,
                   "it to be taken")
        with standing(server.workers()) as go_on, Clients(server.port, 1):
            began = time.monotonic()
            server.signal(signal.SIGQUIT)
            server.wait_log("worker 1 takes no more connections")
            go_on()
            assert server.process.wait(PATIENCE) == 0
        assert 1.9 < time.monotonic() - began < 3


# -- sockets of places without a worker ------------------------------------------


def assert_all_are_answered(server):
    with Clients(server.port, 30) as clients:
        assert clients.answered() == 30


def test_a_socket_whose_workers_die_is_served_by_others(server):
    dying_workers.prepare(server)
    server.write(main="scheduling_policy reuseport; worker_processes 2;")
    server.start_dying(server.start)
    server.may_alert = True
    server.last_words.write_text("no\n")
    with admin.Events(server) as events:
        os.kill(server.workers()[1], signal.SIGKILL)
        events.until("crash_loop")
    assert_all_are_answered(server)
    server.last_words.unlink()
    wait_until(lambda: len(server.workers()) == 2, "a worker that stays")
    assert_all_are_answered(server)


def test_a_socket_is_served_while_no_worker_can_be_started(server):
    server.write(main="scheduling_policy reuseport; worker_processes 2;")
    server.start()
    server.may_alert = True
    server.configuration.write_text("nonsense")
    with admin.Events(server) as events:
        os.kill(server.templates()[0], signal.SIGKILL)
        events.until("template_missing")
    os.kill(server.workers()[1], signal.SIGKILL)
    wait_until(lambda: len(server.workers()) == 1, "it to be gone")
    assert_all_are_answered(server)


# -- descriptors whose numbers come again ------------------------------------------


def assert_deaths_are_noticed(server, workers):
    """The primary's loop watches each of them."""
    before = workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(workers()) == len(before) and
               not set(workers()) & set(before), "all to be replaced")


@pytest.mark.parametrize("policy", POLICIES)
def test_workers_that_come_while_addresses_leave(server, policy, free_port):
    """One address is closed at once, the other one a second later."""
    main = f"scheduling_policy {policy}; worker_processes 2;"
    server.may_alert = True
    leaving = f"listen 127.0.0.1:{free_port()}; listen 0.0.0.0:{free_port()};"
    text = "server {{ listen 127.0.0.1:PORT; {} location / {{ return 200 x; }} }}"
    server.write(text.format(leaving), main=main)
    server.start()
    server.write(text.format(""), main=main)
    assert admin.ask(server, "POST", "/v1/reload").status == 200
    time.sleep(0.2)  # the first one is closed, the second one is not
    assert admin.ask(server, "PATCH", "/v1/groups/main",
                     {"processes": 4}).status == 200
    wait_until(lambda: len(server.workers()) == 4, "the old to leave")
    assert_deaths_are_noticed(server, server.workers)


@needs_node
def test_workers_that_come_while_addresses_of_a_group_leave(server, free_port):
    port, other = free_port(), free_port()
    node_program(server, """
const answer = (request, response) => response.end('x');
require('http').createServer(answer).listen(process.env.LISTEN, '127.0.0.1');
require('http').createServer(answer).listen(process.env.OTHER, '0.0.0.0');
""")
    server.may_alert = True
    server.write(main=group(server, "app", port,
                            f"processes 1; env OTHER={other};"))
    server.start()
    wait_until(lambda: wire.is_open(port) and wire.is_open(other), "the group")
    server.write()
    assert admin.ask(server, "POST", "/v1/reload").status == 200
    time.sleep(0.2)  # the first one is closed, the second one is not
    assert admin.ask(server, "PATCH", "/v1/groups/main",
                     {"processes": 8}).status == 200
    wait_until(lambda: len(server.workers()) == 8, "the old to leave")
    assert_deaths_are_noticed(server, server.workers)
