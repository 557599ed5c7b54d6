"""What happens to the server is counted where /metrics tells it."""

import contextlib
import os
import re
import resource
import signal
import socket

import pytest

import admin
import processes
from conftest import IS_SANITIZED, wait_until
from trouble import trouble  # noqa: F401

LINE = re.compile(r"^(\w+(?:\{[^}]*\})?) (\S+)$", re.MULTILINE)
TIMEOUTS = "cohort_http_timeouts_total"
UNFINISHED = (b"POST /body HTTP/1.1\r\nHost: a\r\n"
              b"Content-Length: 100\r\n\r\nabc")
OK = """
    server {
        listen 127.0.0.1:PORT;
        location / { return 200 "hello world\\n"; }
    }"""


def told(server):
    text = admin.ask(server, "GET", "/metrics").body.decode()
    return {name: float(value) for name, value in LINE.findall(text)
            if 'worker="' not in name}


def changes(server, before):
    """What is no more what it was."""
    now = told(server)
    assert now.keys() == before.keys()
    return {name: now[name] - before[name] for name in now
            if now[name] != before[name]}


def wait_for(server, before, name, least=1):
    wait_until(lambda: changes(server, before).get(name, 0) >= least, name)


class Crowd:
    """Clients that have begun a request."""

    def __init__(self, server, count):
        self.sockets = [socket.create_connection(("127.0.0.1", server.port), 20)
                        for _ in range(count)]
        for one in self.sockets:
            one.sendall(b"GET / HTTP/1.1\r\n")

    def close(self):
        for one in self.sockets:
            one.close()


@pytest.mark.quick
def test_everything_begins_at_0(hello):
    now = told(hello)
    exits = [name for name in now if name.startswith("cohort_worker_exits")]
    assert len(exits) == 8
    for name in (*exits, 'cohort_accept_errors_total{process="primary"}',
                 'cohort_accept_errors_total{process="worker"}',
                 'cohort_accept_pauses_total{process="primary"}',
                 'cohort_accept_pauses_total{process="worker"}',
                 'cohort_accept_paused{process="primary"}',
                 'cohort_accept_paused{process="worker"}',
                 'cohort_error_log_lines_dropped_total{process="primary"}',
                 'cohort_error_log_lines_dropped_total{process="worker"}',
                 "cohort_connections_limit_reached_total",
                 "cohort_idle_connections_closed_total",
                 "cohort_connections_dropped_total",
                 "cohort_http_timeouts_total",
                 "cohort_worker_stuck_total",
                 "cohort_worker_crash_loops_total",
                 "cohort_templates_lost_total",
                 'cohort_worker_recycles_total{limit="max_rss"}',
                 'cohort_worker_recycles_total{limit="max_requests"}',
                 'cohort_worker_recycles_total{limit="max_age"}',
                 'cohort_reloads_total{verdict="done"}',
                 'cohort_reloads_total{verdict="failed"}'):
        assert now[name] == 0, name
    assert now["cohort_worker_starts_total"] == len(hello.workers())


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_worker_connections(server, policy):
    """Idle ones go first; then accepting stops, and goes on by itself."""
    side = "primary" if policy == "round_robin" else "worker"
    paused = f'cohort_accept_paused{{process="{side}"}}'
    server.write(OK, events="worker_connections 16;",
                 main=f"worker_processes 1; scheduling_policy {policy};")
    server.start()
    before = told(server)
    idle = [server.connect() for _ in range(8)]
    for connection in idle:
        assert connection.get().status == 200
    crowd = Crowd(server, 64)
    wait_until(lambda: told(server)[paused] == 1, "a pause")
    wait_for(server, before, "cohort_idle_connections_closed_total", 8)
    seen = changes(server, before)
    assert seen["cohort_connections_limit_reached_total"] >= 1
    assert seen["cohort_idle_connections_closed_total"] == 8
    assert seen[f'cohort_accept_pauses_total{{process="{side}"}}'] >= 1
    crowd.close()
    wait_until(lambda: told(server)[paused] == 0, "the end of the pause")
    for connection in idle:
        connection.close()


def test_descriptors_of_workers(server):
    server.write(OK, main="worker_processes 1; scheduling_policy shared;")
    server.start()
    server.may_alert = True
    before = told(server)
    [pid] = server.workers()
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, old[1]))
    crowd = Crowd(server, 3)
    wait_for(server, before, 'cohort_accept_errors_total{process="worker"}')
    resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
    wait_until(lambda: told(server)['cohort_accept_paused{process="worker"}']
               == 0, "the end of the pause")
    crowd.close()


def test_descriptors_of_the_primary(server):
    server.write(OK, main="worker_processes 1;")
    server.start()
    server.may_alert = True
    before = told(server)
    old = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (3, old[1]))
    crowd = Crowd(server, 3)
    wait_for(server, before, 'cohort_accept_errors_total{process="primary"}')
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, old)
    assert server.get().status == 200
    crowd.close()


def test_a_full_error_log(server):
    server.write(OK, main="worker_processes 1; error_log /dev/full info;")
    server.start()
    before = told(server)
    [pid] = server.workers()
    server.raw(b"no request\r\n\r\n")  # an info line of the worker
    wait_for(server, before,
             'cohort_error_log_lines_dropped_total{process="worker"}')
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not processes.is_alive(pid), "its end")
    wait_for(server, before,
             'cohort_error_log_lines_dropped_total{process="primary"}')
    # What a worker has counted outlives it.
    assert changes(server, before)[
        'cohort_error_log_lines_dropped_total{process="worker"}'] >= 1


@pytest.mark.quick
def test_clients_that_take_too_long(server):
    """To send a head, or to read a response."""
    (server.folder / "big").write_bytes(bytes(20_000_000))
    server.write(f"""
        client_header_timeout 1s;
        send_timeout 1s;
        server {{ listen 127.0.0.1:PORT; root {server.folder}; }}""")
    server.start()
    before = told(server)
    with server.connect() as sending, server.connect() as reading:
        sending.send(b"GET / HTTP/1.1\r\n")
        reading.request(path="/big")
        wait_for(server, before, TIMEOUTS, 2)
        assert sending.response().status == 408
        assert len(reading.read_all()) < 20_000_000
    assert changes(server, before)[TIMEOUTS] == 2


def test_clients_that_take_too_long_to_send_a_body(trouble):
    trouble.write(http="client_body_timeout 1s;")
    trouble.start()
    before = told(trouble)
    with trouble.connect() as client:
        client.send(UNFINISHED)
        assert client.response().status == 408
    wait_for(trouble, before, TIMEOUTS)
    assert changes(trouble, before)[TIMEOUTS] == 1


@pytest.mark.quick
def test_exits_by_reason(hello):
    hello.may_alert = True
    before = told(hello)
    with admin.Events(hello) as events:
        os.kill(hello.workers()[0], signal.SIGSEGV)
        while events.next()["event"] != "listening":
            pass
    worker = admin.workers(hello)[0]["id"]
    assert admin.ask(hello, "POST", f"/v1/workers/{worker}/kill",
                     {"signal": "TERM"}).status == 202
    wait_for(hello, before, 'cohort_worker_exits_total{reason="kill"}')
    seen = changes(hello, before)
    assert seen['cohort_worker_exits_total{reason="crash"}'] == 1
    assert seen['cohort_worker_exits_total{reason="kill"}'] == 1
    assert seen["cohort_worker_starts_total"] == 1  # who is killed so stays away


def test_crash_loops(server):
    server.write(OK, main="worker_processes 1;")
    server.start()
    server.may_alert = True
    before = told(server)
    name = "cohort_worker_crash_loops_total"

    def is_counted():
        for pid in server.workers():
            with contextlib.suppress(ProcessLookupError):  # killed just before
                os.kill(pid, signal.SIGKILL)
        return name in changes(server, before)

    wait_until(is_counted, "a crash loop")
    assert changes(server, before)[
        'cohort_worker_exits_total{reason="crash"}'] >= 4


def test_stuck_workers(trouble):
    trouble.write("worker_watchdog 1s;")
    trouble.start()
    trouble.may_alert = True
    before = told(trouble)
    connection = trouble.connect()
    connection.request(path="/spin?600000")
    wait_for(trouble, before, 'cohort_worker_exits_total{reason="stuck"}')
    connection.close()
    assert changes(trouble, before)["cohort_worker_stuck_total"] == 1


@pytest.mark.parametrize("limit, value", [
    ("max_age", "1s"), ("max_requests", "1"),
    pytest.param("max_rss", "96m", marks=pytest.mark.skipif(
        IS_SANITIZED, reason="a sanitizer's memory is another"))])
def test_recycled_workers(trouble, limit, value):
    trouble.write(f"worker_processes 1; {limit} {value};")
    trouble.start()
    before = told(trouble)
    trouble.get("/leak?128" if limit == "max_rss" else "/")
    wait_for(trouble, before,
             f'cohort_worker_recycles_total{{limit="{limit}"}}')
    wait_for(trouble, before, 'cohort_worker_exits_total{reason="recycled"}')


@pytest.mark.quick
def test_reloads_by_verdict(hello):
    hello.may_alert = True
    before = told(hello)
    for _ in range(2):
        assert admin.ask(hello, "POST", "/v1/reload").status == 200
    hello.write("server { nonsense; }")
    assert admin.ask(hello, "POST", "/v1/reload").status == 422
    seen = changes(hello, before)
    assert seen['cohort_reloads_total{verdict="done"}'] == 2
    assert seen['cohort_reloads_total{verdict="failed"}'] == 1
