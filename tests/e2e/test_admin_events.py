"""The event stream of the admin socket: what is told, when, in which order, and
to whom that is slow."""

import contextlib
import os
import re
import signal
import socket

import pytest

import admin
from conftest import ROOT, wait_until


def names(told: list[dict], worker: int) -> list[str]:
    """The events of one worker, in their order."""
    return [one["event"] for one in told if one.get("worker") == worker]


@pytest.mark.quick
def test_events_are_replayed_from_where_one_was(hello):
    with admin.Events(hello, since=0) as events:
        told = events.until("reload_done")
    assert [one["seq"] for one in told] == list(range(1, len(told) + 1))
    with admin.Events(hello, since=told[2]["seq"]) as events:
        assert events.next() == told[3]
    admin.ask(hello, "POST", "/v1/reload")
    with admin.Events(hello, since=told[-1]["seq"]) as events:
        assert events.next()["event"] == "reload_begin"


@pytest.mark.quick
def test_a_start_is_told_in_its_order(hello):
    with admin.Events(hello, since=0) as events:
        told = events.until("reload_done")
    assert (told[0]["event"], told[0]["text"]) == ("setup", "2 workers")
    assert told[0]["generation"] == told[-1]["generation"] == 1
    for worker, pid in zip((1, 2), hello.workers()):
        assert names(told, worker) == ["fork", "online", "ready", "listening"]
        assert {one["pid"] for one in told if one.get("worker") == worker} == \
            {pid}
    assert {one["group"] for one in told if "worker" in one} == {"main"}
    # None takes connections before all could.
    order = [one["event"] for one in told]
    assert "reload_begin" not in order  # by which a start is known
    assert order.index("listening") > len(order) - order[::-1].index("ready") - 1
    assert [one["address"] for one in told if one["event"] == "listening"] == \
        [f"127.0.0.1:{hello.port}"] * 2


@pytest.mark.quick
def test_the_manual_has_every_event():
    kinds = (ROOT / "server" / "primary" / "events.c").read_text()
    names = re.findall(r'= *\{"(\w+)", log_', kinds)
    assert {"setup", "stuck", "message", "reload_failed"} < set(names)
    manual = (ROOT / "man" / "cohort-ctl.8").read_text()
    told = set(re.findall(r"\w+", " ".join(re.findall(
        r"^\.It Ic ([\w ,]+)$", manual, re.M))))
    assert set(names) - told == set()


@pytest.mark.quick
def test_each_address_is_told(server, free_port):
    port = free_port()
    server.write(f"""
        server {{
            listen 127.0.0.1:PORT;
            listen [::1]:{port};
            listen unix:{server.folder}/web.sock;
            return 200 "hello";
        }}""", main="worker_processes 1;")
    server.start()
    with admin.Events(server, since=0) as events:
        told = events.until("reload_done")
    assert [one["address"] for one in told if one["event"] == "listening"] == [
        f"127.0.0.1:{server.port}", f"[::1]:{port}",
        f"unix:{server.folder}/web.sock"]


@pytest.mark.quick
def test_a_worker_leaves_in_order_however_it_ends(hello):
    with admin.Events(hello) as events:
        admin.ask(hello, "POST", "/v1/workers/1/disconnect")
        told = events.until("exit")
        assert names(told, 1) == ["disconnect", "exit"]
        assert (told[-1]["code"], told[-1]["signal"], told[-1]["reason"]) == \
            (0, None, "disconnect")
    hello.may_alert = True
    with admin.Events(hello) as events:
        os.kill(admin.get(hello, "/v1/workers/2")["pid"], signal.SIGKILL)
        told = events.until("exit")
        assert names(told, 2) == ["disconnect", "exit"]
        assert (told[-1]["code"], told[-1]["signal"], told[-1]["reason"]) == \
            (None, 9, "crash")
        assert told[-1]["exitedAfterDisconnect"] is False


@pytest.mark.quick
def test_events_tell_why_a_reload_failed(hello):
    hello.may_alert = True  # the errors
    hello.configuration.write_text("lisen 1;\n")
    with admin.Events(hello) as events:
        hello.signal(signal.SIGHUP)
        told = events.until("reload_failed")[-1]
    assert told["generation"] == 1
    assert "lisen" in told["text"]


@pytest.mark.quick
def test_without_a_number_events_begin_now(hello):
    last = admin.get(hello, "/v1/status")["last_event"]
    with admin.Connection(admin.path_of(hello)) as connection:
        connection.request("GET", "/v1/events")
        connection.read_until(b"\r\n\r\n")  # the head comes at once
        hello.signal(signal.SIGTTIN)
        line = connection.read_until(b"}").decode()
        assert f'"seq":{last + 1},' in line


@pytest.mark.timeout(300)
def test_a_slow_listener_holds_nobody(hello):
    """It gets what is left when it reads again, and is told what it missed."""
    with admin.Events(hello, since=0) as slow:
        slow.connection.socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        for _ in range(150):
            assert admin.ask(hello, "POST", "/v1/reload").status == 200
        last = admin.get(hello, "/v1/status")["last_event"]
        assert last > 1200
        number, lost = 0, 0
        while number < last:
            told = slow.next()
            if told["event"] == "lost":
                assert told["first"] == number + 1
                number += told["count"]
                lost += told["count"]
            else:
                assert told["seq"] == number + 1
                number += 1
    assert hello.get().status == 200
    assert lost < last


def test_events_tell_when_connections_wait(server):
    server.write(main="worker_processes 1;", events="worker_connections 2;")
    server.start()
    with admin.Events(server) as events:
        clients = [server.connect() for _ in range(60)]
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\n")  # busy, so not to be closed
        assert events.next()["event"] == "accept_paused"
        for client in clients:
            client.close()
        assert events.next()["event"] == "accept_resumed"
    assert server.get().status == 200


def test_nobody_waits_for_a_generation_that_was_replaced(server):
    """Though its clients stay: the next one accepts."""
    server.write(main="worker_processes 1;", events="worker_connections 2;")
    server.start()
    with admin.Events(server) as events:
        clients = [server.connect() for _ in range(60)]
        for client in clients:
            client.send(b"GET / HTTP/1.1\r\n")
        assert events.until("accept_paused")[-1]["generation"] == 1
        server.signal(signal.SIGHUP)
        assert events.until("accept_resumed")[-1]["generation"] == 1
        assert events.until("accept_paused")[-1]["generation"] == 2
        for client in clients:
            client.close()
        assert events.until("accept_resumed")[-1]["generation"] == 2
    assert server.get().status == 200


def test_events_tell_how_many_connections_were_dropped(server):
    """Nobody could take them, and the server ends."""
    server.may_alert = True
    server.write(main="worker_processes 1; worker_watchdog off;")
    server.start()
    pid = server.workers()[0]
    with admin.Events(server) as events:
        os.kill(pid, signal.SIGSTOP)
        try:
            clients = [server.connect() for _ in range(5)]
            assert admin.ask(server, "GET", "/healthz").status == 200
            server.signal(signal.SIGTERM)
            told = events.until("drop")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    assert told[-1]["count"] == 5
    assert told[-1]["group"] == "main"
    assert names(told, 1)[-2:] == ["disconnect", "exit"]
    for client in clients:
        client.close()


def test_events_tell_what_could_not_be_done(server):
    """There are ten slots for one worker: nine old ones that still finish and
    the one that serves have them all."""
    server.write(main="worker_processes 1; worker_processes_max 1;")
    server.start()
    busy = []
    try:
        with admin.Events(server) as events:
            for number in range(1, 10):
                busy.append(server.connect())
                busy[-1].send(b"GET / HTTP/1.1\r\n")
                wait_until(lambda: admin.get(
                    server, f"/v1/workers/{number}")["connections"] == 1,
                    "the connection to be taken")
                assert admin.ask(server, "POST",
                                 f"/v1/workers/{number}/replace").status == 200
            answer = admin.ask(server, "POST", "/v1/workers/10/replace")
            assert answer.status == 503
            told = events.until("error")[-1]
            assert "no slot is free" in told["text"]
            assert (told["group"], told["generation"]) == ("main", 1)
        assert server.get().status == 200
    finally:
        for client in busy:
            client.close()
