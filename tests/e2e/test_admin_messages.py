"""Messages to and from workers by the admin socket, and workers that are forked
with an environment of their own."""

import json
import os
import signal

import pytest

import admin
import processes
from conftest import IS_SANITIZED, wait_until
from programs import Program


@pytest.fixture
def program(tmp_path, free_port):
    """Its workers answer messages: tests/embed/admin.c."""
    with Program("admin", tmp_path, free_port()) as one:
        yield one


# -- messages --------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.parametrize("message", [
    {"do": "it", "list": [1, 2.5, None, True]}, "text \u00e9\u2603 \"\\", 7,
    [], None, False,
], ids=repr)
def test_any_value_reaches_a_worker_and_comes_back(program, message):
    with admin.Events(program) as events:
        answer = admin.ask(program, "POST", "/v1/workers/2/messages",
                           json.dumps(message).encode())
        assert (answer.status, json.loads(answer.body)) == (202, {"told": True})
        told = events.until("message")[-1]
    assert told["message"] == {"from": 2, "got": message}
    assert (told["worker"], told["group"]) == (2, "main")
    assert told["pid"] == admin.get(program, "/v1/workers/2")["pid"]
    assert told["size"] == len('{"from": 2, "got": }') + len(json.dumps(message))


@pytest.mark.quick
def test_messages_keep_their_order(program):
    with admin.Events(program) as events:
        for number in range(50):
            admin.ask(program, "POST", "/v1/workers/1/messages", number)
        told = [events.until("message")[-1]["message"]["got"]
                for _ in range(50)]
    assert told == list(range(50))


@pytest.mark.quick
def test_a_long_message_is_told_by_its_size(program):
    text = "x" * 20_000
    with admin.Events(program) as events:
        admin.ask(program, "POST", "/v1/workers/1/messages", text)
        told = events.until("message")[-1]
    assert told["size"] == len('{"from": 1, "got": ""}') + len(text)
    assert "message" not in told


@pytest.mark.quick
def test_what_is_no_json_is_400_and_reaches_nobody(program):
    with admin.Events(program) as events:
        answer = admin.ask(program, "POST", "/v1/workers/1/messages",
                           b'{"a":\n 1,}')
        assert answer.status == 400
        error = json.loads(answer.body)
        assert (error["line"], error["column"]) == (2, 4)
        answer = admin.ask(program, "POST", "/v1/workers/1/messages")
        assert answer.status == 400
        admin.ask(program, "POST", "/v1/workers/1/messages", "next")
        assert events.next()["message"]["got"] == "next"
    too_long = b'"' + 70_000 * b"x" + b'"'
    assert admin.ask(program, "POST", "/v1/workers/1/messages",
                     too_long).status == 413


@pytest.mark.quick
def test_who_takes_no_messages_says_so(shared_hello, tmp_path, free_port):
    hello = shared_hello
    answer = admin.ask(hello, "POST", "/v1/workers/1/messages", {})
    assert answer.status == 422
    assert "take no messages" in json.loads(answer.body)["error"]
    assert admin.ask(hello, "POST", "/v1/workers/9/messages", {}).status == 404
    assert admin.ask(hello, "GET", "/v1/workers/1/messages").status == 405
    with Program("admin", tmp_path, free_port(), "dumb") as dumb:
        assert admin.ask(dumb, "POST", "/v1/workers/1/messages", 1).status == 422


@pytest.mark.quick
def test_what_is_for_workers_of_a_cluster_does_nothing_here(program):
    """-95 is -EOPNOTSUPP, -107 -ENOTCONN."""
    pid = admin.get(program, "/v1/workers/1")["pid"]
    with admin.Events(program) as events:
        admin.ask(program, "POST", "/v1/workers/1/messages", "try all")
        assert events.until("message")[-1]["message"] == "alone"
        assert events.until("message")[-1]["message"] == {
            "sent": [0, -22, -22], "listens": [-95, -95, -95],
            "serves": [-95, -107], "connected": 1, "leaving": 0}
        admin.ask(program, "POST", "/v1/workers/1/messages", "still there")
        told = events.until("message")[-1]
    assert (told["message"]["got"], told["pid"]) == ("still there", pid)
    assert program.get().body == b"hello from a program\n"


@pytest.mark.quick
def test_a_stopped_worker_gets_its_messages_later(program):
    pid = admin.get(program, "/v1/workers/1")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        with admin.Events(program) as events:
            assert admin.ask(program, "POST", "/v1/workers/1/messages",
                             "late").status == 202
            assert admin.ask(program, "POST", "/v1/workers/2/messages",
                             "soon").status == 202
            assert events.until("message")[-1]["message"]["got"] == "soon"
            os.kill(pid, signal.SIGCONT)
            assert events.until("message")[-1]["message"]["got"] == "late"
    finally:
        os.kill(pid, signal.SIGCONT)


def memory(pid: int) -> int:
    """Private memory, in bytes."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as lines:
        return sum(int(line.split()[1]) * 1024 for line in lines
                   if line.startswith("Private"))


@pytest.fixture
def talkative(program):
    """Its workers know whom to tell: each has had a message."""
    with admin.Events(program) as events:
        for worker in (1, 2):
            admin.ask(program, "POST", f"/v1/workers/{worker}/messages", 0)
            events.until("message")
    return program


def flood(program) -> None:
    """10,000 messages of a worker; none of them needs the admin helper."""
    assert program.get("/flood").body == b"done"


def flood_and_wait(program) -> None:
    """The same, until the last one has been told."""
    before = admin.get(program, "/v1/status")["last_event"]
    flood(program)
    wait_until(lambda: admin.get(program, "/v1/status")["last_event"] >=
               before + 10_000, "10,000 events")


def replay(program) -> int:
    """How many events a new listener is told; the others are counted as lost,
    and none is left out."""
    last = admin.get(program, "/v1/status")["last_event"]
    told, number = 0, 0
    with admin.Events(program, since=0) as events:
        while number < last:
            one = events.next()
            if one["event"] == "lost":
                assert one["first"] == number + 1
                number += one["count"]
            else:
                number += 1
                told += 1
                assert one["seq"] == number
    return told


def test_a_listener_that_never_reads_holds_nobody(talkative):
    with admin.Events(talkative):  # asked, and never read from
        flood_and_wait(talkative)  # fills the history once
        before = memory(talkative.pid)
        for _ in range(3):
            flood_and_wait(talkative)
        if not IS_SANITIZED:  # they keep what was freed for a while
            assert memory(talkative.pid) - before < 1024 * 1024
        assert talkative.get().body == b"hello from a program\n"
    assert 500 < replay(talkative) <= 1024


def test_a_helper_that_never_reads_holds_nobody(talkative):
    """Events wait for it in the history, which is bounded; nobody kills it."""
    flood_and_wait(talkative)
    before = memory(talkative.pid)
    helper = processes.children(talkative.pid, "admin")[0]
    os.kill(helper, signal.SIGSTOP)
    try:
        for _ in range(3):
            flood(talkative)
        assert talkative.get().body == b"hello from a program\n"
        if not IS_SANITIZED:
            assert memory(talkative.pid) - before < 2 * 1024 * 1024
    finally:
        os.kill(helper, signal.SIGCONT)
    wait_until(lambda: admin.get(talkative, "/v1/status")["last_event"] >
               40_000, "all that was told meanwhile")
    assert processes.children(talkative.pid, "admin") == [helper]
    assert 500 < replay(talkative) <= 1024


# -- fork ------------------------------------------------------------------------


def environment(program, pid: int, name: str) -> str:
    """What the worker with that pid has in its environment, asked of itself."""
    for _ in range(64):
        with program.connect() as connection:
            answer = connection.get("/environment?" + name).body.decode()
        who, _, value = answer.partition(" ")
        if int(who) == pid:
            return value
    raise AssertionError(f"worker process {pid} serves nobody")


@pytest.mark.quick
def test_fork_answers_with_workers_of_that_environment(program):
    answer = admin.ask(program, "POST", "/v1/workers", {
        "count": 2, "env": {"COLOUR": "dark = green", "EMPTY": ""}})
    assert answer.status == 201, answer.body
    made = json.loads(answer.body)["workers"]
    assert [row["id"] for row in made] == [3, 4]
    for row in made:
        assert environment(program, row["pid"], "COLOUR") == "dark = green"
        assert environment(program, row["pid"], "EMPTY") == ""
    first = admin.get(program, "/v1/workers/1")["pid"]
    assert environment(program, first, "COLOUR") == "(none)"
    assert admin.get(program, "/v1/status")["workers"]["target"] == 4


@pytest.mark.quick
def test_who_follows_in_its_place_has_the_same_environment(program):
    made = json.loads(admin.ask(program, "POST", "/v1/workers", {
        "env": {"COLOUR": "green"}}).body)["workers"]
    with admin.Events(program) as events:
        os.kill(made[0]["pid"], signal.SIGKILL)
        after = events.until("listening")[-1]
    assert environment(program, after["pid"], "COLOUR") == "green"
    # Scaling takes the place away; the next one there is an ordinary one.
    admin.ask(program, "PATCH", "/v1/groups/main", {"processes": 2})
    admin.ask(program, "PATCH", "/v1/groups/main", {"processes": 3})
    row = admin.workers(program)[-1]
    assert environment(program, row["pid"], "COLOUR") == "(none)"


@pytest.mark.quick
def test_fork_is_one_more_and_takes_a_place_that_was_left(program):
    admin.ask(program, "POST", "/v1/workers/1/disconnect")
    wait_until(lambda: len(admin.workers(program)) == 1, "worker 1 to leave")
    made = admin.ask(program, "POST", "/v1/workers", {})
    assert made.status == 201
    assert [row["id"] for row in admin.workers(program)] == [2, 3]
    made = admin.ask(program, "POST", "/v1/workers")
    assert [row["id"] for row in json.loads(made.body)["workers"]] == [4]
    assert len(admin.workers(program)) == 3


@pytest.mark.quick
@pytest.mark.parametrize("body, error", [
    ({"env": []}, "object"),
    ({"env": {"": "x"}}, "object"),
    ({"env": {"A=B": "x"}}, "object"),
    ({"env": {"A": 1}}, "object"),
    ({"env": {"A": "x\0y"}}, "object"),
    ({"env": {"A": 17_000 * "x"}}, "too long"),
    ({"count": 0}, "count"),
    ({"count": 63}, "possible"),
    ({"group": 1}, "group"),
], ids=lambda value: str(value)[:20])
def test_what_cannot_be_forked_is_422(shared_hello, body, error):
    answer = admin.ask(shared_hello, "POST", "/v1/workers", body)
    assert answer.status == 422
    assert error in json.loads(answer.body)["error"]
    assert len(admin.workers(shared_hello)) == 2


@pytest.mark.quick
def test_nothing_is_forked_while_all_are_drained(hello):
    hello.signal(signal.SIGWINCH)
    wait_until(lambda: not hello.workers(), "the workers to leave")
    answer = admin.ask(hello, "POST", "/v1/workers", {})
    assert answer.status == 503
