"""Programs of the library as workers of a group: the native protocol."""

from __future__ import annotations

import os
import signal

import pytest

import admin
import processes
from cluster import EXAMPLES, WORKER, connect
from conftest import wait_until
from groups import who

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]


def block(port: int, settings: str) -> str:
    return f"""
        worker_group app {{
            exec {EXAMPLES}/cluster_hello;
            args 127.0.0.1:{port};
            protocol cohort;
            {settings}
        }}"""


def programs(server) -> list[int]:
    return processes.children(server.pid, "cluster_hello")


@pytest.mark.quick
@pytest.mark.parametrize("policy", POLICIES)
def test_a_program_of_the_library_serves_in_every_policy(
        server, free_port, policy):
    port = free_port()
    server.write(main=block(
        port, f"processes 2; scheduling_policy {policy};"))
    server.start()
    assert len(programs(server)) == 2
    assert {who(port) for _ in range(20)} == {"hello world\n"}
    assert server.get().status == 200  # main is there, too


def test_one_that_is_killed_is_followed(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main=block(port, "processes 2;"))
    server.start()
    killed = programs(server)[0]
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: killed not in programs(server) and len(programs(server)) == 2,
        "its successor")
    assert {who(port) for _ in range(20)} == {"hello world\n"}


def test_one_that_hangs_is_replaced_whatever_it_was_doing(server):
    server.may_alert = True
    server.write(main=f"""
        worker_group app {{
            exec {WORKER};
            protocol cohort;
            processes 1;
            worker_watchdog 1s;
        }}""")
    server.start()  # it listens nowhere: no hand-off could tell
    hanging, = (one for one in admin.workers(server) if one["group"] == "app")
    with admin.Events(server) as events:
        admin.ask(server, "POST",
                  f"/v1/workers/{hanging['id']}/messages", "spin")
        stuck = events.until("stuck")[-1]
        assert stuck["worker"] == hanging["id"]
        assert stuck["text"].startswith("it has not come back")
        assert events.until("fork")[-1]["group"] == "app"
        ended = events.until("exit")[-1]
    assert ended["worker"] == hanging["id"] and ended["reason"] == "stuck"


def test_what_nobody_could_take_is_told_as_drop(server, free_port):
    port = free_port()
    server.may_alert = True
    server.write(main=block(
        port, "processes 1; respawn off; worker_watchdog off;"))
    server.start()
    worker, = programs(server)
    os.kill(worker, signal.SIGSTOP)
    clients = [connect(port) for _ in range(3)]
    wait_until(lambda: processes.accepted(port) == 3,
               "the primary to have accepted them")
    with admin.Events(server) as events:
        os.kill(worker, signal.SIGKILL)
        dropped = events.until("drop")[-1]
    assert dropped["count"] == 3 and dropped["group"] == "app"
    server.wait_log("3 connections that no worker of generation 1 has taken")
    assert b"\ncohort_connections_dropped_total 3\n" in admin.ask(
        server, "GET", "/metrics").body
    for client in clients:
        client.close()


def test_a_reload_with_another_count_scales_it(server, free_port):
    port = free_port()
    server.write(main=block(port, "processes 1;"))
    server.start()
    before = programs(server)
    server.write(main=block(port, "processes 3;"))
    assert server.run("-s", "reload").returncode == 0
    wait_until(lambda: len(programs(server)) == 3, "two more")
    assert set(before) <= set(programs(server))
    assert who(port) == "hello world\n"


@pytest.mark.parametrize("policy", POLICIES)
def test_max_requests_counts_connections_in_every_policy(
        server, free_port, policy):
    port = free_port()
    server.write(main=block(
        port, f"processes 2; max_requests 20; scheduling_policy {policy};"))
    server.start()
    before = set(programs(server))

    def all_are_new() -> bool:
        assert who(port) == "hello world\n"
        return not before & set(programs(server))

    wait_until(all_are_new, "both to be replaced", 30)
    server.wait_log(
        r"worker .* is replaced: it has served \d+ connections, and "
        r"max_requests is 20")


def secret_of(server, worker: int) -> str:
    """What a worker of the test's program has as its first one."""
    path = f"/v1/workers/{worker}/messages"
    with admin.Events(server) as events:
        assert admin.ask(server, "POST", path, "secret t 48 0").status == 202
        assert events.until("message")[-1]["message"] == "secret 16"
        assert admin.ask(server, "POST", path, "reveal 16 0").status == 202
        said = events.until("message")[-1]
    assert said["worker"] == worker
    assert len(said["message"]) == len("is ") + 180
    return said["message"]


def members(server) -> list[dict]:
    return [one for one in admin.workers(server) if one["group"] != "main"]


def test_secrets_are_a_groups_and_stay_when_it_is_replaced(server):
    def write(variable: str) -> None:
        server.write(main="".join(
            f"""worker_group {name} {{
                    exec {WORKER}; protocol cohort; processes 2;
                    env VARIABLE={variable};
                }}""" for name in ("a", "b")))

    write("1")
    server.start()
    before = {one["id"]: one["group"] for one in members(server)}
    assert len(before) == 4
    of_group: dict[str, set[str]] = {"a": set(), "b": set()}
    for id, name in before.items():
        of_group[name].add(secret_of(server, id))
    assert [len(one) for one in of_group.values()] == [1, 1]
    assert of_group["a"] != of_group["b"]
    write("2")
    assert admin.ask(server, "POST", "/v1/reload").status == 200
    wait_until(lambda: len(members(server)) == 4, "the old ones to leave")
    for one in members(server):
        assert one["id"] not in before
        assert {secret_of(server, one["id"])} == of_group[one["group"]]
