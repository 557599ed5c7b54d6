"""What a server does for the workers of its groups: their output, their limits,
and those that hang."""

from __future__ import annotations

import os
import re
import signal
import socket

import pytest

import admin
import processes
from conftest import wait_until
from groups import (
    ANSWER, answers, group, needs_node, node_program, node_workers, who)

pytestmark = needs_node


# -- what they print ------------------------------------------------------------------

def test_silent_sends_each_line_to_the_log_with_its_worker(server, free_port):
    port = free_port()
    node_program(server, """
        console.log('one\\ntwo');
        process.stdout.write('thr');
        console.error('went wrong');
        setTimeout(() => process.stdout.write('ee\\n'), 50);""" + ANSWER)
    server.write(main=group(server, "app", port, "processes 1; silent on;"))
    server.start()
    for level, line in (("notice", "one"), ("notice", "two"),
                        ("notice", "three"), ("error", "went wrong")):
        server.wait_log(rf"\[{level}\] .*: app worker \d+: {line}\n")
    assert "went wrong" not in server.printed()


def test_what_a_dying_worker_prints_last_is_logged(server, free_port):
    port = free_port()
    node_program(server, ANSWER + """
        process.on('SIGUSR2', () => {
            process.stderr.write('last words', () => process.exit(5));
        });""")
    server.write(main=group(server, "app", port, "processes 1; silent on;"))
    server.start()
    os.kill(node_workers(server)[0], signal.SIGUSR2)
    server.wait_log(r"app worker \d+: last words")


def test_a_long_line_is_cut_into_several(server, free_port):
    port = free_port()
    node_program(server, "console.log('x'.repeat(5000));" + ANSWER)
    server.write(main=group(server, "app", port, "processes 1; silent on;"))
    server.start()
    wait_until(
        lambda: sum(map(len, re.findall(r"app worker \d+: (x+)", server.log())))
        == 5000, "all of it")


def test_stdio_says_where_each_descriptor_goes(server, free_port):
    port = free_port()
    printed = server.folder / "printed"
    node_program(server, "console.log('to a file'); console.error('to a pipe');"
                 + ANSWER)
    server.write(main=group(
        server, "app", port, f"processes 1; stdio null {printed} pipe ipc;"))
    server.start()
    server.wait_log(r"app worker \d+: to a pipe")
    assert printed.read_text() == "to a file\n"
    assert "to a file" not in server.log()


# -- limits ----------------------------------------------------------------------------

@pytest.mark.parametrize("limit, burden", [
    ("max_requests 20;", ""),
    ("max_rss 150m;", "if (cluster.worker.id < 5) global.big = "
                      "Buffer.alloc(200 << 20, 1);"),
    ("max_age 2s;", ""),
])
def test_workers_over_a_limit_are_replaced_one_at_a_time(
        server, free_port, limit, burden):
    port = free_port()
    node_program(server, ANSWER + burden)
    server.write(main=group(server, "app", port, "processes 2;" + limit))
    server.start()
    before = set(node_workers(server))

    def all_are_new() -> bool:
        assert answers(port)
        return not before & set(node_workers(server))

    wait_until(all_are_new, "both to be replaced", 30)
    assert len(node_workers(server)) >= 2
    server.wait_log("worker .* is replaced: ")


# -- those that hang --------------------------------------------------------------------

HANG = ANSWER.replace(
    "response.end(String(cluster.worker.id));", """
    if (request.url === '/hang') {
        require('fs').writeSync(2, 'hangs\\n');
        for (;;);
    }
    response.end(String(cluster.worker.id));""")


def test_a_worker_that_does_not_answer_a_hand_off_is_replaced_and_ended(
        server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, HANG)
    server.write(main=group(
        server, "app", port, "processes 2; worker_watchdog 1s; silent on;"))
    server.start()
    before = node_workers(server)
    with socket.create_connection(("127.0.0.1", port)) as hanging:
        hanging.sendall(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
        server.wait_log("hangs")
        waiting = [socket.create_connection(("127.0.0.1", port), timeout=20)
                   for _ in range(4)]
        for connection in waiting:
            connection.sendall(
                b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        server.wait_log(r"is stuck: it has not come back to its event loop")
        wait_until(lambda: len(set(node_workers(server)) & set(before)) == 1,
                   "the one that hangs to be ended")
        for connection in waiting:  # also the one that was handed to it
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
            connection.close()
    wait_until(lambda: len(node_workers(server)) == 2, "two workers")


def test_a_stopped_worker_is_replaced(server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER)
    server.write(main=group(
        server, "app", port, "processes 2; worker_watchdog 500ms;"))
    server.start()
    stopped = node_workers(server)[0]
    os.kill(stopped, signal.SIGSTOP)
    server.wait_log(r"is stuck: it is stopped")
    wait_until(lambda: not processes.is_alive(stopped), "it to be ended")
    wait_until(lambda: len(node_workers(server)) == 2, "two workers")
    assert who(port).isdigit()


def test_one_that_recovers_serves_on_when_its_successor_dies(
        server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER.replace("require('http')", """
if (cluster.worker.id > 1)
    setInterval(() => 0, 1000);  // it never listens
else require('http')"""))
    server.write(main=group(
        server, "app", port, "processes 1; worker_watchdog 5s;"))
    server.start()
    worker = node_workers(server)[0]
    os.kill(worker, signal.SIGSTOP)
    successor = wait_until(
        lambda: set(node_workers(server)) - {worker}, "the successor").pop()
    os.kill(worker, signal.SIGCONT)
    wait_until(lambda: {row["pid"]: row["state"] for row in admin.workers(server)}
               .get(worker) != "stuck", "it to be well")
    os.kill(successor, signal.SIGKILL)
    wait_until(lambda: node_workers(server) == [worker], "its end")
    assert who(port).isdigit()
    with admin.Events(server) as events:
        os.kill(worker, signal.SIGKILL)
        assert events.until("exit")[-1]["reason"] == "crash"


def test_successors_that_die_at_once_slow_down(server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER.replace("require('http')", """
if (cluster.worker.id > 1)
    process.exit(1);
require('http')"""))
    server.write(main=group(
        server, "app", port, "processes 1; worker_watchdog 3s;"))
    server.start()
    worker = node_workers(server)[0]
    with admin.Events(server) as events:
        os.kill(worker, signal.SIGSTOP)
        seen = events.until("crash_loop")
    assert seen[-1]["delay_ms"] >= 100
    assert worker not in [one["pid"] for one in seen if one["event"] == "exit"]
