"""Node's wire protocol, what a worker of ours hears and says: each message, by a
test that stands in for Node's primary."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

import processes
from conftest import PATIENCE, wait_until
from node_peer import WorkerOfOurs

pytestmark = pytest.mark.quick


@pytest.fixture
def worker() -> Iterator[WorkerOfOurs]:
    one = WorkerOfOurs()
    one.hear_act("online")
    yield one
    one.close()


def listen(worker: WorkerOfOurs, options: str = "") -> tuple[str, int]:
    """By round robin; the key and the number that it gives the listening."""
    question = worker.hear_query(f"listen 127.0.0.1:0 {options}")
    worker.answer(question, errno=None, key="the key", data=None, sockname={
        "address": "127.0.0.1", "port": 4711, "family": "IPv4"})
    said = [worker.hear(), worker.hear()]
    assert any(one == "listens 0 on 127.0.0.1:4711" for one in said), said
    return "the key", 4711


def offer(worker: WorkerOfOurs, key: str) -> tuple[dict, socket.socket]:
    """Hand a connection over; the answer and the client's end."""
    client, connection = socket.socketpair()
    client.settimeout(PATIENCE)
    worker.envelope("newconn", connection, key=key)
    connection.close()
    assert worker.hear() == {"cmd": "NODE_HANDLE_ACK"}
    return worker.hear(), client


# -- the start -----------------------------------------------------------------------

def test_online_is_the_first_that_it_says():
    worker = WorkerOfOurs(id=7)
    message = worker.hear_act("online")
    assert isinstance(message["seq"], int)
    worker.tell("show self")
    assert worker.hear() == \
        "self 7 primary 0 worker 1 current 1 connected 1 leaving 0"
    worker.close()


def test_it_deletes_what_made_it_a_worker(worker):
    worker.tell("show env")
    assert worker.hear() == "env (null)|(null)|(null)|(null)"
    worker.tell("grandchild")
    assert worker.hear() == "grandchild 0"


def test_a_serialization_it_does_not_speak_makes_no_worker():
    worker = WorkerOfOurs(NODE_CHANNEL_SERIALIZATION_MODE="advanced")
    assert worker.wait() == 3
    assert worker.process.stderr
    assert "set the primary's serialization" in worker.process.stderr.read()
    worker.close()


# -- what it asks --------------------------------------------------------------------

@pytest.mark.parametrize("words,fields", [
    ("127.0.0.1:8000", {"address": "127.0.0.1", "port": 8000, "addressType": 4,
                        "flags": 0, "index": 0}),
    ("[::1]:8000 ipv6only", {"address": "::1", "port": 8000, "addressType": 6,
                             "flags": 1}),
    ("8000", {"address": None, "port": 8000, "addressType": 4}),
    ("unix:/tmp/x.sock mode=0666", {
        "address": "/tmp/x.sock", "port": -1, "addressType": -1,
        "readableAll": True, "writableAll": True}),
    ("fd:9", {"address": None, "port": None, "addressType": None, "fd": 9}),
    ("127.0.0.1:0 udp", {"address": "127.0.0.1", "port": 0,
                         "addressType": "udp4"}),
    ("127.0.0.1:1 backlog=77", {"backlog": 77})])
def test_query_server_has_the_fields_that_node_expects(worker, words, fields):
    question = worker.hear_query(f"listen {words}")
    assert fields.items() <= question.items()
    assert question["data"] is None


def test_each_listen_on_port_0_has_the_next_index(worker):
    assert [worker.hear_query("listen 127.0.0.1:0")["index"]
            for _ in range(3)] == [0, 1, 2]


def test_listening_repeats_the_question_with_the_real_port(worker):
    question = worker.hear_query("listen 127.0.0.1:0")
    worker.answer(question, errno=None, key="k", data=None, sockname={
        "address": "127.0.0.1", "port": 4711, "family": "IPv4"})
    said = [worker.hear(), worker.hear()]
    message = next(one for one in said if isinstance(one, dict))
    assert message["act"] == "listening"
    assert (message["address"], message["port"]) == ("127.0.0.1", 4711)


def answer_with_a_socket(
        worker: WorkerOfOurs, question: dict, bound: socket.socket | None) -> None:
    worker.say({"cmd": "NODE_HANDLE", "type": "net.Native", "msg": {
        "cmd": "NODE_CLUSTER", "ack": question["seq"], "errno": 0,
        "key": "k", "data": None, "seq": 1}}, bound.fileno() if bound else None)


def test_a_socket_in_the_answer_is_listened_on(worker):
    question = worker.hear_query("listen 127.0.0.1:0")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        answer_with_a_socket(worker, question, bound)
    assert worker.hear() == {"cmd": "NODE_HANDLE_ACK"}
    said = [worker.hear(), worker.hear()]
    assert f"listens 0 on 127.0.0.1:{port}" in said
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        assert client.recv(10) == b"1\n"


def test_an_errno_in_the_answer_is_the_listens_error(worker):
    question = worker.hear_query("listen 127.0.0.1:80")
    worker.answer(question, errno=-13, key="k", data=None)
    assert worker.hear() == \
        "error Permission denied: cannot listen on 127.0.0.1:80: " \
        "Permission denied"


def test_what_it_has_it_does_not_ask_for_again(worker):
    """Node's primary would end by that, with an assertion that fails."""
    question = worker.hear_query("listen 127.0.0.1:8000")
    worker.tell("listen 127.0.0.1:8000")
    assert worker.hear() == "listen: Address already in use"
    worker.tell("close 0")  # the answer is still awaited
    worker.tell("listen 127.0.0.1:8000")
    assert worker.hear() == "listen: Address already in use"
    worker.answer(question, errno=None, key="k", data=None, sockname={
        "address": "127.0.0.1", "port": 8000, "family": "IPv4"})
    assert worker.hear_act("close")["key"] == "k"
    assert worker.hear() == "closed 0"
    worker.hear_query("listen 127.0.0.1:8000")


def test_port_0_that_is_closed_before_its_answer_keeps_its_index(worker):
    assert worker.hear_query("listen 127.0.0.1:0")["index"] == 0
    worker.tell("close 0")
    assert worker.hear_query("listen 127.0.0.1:0")["index"] == 1


def test_a_socket_that_it_cannot_listen_on_is_given_back(worker, free_port):
    """Whose port was taken is not bound to it; its next attempt is no second
    one to Node."""
    question = worker.hear_query(f"listen 127.0.0.1:{free_port()}")
    with socket.socket() as unbound:
        answer_with_a_socket(worker, question, unbound)
    assert worker.hear() == {"cmd": "NODE_HANDLE_ACK"}
    assert worker.hear_act("close")["key"] == "k"
    assert worker.hear().startswith("error Address already in use: ")


def test_a_socket_that_is_lost_on_its_way_is_given_back(worker):
    question = worker.hear_query("listen 127.0.0.1:0")
    answer_with_a_socket(worker, question, None)
    assert worker.hear() == {"cmd": "NODE_HANDLE_NACK"}
    assert worker.hear_act("close")["key"] == "k"
    assert worker.hear().startswith("error Too many open files: ")


# -- connections ---------------------------------------------------------------------

def test_newconn_is_accepted_and_served(worker):
    key, _ = listen(worker)
    answer, client = offer(worker, key)
    assert answer["accepted"] is True
    assert client.recv(10) == b"1\n"
    client.close()


def test_newconn_is_refused_when_it_is_full_and_its_copy_closed(worker):
    key, _ = listen(worker, "hold max=1")
    first, client = offer(worker, key)
    second, refused = offer(worker, key)
    assert (first["accepted"], second["accepted"]) == (True, False)
    assert client.recv(10) == b"1\n"
    assert refused.recv(10) == b""
    client.close()
    refused.close()


def test_newconn_for_an_unknown_key_is_refused(worker):
    answer, client = offer(worker, "no such key")
    assert answer["accepted"] is False
    client.close()


def test_newconn_without_its_descriptor_is_a_nack_and_refused(worker):
    key, _ = listen(worker)
    seq = worker.envelope("newconn", key=key)
    assert worker.hear() == {"cmd": "NODE_HANDLE_NACK"}
    answer = worker.hear()
    assert answer["ack"] == seq
    assert answer["accepted"] is False


# -- leaving -------------------------------------------------------------------------

def test_disconnect_closes_its_servers_then_hangs_up(worker):
    key, _ = listen(worker)
    worker.act("disconnect")
    acts = [one for one in worker.hear_all() if isinstance(one, dict)]
    assert [(one["act"], one.get("key")) for one in acts] == [("close", key)]
    assert worker.wait() == 0


def test_leaving_by_itself_it_asks_first(worker):
    worker.tell("disconnect")
    question = worker.hear_act("exitedAfterDisconnect")
    assert worker.is_quiet()
    worker.answer(question)
    assert worker.is_at_end()
    assert worker.wait() == 0


def test_leaving_twice_is_leaving_once(worker):
    worker.tell("disconnect")
    worker.tell("disconnect")
    question = worker.hear_act("exitedAfterDisconnect")
    assert worker.is_quiet()
    worker.answer(question)
    assert worker.wait() == 0


@pytest.mark.parametrize("by", ["itself", "its primary"])
def test_what_it_said_before_it_left_arrives(worker, by):
    worker.tell("flood")
    if by == "itself":
        worker.tell("hang_up")
    else:
        worker.act("disconnect")
    pid = worker.process.pid
    wait_until(lambda: processes.is_asleep(pid) or not processes.is_alive(pid),
               "it to do as it was told")
    assert "flood pressed" in worker.hear_all()
    assert worker.wait() == 0


def test_the_end_of_the_channel_is_its_end_with_status_0(worker):
    listen(worker, "hold")
    worker.socket.shutdown(socket.SHUT_RDWR)
    assert worker.wait() == 0


# -- what there is not ---------------------------------------------------------------

def test_nodes_primary_makes_no_secrets(worker):
    worker.tell("secret a 32 0")
    assert worker.hear() == "secret refused: Operation not supported"
    worker.tell("reveal 16 0")
    assert worker.hear() == "is No such file or directory"
