"""Scaling worker groups while something else happens to them."""

from __future__ import annotations

import subprocess
import threading

import pytest

import admin
from conftest import BINARY, wait_until
from groups import group, needs_node, node_program, node_workers

# Listens when the file of WAIT is there.
LATE = """
const fs = require('fs');
const server = require('http').createServer((request, response) => {
    response.setHeader('Connection', 'close');
    response.end('x');
});
const file = process.env.WAIT;
const listen = () => file && !fs.existsSync(file)
    ? setTimeout(listen, 10).unref()
    : server.listen(process.env.LISTEN, '127.0.0.1');
listen();
"""


def ctl(server, *words: str) -> str:
    done = subprocess.run(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), *words],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def members(server) -> list[dict]:
    return [one for one in admin.workers(server) if one["group"] == "app"]


@needs_node
def test_a_group_that_is_scaled_while_the_next_one_starts_stays_so(
        server, free_port):
    port = free_port()
    node_program(server, LATE)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    server.write(main=group(server, "app", port, "processes 2; env WAIT=go;"))
    before = {one["id"] for one in members(server)}
    reload = threading.Thread(target=ctl, args=(server, "reload"))
    reload.start()
    wait_until(lambda: len(node_workers(server)) == 4, "the next ones")
    assert ctl(server, "scale", "app", "4") == "4 workers serve\n"
    before |= {one["id"] for one in members(server)
               if one["state"] == "serving"}
    (server.folder / "go").touch()
    reload.join()
    wait_until(lambda: "4 of 4 serve: node" in ctl(server, "status"),
               "two more")
    wait_until(lambda: not before & {one["id"] for one in members(server)},
               "the others to leave")


@needs_node
def test_one_that_is_being_replaced_leaves_with_the_place_that_is_scaled_away(
        server, free_port):
    port = free_port()
    node_program(server, LATE)
    (server.folder / "go").touch()
    server.write(main=group(server, "app", port, "processes 2; env WAIT=go;"))
    server.start()
    first, last = sorted(one["id"] for one in members(server))
    (server.folder / "go").unlink()
    replace = threading.Thread(
        target=admin.ask,
        args=(server, "POST", f"/v1/workers/{last}/replace"))
    replace.start()
    wait_until(lambda: len(node_workers(server)) == 3, "its successor")
    ctl(server, "scale", "app", "1")
    wait_until(lambda: [one["id"] for one in members(server)] == [first],
               "both to leave")
    replace.join()


def targets(server) -> dict[str, tuple[int, int]]:
    return {one["group"]: (one["target"], one["max"])
            for one in admin.get(server, "/v1/status")["groups"]}


@needs_node
@pytest.mark.parametrize("settings", ["", "env CHANGED=1;"],
                         ids=["same", "changed"])
def test_a_reload_keeps_no_more_than_there_may_be(server, free_port, settings):
    port = free_port()
    node_program(server, LATE)
    server.write(main="worker_processes 2; worker_processes_max 8;" +
                 group(server, "app", port, "processes 2;"))
    server.start()
    ctl(server, "scale", "6")
    ctl(server, "scale", "app", "5")
    assert targets(server) == {"main": (6, 8), "app": (5, 8)}
    server.write(main="worker_processes 2; worker_processes_max 3;" +
                 group(server, "app", port, "processes 2;" + settings))
    ctl(server, "reload")
    assert targets(server) == {"main": (3, 3), "app": (3, 3)}
    wait_until(lambda: len(server.workers()) == 3 and len(members(server)) == 3,
               "the others to leave")


@needs_node
def test_as_many_as_are_configured_there_may_always_be(server, free_port):
    port = free_port()
    node_program(server, LATE)
    server.write(main="worker_processes 1; worker_processes_max 2;" +
                 group(server, "app", port, "processes 4;"))
    server.start()
    ctl(server, "scale", "app", "1")
    server.write(main="worker_processes 1; worker_processes_max 2;" +
                 group(server, "app", port, "processes 4; env CHANGED=1;"))
    ctl(server, "reload")
    assert targets(server)["app"] == (1, 4)
    assert ctl(server, "scale", "app", "4") == "4 workers serve\n"
