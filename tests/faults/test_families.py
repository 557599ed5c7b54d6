"""Unix, IPv6 and wildcard sockets lose as little as those of IPv4 on loopback."""

import os
import signal
import socket

import pytest

import admin
import figures
import load
import processes
import wire
from conftest import wait_until
from counting import HELLO, POLICIES
from upgrading import Upgrading


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


# -- the clients ---------------------------------------------------------------


class Asking:
    """Some stay, some ask once. Lost is what is not answered whole and right, and
    who finds nobody that listens."""

    def __init__(self, connect):
        self.loads = [load.Load(connect=connect),
                      load.Load(connect=connect, requests_per_connection=1)]

    def __enter__(self):
        for one in self.loads:
            one.__enter__()
        return self

    def __exit__(self, *_):
        self.stop()

    def wait_more(self, count=50):
        goals = [one.answered + count for one in self.loads]
        wait_until(lambda: all(one.answered >= goal for one, goal
                               in zip(self.loads, goals)), f"{count} more answers")

    def stop(self):
        """How many were answered, and what was lost."""
        tallies = [one.stop() for one in self.loads]
        return (sum(tally.answered for tally in tallies),
                [what for tally in tallies for what in tally.lost])


# -- how sockets change hands ----------------------------------------------------


def workers(server):
    return processes.children(server.primary, "worker")


def reload(server, asking):
    before = workers(server)
    answer = admin.ask(server, "POST", "/v1/reload")
    assert answer.status == 200, answer.body
    wait_until(lambda: not set(before) & set(workers(server)),
               "the old workers to leave")


def scale(server, asking):
    for count in (4, 1, 2):
        answer = admin.ask(
            server, "PATCH", "/v1/groups/main", {"processes": count})
        assert answer.status == 200, answer.body
        asking.wait_more()
        wait_until(lambda: len(workers(server)) == count, f"{count} workers")


def upgrade(server, asking):
    old = server.primary
    done = server.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    server.wait_primary(old)
    server.wait_gone(old)


def take_back(server, asking):
    old = server.primary
    new = server.begin()
    asking.wait_more()
    os.kill(new, signal.SIGTERM)
    server.wait_gone(new)
    wait_until(lambda: server.primary == old, "the old pid file")


def assert_nothing_is_lost(server, policy, kind, listen, connect):
    server.write(f"""
        server {{
            listen 127.0.0.1:PORT;
            listen {listen};
            location / {{ return 200 "{HELLO.decode().strip()}\\n"; }}
        }}""", main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    times = figures.rounds(1, 5)
    with Asking(connect) as asking:
        for _ in range(times):
            for step in (reload, scale, upgrade, take_back):
                step(server, asking)
                asking.wait_more()
        answered, lost = asking.stop()
    figures.show(
        f"{times} times reloaded, scaled, upgraded, taken back, {kind}, {policy}",
        f"{len(lost)} of {answered + len(lost)} requests lost")
    assert not lost, lost[:5]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_unix_socket(upgrading, policy):
    path = upgrading.folder / "sock"
    assert_nothing_is_lost(
        upgrading, policy, "unix", f"unix:{path}",
        lambda: admin.Connection(path))


@pytest.mark.skipif(not has_ipv6(), reason="the machine has no IPv6")
@pytest.mark.parametrize("policy", POLICIES)
def test_an_ipv6_socket(upgrading, free_port, policy):
    port = free_port()
    assert_nothing_is_lost(
        upgrading, policy, "IPv6", f"[::1]:{port}",
        lambda: wire.Connection("::1", port))


@pytest.mark.parametrize("policy", POLICIES)
def test_a_wildcard_socket(upgrading, free_port, policy):
    """It is emptied for longer than one of loopback."""
    port = free_port()
    assert_nothing_is_lost(
        upgrading, policy, "wildcard", f"0.0.0.0:{port}",
        lambda: wire.Connection("127.0.0.1", port))
