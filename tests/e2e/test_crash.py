"""A worker that crashes says where, and dies by the same signal; later ones come
from a template with other addresses; who crashes again and again waits."""

import os
import re
import signal
import time

import pytest

import admin
import processes
import wire
from conftest import IS_SANITIZED, wait_until
from trouble import trouble  # noqa: F401

unsanitized = pytest.mark.skipif(
    IS_SANITIZED, reason="the sanitizer reports crashes itself")


def _crash(server, path):
    """A request that kills its worker; the rest of its words is a secret."""
    with server.connect() as connection:
        connection.request(path=path)
        with pytest.raises((OSError, wire.Closed)):
            connection.response()


def _until(events, name):
    while True:
        event = events.next()
        if event["event"] == name:
            return event


@unsanitized
@pytest.mark.parametrize("path, number", [
    ("/fault", signal.SIGSEGV),
    ("/overflow", signal.SIGSEGV),
    (f"/raise?{signal.SIGSEGV}", signal.SIGSEGV),
    (f"/raise?{signal.SIGABRT}", signal.SIGABRT),
    (f"/raise?{signal.SIGBUS}", signal.SIGBUS),
    (f"/raise?{signal.SIGILL}", signal.SIGILL),
    (f"/raise?{signal.SIGFPE}", signal.SIGFPE),
])
def test_a_crash_is_told_by_the_worker_and_by_the_primary(
        trouble, path, number):
    trouble.write("worker_processes 1;")
    trouble.start()
    trouble.may_alert = True
    with admin.Events(trouble) as events:
        _crash(trouble, path)
        ended = _until(events, "exit")
    assert ended["signal"] == number and ended["reason"] == "crash"
    log = trouble.log()
    told = re.search(r"\[alert\] (\d+)#\1: worker 1 crashes by signal (\d+) "
                     r"\((.*)\) with 1 connections", log)
    assert told and int(told[1]) == ended["pid"] and int(told[2]) == number
    assert (" at 0x" in told[3]) == ("raise" not in path)
    size = len(f"GET {path} HTTP/1.1")
    assert f"worker 1 served a request line of {size} bytes" in log
    assert f"GET {path}" not in log
    assert re.search(r"\[alert\].* stack #0 \S+\+0x[0-9A-F]+", log)
    assert re.search(rf"\[alert\] {trouble.pid}#.*: worker process "
                     rf"{ended['pid']} exited on signal {int(number)}", log)
    wait_until(lambda: trouble.workers() and
               trouble.workers()[0] != ended["pid"], "a new worker")
    assert trouble.get().status == 200


@unsanitized
def test_a_crash_outside_of_a_request_is_told_too(hello):
    hello.may_alert = True
    os.kill(hello.workers()[0], signal.SIGSEGV)
    hello.wait_log(r"worker 1 crashes by signal 11 \(Segmentation fault\) "
                   r"with 0 connections")
    hello.wait_log(r"worker 1 served a request line of 0 bytes")
    hello.wait_log(r"stack #0")


# --- the template after a crash --------------------------------------------------


def _base(pid):
    """Where the program's first page lies."""
    program = os.readlink(f"/proc/{pid}/exe")
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return next(line for line in maps if program in line).split("-")[0]


def _wait_successor(server, worker):
    wait_until(lambda: len(now := server.workers()) == 2 and worker not in now,
               "its successor")


def test_later_workers_come_from_another_template(hello):
    hello.may_alert = True
    template, base = hello.templates()[0], _base(hello.workers()[0])
    with admin.Events(hello) as events:
        os.kill(hello.workers()[0], signal.SIGSEGV)
        _until(events, "template_renewed")
    wait_until(lambda: hello.templates() and
               template not in hello.templates(), "the old one to leave")
    wait_until(lambda: len(hello.workers()) == 2, "two workers")
    for worker in hello.workers():
        os.kill(worker, signal.SIGTERM)
        _wait_successor(hello, worker)
    assert {_base(worker) for worker in hello.workers()} == \
        {_base(hello.templates()[0])}
    assert _base(hello.workers()[0]) != base
    assert hello.get().status == 200


def test_but_not_if_the_configuration_has_changed(hello):
    hello.may_alert = True
    template = hello.templates()[0]
    with open(hello.configuration, "a", encoding="utf-8") as file:
        file.write("# changed\n")
    with admin.Events(hello) as events:
        os.kill(hello.workers()[0], signal.SIGBUS)
        _until(events, "template_kept")
    hello.wait_log(r"\[warn\].*generation 1 keeps its template after a crash, "
                   r"since its configuration has changed")
    wait_until(lambda: hello.templates() == [template], "the new one to leave")
    wait_until(lambda: len(hello.workers()) == 2, "two workers")
    worker = hello.workers()[0]
    os.kill(worker, signal.SIGTERM)  # the next one is from the old template
    _wait_successor(hello, worker)
    assert hello.get().status == 200


def test_one_crash_after_the_other_never_leaves_it_without_a_template(hello):
    hello.may_alert = True
    with admin.Events(hello) as events:
        for _ in range(8):
            os.kill(hello.workers()[0], signal.SIGSEGV)
            _until(events, "exit")
            wait_until(lambda: len(hello.workers()) == 2, "two workers")
    wait_until(lambda: len(hello.templates()) == 1, "the last renewal")
    assert "has no template" not in hello.log()
    assert admin.get(hello, "/v1/status")["has_template"]
    assert hello.get().status == 200


def test_a_program_of_the_library_forks_its_template_anew(trouble):
    trouble.write()
    trouble.start()
    trouble.may_alert = True
    template = trouble.templates()[0]
    with admin.Events(trouble) as events:
        os.kill(trouble.workers()[0], signal.SIGABRT)
        _until(events, "template_renewed")
    wait_until(lambda: trouble.templates() and
               template not in trouble.templates(), "the old one to leave")
    assert trouble.get().status == 200


def test_other_ends_leave_the_template_alone(hello):
    hello.may_alert = True
    template = hello.templates()[0]
    with admin.Events(hello) as events:
        for number in (signal.SIGKILL, signal.SIGTERM):
            os.kill(hello.workers()[0], number)
            _until(events, "listening")
    assert hello.templates() == [template]
    assert "template" not in hello.log()


# --- crash loops --------------------------------------------------------------------


def _still_waits(killed, event):
    """Whatever was seen until now, was seen before the delay was over."""
    return time.monotonic() - killed < event["delay_ms"] / 1000


def test_a_crash_loop_waits_longer_and_longer_and_ends(server):
    server.write(main="worker_processes 1;")
    server.start()
    server.may_alert = True
    delays, looks = [], 0
    with admin.Events(server) as events:
        pid = server.workers()[0]
        while len(delays) < 4:
            killed = time.monotonic()
            os.kill(pid, signal.SIGKILL)
            while True:
                event = events.next()
                if event["event"] == "listening":
                    pid = event["pid"]
                    break
                if event["event"] == "crash_loop":
                    delays.append(event["delay_ms"])
                    # The primary is there for whoever asks.
                    status = admin.get(server, "/v1/status")
                    if _still_waits(killed, event):
                        assert status["workers"]["waiting"] == 1
                        assert status["workers"]["serving"] == 0
                        looks += 1
        assert delays == [100, 200, 400, 800]
    assert looks > 0
    server.wait_log(r"\[error\].*died too soon or too often: the next one "
                    r"waits for 800 ms")
    assert server.get().status == 200
    assert admin.get(server, "/v1/status")["workers"]["waiting"] == 0


def test_one_place_in_a_crash_loop_leaves_the_others_alone(server):
    server.write(main="worker_processes 2;")
    server.start()
    server.may_alert = True
    victim, other = server.workers()
    with admin.Events(server) as events:
        while True:
            killed = time.monotonic()
            os.kill(victim, signal.SIGKILL)
            event = events.next()
            while event["event"] not in ("listening", "crash_loop"):
                event = events.next()
            if event["event"] == "crash_loop":
                for _ in range(20):
                    assert server.get().status == 200
                alone = server.workers()
                if _still_waits(killed, event):
                    break
                event = _until(events, "listening")
            victim = event["pid"]
        assert alone == [other]
        assert _until(events, "listening")
    assert not processes.is_alive(victim)
