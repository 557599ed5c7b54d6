"""Hanging up: what was said before arrives, and nobody waits for ever."""

from __future__ import annotations

import os
import signal

import pytest

import processes
from cluster import make_primary, primary
from conftest import wait_until

FLOOD = "^flood: pressed, then No buffer space available"


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(pid), "it to stop")


@pytest.mark.quick
def test_what_was_sent_before_it_arrives(primary):
    worker = primary.fork()
    stop(worker.pid)
    primary.ask("flood 1", FLOOD)
    primary.ask('send 1 "exit 7"', "^send: 1")
    primary.tell("hang_up 1")
    primary.ask('send 1 "late"', "^send: -32")
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait_exit() == "code 7 signal 0 self accidental"
    primary.wait("^sent: 0")
    assert not primary.find("^sent: -")


def test_one_that_reads_nothing_is_waited_for_in_vain(primary):
    """For five seconds."""
    worker = primary.fork()
    stop(worker.pid)
    primary.ask("flood 1", FLOOD)
    primary.ask('send 1 "exit 7"', "^send: 1")
    primary.tell("hang_up 1")
    primary.wait("worker 1: it does not read what was sent before")
    worker.wait_disconnect()
    primary.wait("^sent: -32")
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait_exit() == "code 0 signal 0 self accidental"


@pytest.mark.quick
@pytest.mark.parametrize("words,how", [
    ('send 1 "hang_up"', "self accidental"),
    ("disconnect 1", "disconnect voluntary")])
def test_what_a_worker_said_before_it_left_is_told(primary, words, how):
    worker = primary.fork()
    stop(worker.pid)
    primary.ask('send 1 "flood"', "^send: 0")
    primary.ask(words, "^(send|disconnect): 0")
    stop(primary.pid)
    os.kill(worker.pid, signal.SIGCONT)
    wait_until(lambda: processes.is_asleep(worker.pid) or
               not processes.is_alive(worker.pid), "it to do as it was told")
    os.kill(primary.pid, signal.SIGCONT)
    primary.wait('^cluster message 1 "flood pressed"')
    assert worker.wait_exit() == f"code 0 signal 0 {how}"
