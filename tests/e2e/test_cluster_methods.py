"""The cluster's methods and properties."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time

import pytest

import processes
from cluster import PRIMARY, answer, connect, make_primary, primary
from conftest import PATIENCE, wait_until

pytestmark = pytest.mark.quick


# -- fork -------------------------------------------------------------------------

def test_fork_gives_a_connected_worker_of_state_none(primary):
    line = primary.ask("fork", r"^forked 1 .*").string
    assert line.endswith("connected 1 dead 0")


def test_ids_are_never_used_again(primary):
    first = primary.fork()
    first.tell("exit 0")
    first.wait_exit()
    assert primary.fork().id == 2


def test_forks_environment_is_for_that_worker_alone(primary):
    primary.ask("setup environment EXTRA=all", "^setup: 0")
    primary.fork("EXTRA=mine").ask("show env", ".*mine")
    primary.fork().ask("show env", ".*all")


def test_a_bad_environment_forks_nothing(primary):
    primary.ask("fork nonsense", "^fork: Invalid argument")
    primary.ask("workers", "^workers 0:")


# -- disconnect -------------------------------------------------------------------

def test_disconnect_lets_a_request_finish_and_takes_no_new_one(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    client = connect(port)
    assert client.recv(10) == b"1\n"
    primary.ask("disconnect 1", "^disconnect: 0")
    with pytest.raises(OSError):
        wait_until(lambda: connect(port).close(), "a refusal")
    assert processes.is_alive(worker.pid)
    worker.tell("release")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


def test_connections_go_to_others_from_the_moment_of_disconnect(primary):
    first, second = primary.fork(), primary.fork()
    port = first.listen("127.0.0.1:0", "hold")
    second.listen()
    held = connect(port)
    assert held.recv(10) == b"1\n"
    primary.ask("disconnect 1", "^disconnect: 0")
    assert {answer(port) for _ in range(10)} == {second.id}
    held.close()


def test_a_disconnect_is_heard_behind_as_many_messages_as_fit(primary):
    """Several, as it depends on the last few bytes of the queue."""
    primary.ask("setup watchdog_ms -1", "^setup: 0")
    workers = [primary.fork() for _ in range(3)]
    for one in workers:
        os.kill(one.pid, signal.SIGSTOP)
        primary.ask(f"flood {one.id} 65536", "^flood: pressed, then No buffer")
        primary.ask(f'send {one.id} "{one.id * 8 * "x"}"', "^send: 1")
        primary.ask(f"flood {one.id} 2", "^flood: pressed, then No buffer")
    primary.ask("all", "^asked")
    for one in workers:
        os.kill(one.pid, signal.SIGCONT)
    primary.wait("^all gone, 0 left")
    for one in workers:
        assert one.wait_exit() == "code 0 signal 0 disconnect voluntary"


def test_disconnect_twice_is_fine(primary):
    worker = primary.fork()
    client = connect(worker.listen("127.0.0.1:0", "hold"))
    assert client.recv(10)
    primary.ask("disconnect 1", "^disconnect: 0")
    primary.ask("disconnect 1", "^disconnect: 0")
    worker.tell("release")
    worker.wait_exit()
    assert not primary.find("^cluster error")


def test_a_deadline_ends_a_worker_that_does_not_leave(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    client = connect(port)
    assert client.recv(10) == b"1\n"
    primary.ask("disconnect 1 200", "^disconnect: 0")
    assert worker.wait_exit() == "code -1 signal 15 stuck voluntary"


def test_a_stopped_worker_is_killed_in_the_end(primary):
    worker = primary.fork()
    os.kill(worker.pid, 19)
    primary.ask("disconnect 1 200", "^disconnect: 0")
    assert worker.wait_exit() == "code -1 signal 9 stuck voluntary"


@pytest.mark.parametrize("lines", [
    "disconnect 1 200\nhang_up 1", "hang_up 1\ndisconnect 1 200"])
def test_a_deadline_outlives_the_channel(primary, lines):
    """A worker that does not come back to its loop never sees the end of it."""
    worker = primary.fork()
    worker.ask("spin", "spins")
    primary.tell(lines)
    worker.wait_disconnect()
    assert worker.wait_exit() == "code -1 signal 15 stuck voluntary"


def test_disconnect_before_online_is_heard(primary):
    primary.tell("fork")
    primary.wait("^forked 1")
    primary.ask("disconnect 1", "^disconnect: 0")
    assert primary.wait("^cluster exit 1 (.*)")[1] == \
        "code 0 signal 0 disconnect voluntary"


def test_disconnect_all_calls_back_after_the_last(primary):
    quick, slow = primary.fork(), primary.fork()
    port = slow.listen("127.0.0.1:0", "hold")
    client = connect(port)
    assert client.recv(10)
    primary.ask("all", "^asked")
    quick.wait_exit()
    time.sleep(0.2)
    assert not primary.find("^all gone")
    slow.tell("release")
    primary.wait("^all gone, 0 left")
    assert primary.find("^all gone")


def test_disconnect_all_without_workers_calls_back_later(primary):
    primary.ask("all", "^asked")
    primary.wait("^all gone, 0 left")
    lines = primary.lines
    assert lines.index("asked") < lines.index("all gone, 0 left")


def test_disconnect_all_twice_calls_back_twice(primary):
    primary.fork()
    primary.tell("all")
    primary.tell("all")
    primary.wait("^all gone", 2)


def test_a_worker_that_disconnects_waits_for_its_connections(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    client = connect(port)
    assert client.recv(10)
    worker.tell("disconnect")
    worker.ask("show self", ".*leaving 1")
    worker.tell("release")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


def test_a_worker_may_disconnect_twice(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    with connect(port) as client:
        assert client.recv(10)
        worker.tell("disconnect")
        worker.tell("disconnect")
        worker.tell("release")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"
    assert len(primary.find("^cluster disconnect 1")) == 1


def test_a_worker_that_leaves_listens_nowhere_else(primary, free_port):
    worker = primary.fork()
    with connect(worker.listen("127.0.0.1:0", "hold")) as client:
        assert client.recv(10)
        worker.tell("disconnect")
        for words in (f"127.0.0.1:{free_port()}", f"own:{free_port()}",
                      f"127.0.0.1:{free_port()} exclusive"):
            worker.ask(f"listen {words}", "listen: Broken pipe")
        worker.tell("release")
    assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


# -- kill --------------------------------------------------------------------------

@pytest.mark.parametrize("number", [0, 15, 9, 10])
def test_kill_sends_the_signal_and_is_voluntary(primary, number):
    worker = primary.fork()
    primary.ask(f"kill 1 {number}", "^kill: 0")
    assert worker.wait_exit() == \
        f"code -1 signal {number or 15} kill voluntary"


def test_a_signal_from_elsewhere_is_accidental(primary):
    worker = primary.fork()
    os.kill(worker.pid, 15)
    assert worker.wait_exit() == "code -1 signal 15 crash accidental"


def test_an_unknown_signal_is_refused(primary):
    primary.fork()
    primary.ask("kill 1 999", "^kill: -22")
    primary.ask("kill 1 -1", "^kill: -22")


def test_a_signal_that_ends_nothing_says_nothing_about_leaving(primary):
    primary.fork()
    primary.ask("kill 1 18", "^kill: 0")
    assert primary.state(1).endswith("leaving 0")


def test_killing_one_that_is_dead_does_nothing(primary):
    worker = primary.fork()
    worker.tell("exit 0")
    primary.wait("^at exit 1 connected 0 dead 1 state 4 kill 0")


# -- send --------------------------------------------------------------------------

@pytest.mark.parametrize("text", ["not json", "", "{", '"a" "b"'])
def test_what_is_no_json_is_refused(primary, text):
    primary.fork()
    primary.ask(f"send 1 {text}", "^send: -22")


@pytest.mark.parametrize("text", ["1", "true", "null", '"x"', '{"a":[1,2]}'])
def test_any_json_value_is_a_message(primary, text):
    primary.fork()
    primary.ask(f"send 1 {text}", "^send: 0")
    primary.wait("^sent: 0")


def test_binary_messages_are_not_looked_at(make_primary):
    primary = make_primary()
    primary.ask("setup serialization binary", "^setup: 0")
    primary.fork().ask("hello", "hello")
    primary.ask("send 1 not json", "^send: 0")


def test_a_worker_that_reads_nothing_presses_back_and_fills_up(primary):
    worker = primary.fork()
    os.kill(worker.pid, 19)
    primary.ask("flood 1", "^flood: pressed, then No buffer space available")
    os.kill(worker.pid, 18)
    worker.ask("hello", "hello")


def test_a_worker_is_pressed_back_too(primary):
    worker = primary.fork()
    worker.tell("flood")
    primary.wait('"flood (pressed|taken)')


def test_sending_to_one_that_has_gone_is_an_error_and_no_crash(primary):
    worker = primary.fork()
    primary.tell("hang_up 1")
    primary.ask('send 1 "x"', "^(send: -32|no worker)")


def test_the_callback_is_called_for_all_that_die_in_one_turn(primary):
    workers = [primary.fork(), primary.fork()]
    for one in workers:
        os.kill(one.pid, signal.SIGSTOP)
        primary.ask(f"flood {one.id}", "^flood: pressed")
        primary.ask(f'send {one.id} "x"', "^send: 1")
    os.kill(primary.pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(primary.pid), "it to stop")
    for one in workers:
        os.kill(one.pid, signal.SIGKILL)
    wait_until(lambda: not any(processes.is_alive(one.pid) for one in workers),
               "their end")
    os.kill(primary.pid, signal.SIGCONT)
    primary.wait("^sent: -32", 2)
    for one in workers:
        one.wait_exit()
    for one in workers:  # before its end is told
        told = primary.find(f"^(sent: -32) to {one.id}$|"
                            f"^cluster (disconnect|exit) {one.id}\\b")
        assert [line[1] or line[2] for line in told] == [
            "sent: -32", "disconnect", "exit"]


def test_a_handle_is_closed_after_it_was_sent_unless_kept(primary):
    worker = primary.fork()
    number = primary.ask("open 0", r"^opened (\d+)")[1]
    primary.ask(f"handle 1 {number} keep", "^fd open")
    primary.ask(f"handle 1 {number}", "^fd closed")


def test_a_handle_that_is_none_is_refused(primary):
    primary.fork()
    primary.ask("handle 1 999", "^send: -9")


def test_order_is_kept_behind_a_handle(primary):
    worker = primary.fork()
    number = primary.ask("open 0", r"^opened (\d+)")[1]
    primary.tell(f"handle 1 {number}")
    worker.ask("hello", "hello")
    told = [one[1] for one in primary.find('^cluster message 1 "(got|hello)')]
    assert told == ["got", "hello"]


# -- properties ---------------------------------------------------------------------

def test_states_follow_the_worker(primary):
    worker = primary.fork()
    assert primary.state(1).startswith("state online connected 1 dead 0")
    worker.listen("127.0.0.1:0", "hold")
    assert primary.state(1).startswith("state listening connected 1 dead 0")
    primary.tell("disconnect 1")
    primary.wait("^cluster disconnect 1")


def test_a_worker_asked_to_leave_is_not_connected_and_still_listed(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold")
    client = connect(port)
    assert client.recv(10)
    primary.ask("disconnect 1", "^disconnect: 0")
    assert primary.state(1) == "state listening connected 0 dead 0 leaving 1"
    primary.ask("workers", "^workers 1: 1")
    worker.tell("release")
    worker.wait_exit()
    primary.ask("workers", "^workers 0:")


def test_the_worker_object_inside_is_one(primary):
    primary.fork().ask(
        "show self",
        "self 1 primary 0 worker 1 current 1 connected 1 leaving 0")


# -- settings: those that show in properties -----------------------------------------

def test_settings_are_empty_before_the_first_setup(make_primary):
    primary = make_primary(exec=None)
    primary.ask("settings", "^settings exec - silent 0 serialization 0")


def test_settings_show_what_the_next_fork_uses(make_primary):
    primary = make_primary("one", "two", exec=None)
    primary.ask("setup silent no", "^setup: 0")
    primary.ask("settings", "^settings exec /proc/self/exe one two silent 1 "
                            "serialization 1 stdio 4")
