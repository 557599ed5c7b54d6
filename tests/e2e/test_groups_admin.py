"""Worker groups through the admin socket and cohort ctl."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import threading

import pytest

import admin
import processes
from conftest import BINARY, PATIENCE, Server, wait_until
from groups import (
    ANSWER, builtin_workers, group, needs_node, node_program, node_workers, who)

pytestmark = needs_node


@pytest.fixture
def mixed(server, free_port):
    """Two built-in workers (1, 2 or later ids) and two Node workers."""
    server.group_port = free_port()
    node_program(server, ANSWER + "process.on('message', m => process.send(m));")
    server.write(main=group(server, "app", server.group_port, "processes 2;"))
    return server.start()


def ask(server, method, path, body=None):
    """Status and value of one answer."""
    answer = admin.ask(server, method, path, body)
    try:
        return answer.status, json.loads(answer.body)
    except json.JSONDecodeError:
        return answer.status, answer.body


def told_until(server, name, worker):
    """All events of a worker up to the one of that name."""
    with admin.Events(server, since=0) as events:
        found = [event for event in events.until(name)
                 if event.get("worker") == worker]
        while not found or found[-1]["event"] != name:
            found += [event for event in events.until(name)
                      if event.get("worker") == worker]
    return found


def rows(server, name="app"):
    workers = ask(server, "GET", "/v1/workers")[1]["workers"]
    return [row for row in workers if row["group"] == name]


def ctl(server, *words):
    return subprocess.run(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), *words],
        capture_output=True, text=True, timeout=60)


def test_status_tells_of_all_groups(mixed):
    status = ask(mixed, "GET", "/v1/status")[1]
    told = {row["group"]: row for row in status["groups"]}
    assert told["main"]["serving"] == told["app"]["serving"] == 2
    assert told["app"]["protocol"] == "node"
    assert told["app"]["program"] == "node"
    assert told["app"]["target"] == 2
    assert "2 of 2 serve: node (node)" in ctl(mixed, "status").stdout


def test_workers_have_the_name_of_their_group(mixed):
    told = rows(mixed)
    assert sorted(row["pid"] for row in told) == sorted(node_workers(mixed))
    assert {row["state"] for row in told} == {"serving"}
    assert told[0]["rss_bytes"] > 1_000_000
    assert told[0]["connections"] is None
    one = ask(mixed, "GET", f"/v1/workers/{told[0]['id']}")[1]
    assert one["group"] == "app" and one["pid"] == told[0]["pid"]
    assert len(rows(mixed, "main")) == 2


def test_a_group_is_scaled_by_its_name(mixed):
    status, answer = ask(
        mixed, "PATCH", "/v1/groups/app", {"processes": 4})
    assert (status, answer["text"]) == (200, "4 workers serve")
    assert len(node_workers(mixed)) == 4
    assert ctl(mixed, "scale", "app", "1").returncode == 0
    wait_until(lambda: len(node_workers(mixed)) == 1, "three to leave")
    assert len(builtin_workers(mixed)) == 2
    assert len({who(mixed.group_port) for _ in range(4)}) == 1
    refused = ctl(mixed, "scale", "app", "1000")
    assert refused.returncode == 1 and "are possible" in refused.stderr


def test_workers_are_added_to_a_group(mixed):
    status, answer = ask(
        mixed, "POST", "/v1/workers", {"group": "app", "count": 2})
    assert status == 201
    assert [row["group"] for row in answer["workers"]] == ["app", "app"]
    assert len(node_workers(mixed)) == 4


@pytest.fixture
def gated(server, free_port):
    """As mixed; a Node worker whose GATE is a FIFO waits there on its way in."""
    server.group_port = free_port()
    node_program(server, """
        if (process.env.GATE) require('fs').readFileSync(process.env.GATE);
        """ + ANSWER)
    server.write(main=group(server, "app", server.group_port, "processes 2;")
                 + "worker_processes_max 4;")
    server.start()
    server.gate = server.folder / "gate"
    os.mkfifo(server.gate)
    return server


@contextlib.contextmanager
def forking(server):
    """One more Node worker is asked for, waits at the gate until the end, and
    the answer is there then."""
    answers = []
    asked = {"group": "app", "count": 1, "env": {"GATE": str(server.gate)}}
    thread = threading.Thread(target=lambda: answers.append(
        ask(server, "POST", "/v1/workers", asked)))
    thread.start()
    try:
        wait_until(lambda: len(node_workers(server)) == 3, "a third one")
        yield answers
    finally:
        with open(server.gate, "wb"):
            pass  # opened when it reads
        thread.join(PATIENCE)


def test_a_fork_is_answered_with_those_that_it_has_started(gated):
    """Others are born meanwhile, of that group and of main."""
    before = {row["pid"] for row in rows(gated)}
    with forking(gated) as answers:
        gated.may_alert = True
        third = (set(node_workers(gated)) - before).pop()
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(set(node_workers(gated)) - before) == 2,
                   "one that follows the dead")
        assert ctl(gated, "scale", "main", "3").returncode == 0
    (status, answer), = answers
    assert status == 201
    assert [row["pid"] for row in answer["workers"]] == [third]


def test_one_that_does_not_serve_yet_cannot_be_replaced(gated):
    with forking(gated):
        newest = max(rows(gated), key=lambda row: row["id"])
        status, answer = ask(
            gated, "POST", f"/v1/workers/{newest['id']}/replace")
        assert status == 409
        assert "does not serve yet" in answer["error"]


def test_a_forked_worker_has_its_own_environment(mixed):
    before = node_workers(mixed)
    assert ctl(mixed, "fork", "app", "--env", "MARK=yes").returncode == 0
    new = (set(node_workers(mixed)) - set(before)).pop()
    with open(f"/proc/{new}/environ", "rb") as variables:
        assert b"MARK=yes" in variables.read().split(b"\0")


def marked(server) -> list[int]:
    """Node workers that were forked with MARK in their environment."""
    found = []
    for pid in node_workers(server):
        with open(f"/proc/{pid}/environ", "rb") as variables:
            if b"MARK=yes" in variables.read().split(b"\0"):
                found.append(pid)
    return found


def test_who_follows_it_has_that_until_the_next_reload(mixed):
    mixed.may_alert = True
    assert ctl(mixed, "fork", "app", "--env", "MARK=yes").returncode == 0
    first, = marked(mixed)
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: marked(mixed) not in ([], [first]), "one like it")
    second, = marked(mixed)
    count = len(node_workers(mixed))
    assert mixed.run("-s", "reload").returncode == 0
    assert marked(mixed) == [second]  # it goes on untouched
    os.kill(second, signal.SIGKILL)
    wait_until(lambda: len(node_workers(mixed)) == count and
               second not in node_workers(mixed), "another one")
    assert not marked(mixed)


def test_a_message_reaches_the_program_and_its_answer_is_an_event(mixed):
    first = rows(mixed)[0]["id"]
    value = {"a": [1, "two"]}
    assert ask(mixed, "POST", f"/v1/workers/{first}/messages", value)[0] == 202
    answer = told_until(mixed, "message", first)[-1]
    assert answer["message"] == value and answer["group"] == "app"


def test_a_disconnected_worker_finishes_and_is_not_followed(mixed):
    first = rows(mixed)[0]
    assert ask(mixed, "POST", f"/v1/workers/{first['id']}/disconnect")[0] == 202
    wait_until(lambda: len(rows(mixed)) == 1, "it to leave")
    assert who(mixed.group_port) == str(rows(mixed)[0]["id"])
    mixed.wait_log(rf"exited with code 0, worker {first['id']}\b")


def test_a_killed_worker_is_gone_by_will(mixed):
    first = rows(mixed)[0]
    assert ctl(mixed, "kill", str(first["id"]), "KILL").returncode == 0
    wait_until(lambda: len(node_workers(mixed)) == 1, "it to be gone")
    gone = told_until(mixed, "exit", first["id"])[-1]
    assert gone["reason"] == "kill"
    assert gone["group"] == "app"


def test_a_replaced_worker_leaves_when_its_successor_listens(mixed):
    first = rows(mixed)[0]
    status, answer = ask(mixed, "POST", f"/v1/workers/{first['id']}/replace")
    assert status == 200
    assert answer["workers"][0]["state"] == "serving"
    wait_until(lambda: not processes.is_alive(first["pid"]), "it to leave")
    assert len(node_workers(mixed)) == 2


def test_events_of_a_worker_come_in_their_order(mixed):
    first = rows(mixed)[0]["id"]
    told = told_until(mixed, "listening", first)
    assert [event["event"] for event in told] == [
        "fork", "online", "ready", "listening"]
    assert told[-1]["address"] == f"127.0.0.1:{mixed.group_port}"


def test_metrics_tell_groups_apart(mixed):
    text = ctl(mixed, "metrics").stdout
    for name in ("main", "app"):
        assert f'cohort_workers{{group="{name}",state="serving"}} 2' in text
    pid_rows = re.findall(
        r'cohort_worker_resident_memory_bytes\{worker="\d+",group="app"\}', text)
    assert len(pid_rows) == 2


def test_readiness_counts_programs(mixed):
    assert ask(mixed, "GET", "/readyz")[0] == 200


def test_an_unknown_group_is_404(mixed):
    status, answer = ask(mixed, "PATCH", "/v1/groups/other", {"processes": 1})
    assert status == 404 and 'no worker group "other"' in answer["error"]
    assert ask(mixed, "PATCH", f"/v1/groups/{'a' * 40}", {"processes": 1})[0] == 404
