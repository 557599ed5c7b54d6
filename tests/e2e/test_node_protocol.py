"""Node's wire protocol, what a primary of ours hears and says: each message, by
a test that stands in for the worker."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator

import pytest

from cluster import Primary, answer, connect, make_primary
from conftest import PATIENCE, wait_until
from node_peer import StandIn, StandIns

pytestmark = pytest.mark.quick


@pytest.fixture
def stand_ins(make_primary, tmp_path) -> Iterator[Callable[..., StandIns]]:
    made: list[StandIns] = []

    def make(policy: str = "round_robin") -> StandIns:
        primary = make_primary(exec=None)
        primary.policy(policy)
        primary.ask("setup protocol node", "^setup: 0")
        made.append(StandIns(primary, tmp_path))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def workers(stand_ins) -> StandIns:
    return stand_ins()


@pytest.fixture
def worker(workers) -> StandIn:
    return workers.fork()


def port_of(reply: dict) -> int:
    return reply["sockname"]["port"]


# -- the start of a worker ---------------------------------------------------------

def test_a_worker_starts_with_its_channel_mode_and_id(workers):
    worker = workers.fork("NODE_UNIQUE_ID=99", "NODE_CHANNEL_FD=77")
    environment = worker.start["environment"]
    assert environment["NODE_UNIQUE_ID"] == "1"
    assert environment["NODE_CHANNEL_FD"] == "3"
    assert environment["NODE_CHANNEL_SERIALIZATION_MODE"] == "json"
    assert not {"COHORT_WORKER_ID", "COHORT_CHANNEL_FD"} & environment.keys()
    assert len(worker.start["words"]) == 1
    assert worker.socket.type == socket.SOCK_STREAM
    assert worker.start["is_blocking"] is False


def test_the_channel_of_a_worker_may_have_any_number(workers):
    workers.primary.ask("setup stdio inherit inherit inherit null null ipc",
                        "^setup: 0")
    assert workers.fork().start["fd"] == 5


# -- framing -----------------------------------------------------------------------

def test_a_line_may_come_in_any_pieces(worker, workers):
    line = json.dumps({"text": "h\u00e9llo", "n": 1}, ensure_ascii=False)
    for byte in (line + "\n").encode():
        worker.raw(bytes([byte]))
        time.sleep(0.001)
    workers.primary.wait('^cluster message 1 {"text":')
    assert "h\u00e9llo" in workers.primary.text()


def test_several_lines_may_come_in_one_piece(worker, workers):
    worker.raw(b'1\n2\n{"three":3}\n4')
    worker.raw(b"5\n")
    for text in ("1", "2", '{"three":3}', "45"):
        workers.primary.wait(f"^cluster message 1 {text}$")


def test_a_message_is_one_line(worker, workers):
    workers.primary.ask('send 1 {"a":"\\n"}', "^send: 0")
    worker.raw(b"1\n")
    assert worker.hear() == {"a": "\n"}


# -- descriptors -------------------------------------------------------------------

def test_a_socket_comes_in_an_envelope_on_the_first_byte(worker, workers):
    number = workers.primary.ask("open 0", r"^opened (\d+)")[1]
    workers.primary.tell(f"handle 1 {number}")
    message, passed = worker.hear_passed("net.Socket")
    passed.close()
    assert message == "handle"


def test_the_kind_of_a_handle_is_that_of_the_socket(worker, workers):
    for words, type in (("listen", "net.Server"), ("udp", "dgram.Socket")):
        number = workers.primary.ask(f"open 0 {words}", r"^opened (\d+)")[1]
        workers.primary.tell(f"handle 1 {number}")
        worker.hear_passed(type)[1].close()


def test_what_is_sent_behind_a_handle_waits_until_it_is_acknowledged(
        worker, workers):
    number = workers.primary.ask("open 0", r"^opened (\d+)")[1]
    workers.primary.tell(f"handle 1 {number}")
    workers.primary.ask('send 1 "behind"', "^send: 0")
    envelope = worker.hear()
    assert envelope["msg"] == "handle"
    assert worker.is_quiet()
    worker.say({"cmd": "NODE_HANDLE_ACK"})
    assert worker.hear() == "behind"


def test_a_socket_is_sent_three_times_more_to_who_had_no_room(worker, workers):
    number = workers.primary.ask("open 0", r"^opened (\d+)")[1]
    workers.primary.tell(f"handle 1 {number}")
    workers.primary.ask('send 1 "behind"', "^send: 0")
    for _ in range(4):
        assert worker.hear()["msg"] == "handle"
        worker.say({"cmd": "NODE_HANDLE_NACK"})
    assert worker.hear() == "behind"


def test_a_handle_that_came_is_acknowledged_before_it_is_told(worker, workers):
    ours, theirs = socket.socketpair()
    worker.say({"cmd": "NODE_HANDLE", "type": "net.Socket", "msg": {"a": 1}},
               theirs.fileno())
    theirs.close()
    assert worker.hear() == {"cmd": "NODE_HANDLE_ACK"}
    workers.primary.wait('^cluster message 1 {"a": 1} with a handle')
    assert ours.recv(100) == b"from the primary\n"
    ours.close()


def test_an_envelope_without_its_descriptor_is_a_nack(worker, workers):
    worker.say({"cmd": "NODE_HANDLE", "type": "net.Socket", "msg": "lost"})
    assert worker.hear() == {"cmd": "NODE_HANDLE_NACK"}
    worker.say("here")
    workers.primary.wait('^cluster message 1 "here"')
    assert not workers.primary.find("lost")


@pytest.mark.parametrize("command", [
    "NODE_SOCKET_NOTIFY_CLOSE", "NODE_SOCKET_ALL_CLOSED",
    "NODE_SOCKET_GET_COUNT", "NODE_DEBUG_ENABLED", "NODE_OF_A_LATER_NODE"])
def test_nodes_other_internal_messages_are_passed_over(
        worker, workers, command):
    worker.say({"cmd": command, "key": "x"})
    worker.say("here")
    workers.primary.wait('^cluster message 1 "here"')
    assert not workers.primary.find(command)


# -- cluster messages, each by its act -----------------------------------------------

def test_online_is_told(workers):
    worker = workers.fork(is_online=False)
    assert not workers.primary.find("^cluster online 1")
    worker.act("online")
    workers.primary.wait("^cluster online 1")


def test_query_server_is_answered_with_where_it_is_bound(worker):
    seq = worker.query("127.0.0.1", 0, backlog=0, flags=0)
    reply = worker.hear()
    assert reply["cmd"] == "NODE_CLUSTER"
    assert reply["ack"] == seq
    assert isinstance(reply["seq"], int)
    assert reply["errno"] is None
    assert reply["key"] == "127.0.0.1:0:4:undefined:0"
    assert reply["data"] is None
    assert reply["sockname"].keys() == {"address", "port", "family"}
    assert reply["sockname"]["address"] == "127.0.0.1"
    assert reply["sockname"]["family"] == "IPv4"
    assert reply["sockname"]["port"] > 0


def test_query_server_under_shared_is_answered_with_the_bound_socket(stand_ins):
    worker = stand_ins("shared").fork()
    seq = worker.query("127.0.0.1", 0)
    reply, bound = worker.hear_passed("net.Native")
    with bound:
        assert reply["ack"] == seq
        assert reply["errno"] == 0
        assert "sockname" not in reply
        assert bound.getsockname()[1] > 0


def test_query_server_that_fails_is_answered_with_the_negative_errno(
        worker, free_port):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        worker.query("127.0.0.1", port)
        reply = worker.hear()
    assert reply["errno"] == -98
    assert reply["key"] == f"127.0.0.1:{port}:4:undefined:0"
    # Nothing of the failure stays: the next one has the address.
    worker.query("127.0.0.1", port, index=1)
    assert worker.hear()["errno"] is None


def test_query_server_for_a_path_is_answered_without_a_name(worker, tmp_path):
    path = tmp_path / "socket"
    worker.query(str(path), -1, -1, readableAll=True, writableAll=True)
    reply = worker.hear()
    assert reply["errno"] is None
    assert reply["key"] == f"{path}:-1:-1:undefined:0"
    assert "sockname" not in reply
    assert stat.S_IMODE(path.stat().st_mode) & 0o666 == 0o666


def test_query_server_of_who_is_leaving_is_not_answered(worker, workers):
    workers.primary.ask("disconnect 1", "^disconnect: 0")
    assert worker.hear()["act"] == "disconnect"
    worker.query()
    assert worker.is_quiet()


def test_listening_is_told_with_the_real_port(worker, workers):
    port = port_of(worker.listen())
    workers.primary.wait(rf"^cluster listening 1 4 127.0.0.1 {port} fd -1")


def test_close_gives_the_socket_up(worker, workers):
    reply = worker.listen()
    worker.act("close", key=reply["key"])
    with pytest.raises(OSError):
        wait_until(lambda: connect(port_of(reply)).close(), "a refusal")


def test_exited_after_disconnect_is_answered_and_settles_it(worker, workers):
    seq = worker.act("exitedAfterDisconnect")
    reply = worker.hear()
    assert reply["ack"] == seq
    worker.close()
    assert workers.primary.wait("^cluster exit 1 (.*)")[1] == \
        "code 0 signal 0 disconnect voluntary"


def test_newconn_brings_a_connection_that_is_ours_when_accepted(worker):
    reply = worker.listen()
    with connect(port_of(reply)) as client:
        client.settimeout(PATIENCE)
        message, connection = worker.take(reply["key"])
        assert connection.getpeername() == client.getsockname()
        connection.sendall(b"x")
        worker.answer(message, accepted=True)
        connection.close()
        assert client.recv(10) == b"x"
        assert client.recv(10) == b""


def test_newconn_that_is_refused_is_another_workers(workers):
    first, second = workers.fork(), workers.fork()
    key = first.listen()["key"]
    port = port_of(second.listen())
    with connect(port) as client:
        message, connection = first.take(key)
        connection.close()
        first.answer(message, accepted=False)
        second.serve()
        assert client.recv(10) == b"2\n"


def test_disconnect_is_said_and_needs_no_answer(worker, workers):
    workers.primary.ask("disconnect 1", "^disconnect: 0")
    message = worker.hear()
    assert message["act"] == "disconnect"
    worker.close()
    assert workers.primary.wait("^cluster exit 1 (.*)")[1] == \
        "code 0 signal 0 disconnect voluntary"


def test_an_answer_to_nothing_is_passed_over(worker, workers):
    worker.answer({"seq": 4711}, accepted=True)
    worker.say("here")
    workers.primary.wait('^cluster message 1 "here"')


# -- keys and handles ----------------------------------------------------------------

@pytest.mark.parametrize("query,key", [
    ({}, "127.0.0.1:0:4:undefined:0"),
    ({"index": 3}, "127.0.0.1:0:4:undefined:3"),
    ({"address": "::1", "type": 6, "flags": 1}, "::1:0:6:undefined:0"),
    ({"address": None}, "null:0:4:undefined:0")])
def test_a_key_is_made_of_the_question(worker, query, key):
    worker.query(**query)
    assert worker.hear()["key"] == key


def test_the_key_of_a_descriptor_has_its_number(worker, workers):
    number = workers.primary.ask("open 0", r"^opened (\d+)")[1]
    worker.query(None, None, None, fd=int(number))
    assert worker.hear()["key"] == f"null:null:null:{number}:0"


def test_without_a_host_it_is_bound_to_all_of_both_families(worker):
    reply = worker.listen(None)
    assert reply["sockname"]["address"] == "::"
    for host in ("127.0.0.1", "::1"):
        with connect(port_of(reply), host):
            worker.serve()


def test_a_long_path_is_bound_relative_to_the_primarys_folder(
        make_primary, tmp_path):
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    primary = make_primary(exec=None, cwd=deep)
    primary.ask("setup protocol node", "^setup: 0")
    workers = StandIns(primary, tmp_path)
    path = deep / "socket"
    workers.fork().listen(str(path), -1, type=-1)
    assert path.is_socket()
    workers.close()


def test_the_data_of_the_first_that_has_any_is_for_all(workers):
    first, second, third = (workers.fork() for _ in range(3))
    keys = {"ticketKeys": "00" * 48}
    assert first.listen()["data"] is None
    assert second.listen(data=keys)["data"] == keys
    assert third.listen(data={"ticketKeys": "11" * 48})["data"] == keys


@pytest.mark.parametrize("how", ["close", "disconnect", "death"])
def test_the_last_that_leaves_takes_the_socket_with_it(workers, tmp_path, how):
    path = tmp_path / "socket"
    both = [workers.fork(), workers.fork()]
    key = [one.listen(str(path), -1, type=-1)["key"] for one in both][0]
    for one in both:
        assert path.exists()
        if how == "close":
            one.act("close", key=key)
        elif how == "disconnect":
            workers.primary.ask(f"disconnect {one.id}", "^disconnect: 0")
        else:
            one.close()
            workers.primary.wait(f"^cluster exit {one.id}")
    wait_until(lambda: not path.exists(), "the socket's file to go")


# -- round robin ---------------------------------------------------------------------

def test_the_turn_goes_round_and_passes_over_who_is_busy(workers):
    ones = [workers.fork() for _ in range(3)]
    port = [port_of(one.listen()) for one in ones][0]
    clients = [connect(port)]
    message, connection = ones[0].take()
    for id in (2, 3, 2, 3, 2):
        clients.append(connect(port))
        ones[id - 1].serve()
        assert clients[-1].recv(10) == b"%d\n" % id
    connection.close()
    ones[0].answer(message, accepted=True)
    workers.primary.ask("workers", "^workers 3")  # it has heard that
    for id in (3, 1, 2, 3, 1):
        clients.append(connect(port))
        ones[id - 1].serve()
    for client in clients:
        client.close()


def test_one_that_does_not_answer_has_one_connection_and_no_more(workers):
    stuck, other = workers.fork(), workers.fork()
    port = port_of(stuck.listen())
    other.listen()
    clients = [connect(port)]
    message, connection = stuck.take()
    for _ in range(5):
        clients.append(connect(port))
        other.serve()
    assert stuck.is_quiet()
    connection.close()
    stuck.answer(message, accepted=True)
    for client in clients:
        client.close()


def test_a_newcomer_gets_its_answer_first_and_then_what_waits(workers):
    stuck = workers.fork()
    port = port_of(stuck.listen())
    clients = [connect(port) for _ in range(3)]
    _, connection = stuck.take()
    newcomer = workers.fork()
    newcomer.listen()
    for client in clients[1:]:
        newcomer.serve()
        assert client.recv(10) == b"2\n"
    connection.close()
    for client in clients:
        client.close()


def test_when_all_refuse_nobody_is_asked_in_a_circle(workers):
    both = [workers.fork(), workers.fork()]
    port = [port_of(one.listen()) for one in both][0]
    end = time.monotonic() + 1
    asked = 0
    with connect(port) as client:
        while time.monotonic() < end:
            for one in both:
                if not one.is_quiet():
                    message, connection = one.take()
                    connection.close()
                    one.answer(message, accepted=False)
                    asked += 1
        assert asked < 30
        wait_until(
            lambda: next((one for one in both if not one.is_quiet()), None),
            "one to be asked again").serve()
        assert client.recv(10) in (b"1\n", b"2\n")


def test_one_that_hangs_gets_none_though_it_refused_one_before(workers):
    """It says no to each until it is found to hang, and is then not asked
    again before it is well."""
    primary = workers.primary
    primary.ask("setup watchdog_ms 6000", "^setup: 0")
    worker = workers.fork()
    pid = int(primary.wait(r"^forked 1 pid (\d+)")[1])
    port = port_of(worker.listen())

    def refuse() -> None:
        message, connection = worker.take()
        connection.close()
        worker.answer(message, accepted=False)

    with connect(port) as client:
        refuse()
        os.kill(pid, signal.SIGSTOP)
        while not primary.find("^cluster stuck 1"):
            if not worker.is_quiet():
                refuse()
        if not worker.is_quiet():  # it was under way
            refuse()
        assert worker.is_quiet()
        os.kill(pid, signal.SIGCONT)
        worker.serve()
        assert client.recv(10) == b"1\n"


def test_a_nack_of_a_connection_is_a_refusal(workers):
    first, second = workers.fork(), workers.fork()
    port = port_of(first.listen())
    second.listen()
    with connect(port) as client:
        first.hear()
        first.say({"cmd": "NODE_HANDLE_NACK"})
        second.serve()
        assert client.recv(10) == b"2\n"


def test_after_a_nack_the_only_worker_is_asked_again(worker):
    """Node never asks it again: the service hangs for ever."""
    port = port_of(worker.listen())
    with connect(port) as client:
        worker.hear()
        for fd in worker._fds:
            os.close(fd)
        worker._fds.clear()
        worker.say({"cmd": "NODE_HANDLE_NACK"})
        worker.serve()
        assert client.recv(10) == b"1\n"


def test_what_a_dead_one_has_not_answered_is_another_workers(workers):
    first, second = workers.fork(), workers.fork()
    port = port_of(first.listen())
    second.listen()
    with connect(port) as client:
        _, connection = first.take()
        connection.close()
        first.close()
        second.serve()
        assert client.recv(10) == b"2\n"


# -- leaving -------------------------------------------------------------------------

def test_a_hang_up_waits_for_handles_that_are_queued(worker, workers):
    numbers = [workers.primary.ask("open 0", r"^opened (\d+)")[1]
               for _ in range(3)]
    for number in numbers:
        workers.primary.tell(f"handle 1 {number}")
    workers.primary.tell("hang_up 1")
    for _ in numbers:
        message, passed = worker.hear_passed("net.Socket")
        passed.close()
        assert message == "handle"
    assert worker.is_at_end()


def test_a_deadline_ends_one_that_acknowledges_no_handle(worker, workers):
    number = workers.primary.ask("open 0", r"^opened (\d+)")[1]
    workers.primary.tell(f"handle 1 {number}")
    workers.primary.tell("hang_up 1")
    workers.primary.tell("disconnect 1 200")
    workers.primary.wait("^cluster exit 1 code -1 signal 15 stuck")
