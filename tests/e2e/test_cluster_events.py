"""The cluster's events: what each means and in which order they come."""

from __future__ import annotations

import os
import signal
import socket

import pytest

import processes
from cluster import connect, make_primary, primary
from conftest import wait_until

pytestmark = pytest.mark.quick


def order(primary, id: int = 1) -> list[str]:
    """The events about a worker, levels and names."""
    return [f"{one[1]} {one[2]}" for one in primary.find(
        rf"^(worker|cluster) (\w+) {id}\b")]


def ended(client: socket.socket) -> bool:
    """Nothing came, and nothing will."""
    try:
        return client.recv(10) == b""
    except ConnectionResetError:
        return True


def test_events_come_in_their_order_the_workers_first(primary):
    worker = primary.fork()
    worker.listen()
    worker.ask("hello", "hello")
    primary.tell("disconnect 1")
    worker.wait_exit()
    names = [one for one in order(primary) if "message" not in one]
    assert names == [f"{level} {name}" for name in (
        "fork", "online", "ready", "listening", "disconnect", "exit")
        for level in ("worker", "cluster")]


def test_events_are_never_told_inside_a_call(primary):
    primary.fork()
    lines = primary.lines
    assert lines.index("worker fork 1") > next(
        i for i, line in enumerate(lines) if line.startswith("forked 1"))
    start = len(lines)
    primary.ask("setup silent no", "^setup: 0")
    primary.wait("^cluster setup", start=start)
    assert lines.index("setup: 0", start) < next(
        i for i, line in enumerate(lines)
        if i >= start and line.startswith("cluster setup"))


def test_fork_is_told_before_the_process_is_known_to_run(make_primary):
    primary = make_primary(exec="/does/not/exist")
    primary.tell("fork")
    primary.wait("^cluster disconnect 1")
    assert order(primary)[:2] == ["worker fork", "cluster fork"]


def test_online_is_told_when_the_channel_is_taken_up(primary):
    primary.fork()
    assert primary.state(1) == "state online connected 1 dead 0 leaving 0"


def test_ready_is_told_once_before_the_first_listening(primary):
    worker = primary.fork()
    worker.ask("hello", "hello")
    assert not primary.find("ready 1")  # it serves nothing yet
    worker.listen()
    worker.listen()
    primary.wait("^cluster listening 1", 2)
    names = [one for one in order(primary) if "message" not in one]
    assert names[4:10] == [
        "worker ready", "cluster ready", "worker listening",
        "cluster listening", "worker listening", "cluster listening"]
    assert len(primary.find("^cluster ready 1$")) == 1


def test_a_worker_that_cannot_listen_is_not_ready(primary):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        worker = primary.fork()
        worker.ask(f"listen 127.0.0.1:{taken.getsockname()[1]}", "error ")
    worker.listen("own:0")  # the primary knows nothing of it
    assert not primary.find("ready 1")
    worker.listen()
    primary.wait("^worker ready 1$")


def test_listening_has_the_address_once_per_listen(primary):
    worker = primary.fork()
    ports = [worker.listen(), worker.listen()]
    for port in ports:
        primary.wait(rf"^cluster listening 1 4 127.0.0.1 {port} fd -1")
    assert len(primary.find("^cluster listening 1")) == 2
    assert primary.state(1).startswith("state listening")


def test_listening_without_a_host_has_none(primary):
    port = primary.fork().listen("0")
    primary.wait(rf"^cluster listening 1 6 - {port}")


def test_messages_reach_worker_and_cluster_in_order(primary):
    worker = primary.fork()
    for i in range(50):
        worker.tell("hello")
    primary.wait('^cluster message 1 "hello"', 50)
    assert len(primary.find('^worker message 1 "hello"')) == 50


def test_a_message_may_bring_a_handle(primary):
    primary.fork().tell("pass")
    primary.wait('^cluster message 1 "a socket" with a handle')


def test_disconnect_comes_before_exit_however_it_ends(primary):
    for words in ("exit 7", "abort", "disconnect", "kill", "hang_up"):
        worker = primary.fork()
        worker.tell(words)
        worker.wait_exit()
        assert order(primary, worker.id)[-4:] == [
            "worker disconnect", "cluster disconnect", "worker exit",
            "cluster exit"]


@pytest.mark.parametrize("words,how", [
    ("exit 7", "code 7 signal 0 self accidental"),
    ("exit 0", "code 0 signal 0 self accidental"),
    ("abort", "code -1 signal 6 crash accidental"),
    ("disconnect", "code 0 signal 0 disconnect voluntary"),
    ("kill", "code 0 signal 0 kill voluntary"),
    ("hang_up", "code 0 signal 0 self accidental")])
def test_exit_says_code_signal_and_reason(primary, words, how):
    worker = primary.fork()
    worker.tell(words)
    assert worker.wait_exit() == how


def test_a_worker_that_loses_its_channel_exits_0_at_once(
        make_primary, tmp_path):
    primary = make_primary(env={"FAREWELL": str(tmp_path / "farewell")})
    worker = primary.fork()
    worker.listen("127.0.0.1:0", "hold")
    primary.tell("hang_up 1")
    assert worker.wait_exit() == "code 0 signal 0 self accidental"
    assert (tmp_path / "farewell").read_text() == "voluntary 0\n"


def test_the_worker_is_told_of_a_disconnect_it_is_asked_for(
        make_primary, tmp_path):
    primary = make_primary(env={"FAREWELL": str(tmp_path / "farewell")})
    worker = primary.fork()
    primary.tell("disconnect 1")
    primary.wait('^cluster message 1 "asked to leave"')
    worker.wait_exit()
    assert (tmp_path / "farewell").read_text() == "voluntary 1\n"


def test_so_is_one_that_is_killed_before_it_is_told(make_primary, tmp_path):
    primary = make_primary(env={"FAREWELL": str(tmp_path / "farewell")})
    worker = primary.fork()
    worker.tell("hang_up kill")
    worker.wait_exit()
    assert (tmp_path / "farewell").read_text() == "voluntary 1\n"


def test_a_program_that_cannot_start_is_error_then_disconnect_and_no_exit(
        make_primary):
    primary = make_primary(exec="/does/not/exist")
    primary.tell("fork")
    primary.wait("^cluster error 1 start /does/not/exist: No such file")
    primary.wait("^cluster disconnect 1")
    primary.ask("workers", "^workers 0:")
    assert not primary.find("exit 1")


def test_a_missing_folder_is_told_in_the_same_way(primary):
    primary.ask("setup cwd /does/not/exist", "^setup: 0")
    primary.tell("fork")
    primary.wait("^cluster error 1 change to its folder .*: No such file")
    primary.wait("^cluster disconnect 1")


def test_setup_is_told_at_each_setup_and_at_each_fork(primary):
    primary.wait("^cluster setup")
    primary.fork()
    primary.wait("^cluster setup", 2)
    primary.ask("setup silent no", "^setup: 0")
    primary.wait("^cluster setup", 3)
    primary.fork()
    primary.wait("^cluster setup", 4)


def test_drop_tells_of_connections_that_were_closed(primary):
    port = primary.fork().listen("127.0.0.1:0", "hold max=1 drop")
    first, second = connect(port), connect(port)
    primary.wait('^cluster message 1 "drop 0"')
    first.close()
    second.close()


def test_drop_tells_the_primary_what_nobody_could_take(primary):
    worker = primary.fork()
    port = worker.listen()
    os.kill(worker.pid, signal.SIGSTOP)
    clients = [connect(port) for _ in range(3)]
    wait_until(lambda: processes.accepted(port) == 3,
               "the primary to have accepted them")
    os.kill(worker.pid, signal.SIGKILL)
    primary.wait(f"^cluster drop 3 of port {port}$")
    assert len(primary.find(
        f"closing 3 connections of 127.0.0.1:{port} that no worker")) == 1
    for client in clients:
        assert ended(client)
    worker.wait_exit()
    assert len(primary.find(" drop ")) == 1


def test_accept_paused_and_resumed_are_told(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold max=1")
    held = []

    def is_paused() -> object:
        held.append(connect(port))
        return primary.find(f"^cluster accept_paused {port}")

    wait_until(is_paused, "a pause")
    worker.tell("limit 0 1000")  # more than it took to pause
    primary.wait(f"^cluster accept_resumed {port}")
    for one in held:
        assert one.recv(10) == b"1\n"
