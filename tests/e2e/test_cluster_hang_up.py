"""Hanging up: what was said before arrives, and nobody waits for ever."""

from __future__ import annotations

import os
import signal

import pytest

import processes
from cluster import make_primary, primary
from conftest import wait_until

FLOOD = "^flood: pressed, then No buffer space available"


@pytest.fixture
def calm(primary):
    """Whoever is stopped by a test is none that hangs."""
    primary.ask("setup watchdog_ms -1", "^setup: 0")
    return primary


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(pid), "it to stop")


@pytest.mark.quick
def test_what_was_sent_before_it_arrives(calm):
    worker = calm.fork()
    stop(worker.pid)
    calm.ask("flood 1", FLOOD)
    calm.ask('send 1 "exit 7"', "^send: 1")
    calm.tell("hang_up 1")
    calm.ask('send 1 "late"', "^send: -32")
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait_exit() == "code 7 signal 0 self accidental"
    calm.wait("^sent: 0")
    assert not calm.find("^sent: -")


def test_one_that_reads_nothing_is_waited_for_in_vain(calm):
    """For five seconds."""
    worker = calm.fork()
    stop(worker.pid)
    calm.ask("flood 1", FLOOD)
    calm.ask('send 1 "exit 7"', "^send: 1")
    calm.tell("hang_up 1")
    calm.wait("worker 1: it does not read what was sent before")
    worker.wait_disconnect()
    calm.wait("^sent: -32")
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait_exit() == "code 0 signal 0 self accidental"


@pytest.mark.quick
@pytest.mark.parametrize("words,how", [
    ('send 1 "hang_up"', "self accidental"),
    ("disconnect 1", "disconnect voluntary")])
def test_what_a_worker_said_before_it_left_is_told(calm, words, how):
    worker = calm.fork()
    stop(worker.pid)
    calm.ask('send 1 "flood"', "^send: 0")
    calm.ask(words, "^(send|disconnect): 0")
    stop(calm.pid)
    os.kill(worker.pid, signal.SIGCONT)
    wait_until(lambda: processes.is_asleep(worker.pid) or
               not processes.is_alive(worker.pid), "it to do as it was told")
    os.kill(calm.pid, signal.SIGCONT)
    calm.wait('^cluster message 1 "flood pressed"')
    assert worker.wait_exit() == f"code 0 signal 0 {how}"
