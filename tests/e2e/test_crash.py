"""A worker that crashes says where, and dies by the same signal; later ones come
from a template with other addresses; who crashes again and again waits."""

import os
import re
import signal

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
