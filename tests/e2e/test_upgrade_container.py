"""Process 1 of a container cannot leave: it becomes the new primary by exec."""

import contextlib
import os
import re
import signal
import subprocess

import pytest

import admin
import load
import processes
import wire
from conftest import PATIENCE, wait_until
from upgrading import Upgrading

UNSHARE = ["unshare", "--pid", "--fork", "--mount-proc"]


def can_unshare():
    try:
        return subprocess.run(
            [*UNSHARE, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


pytestmark = pytest.mark.skipif(
    not can_unshare(), reason="pid namespaces cannot be made here")


class Container(Upgrading):
    """The process that was started is unshare; its child is process 1 inside."""

    def command(self, *arguments):
        return [*UNSHARE, *super().command(*arguments)]

    @property
    def primary(self):
        found = processes.children(self.pid) if self.process else []
        return found[0] if found else 0

    def workers(self):
        return processes.children(self.primary, "worker")


@pytest.fixture
def container(tmp_path):
    one = Container(tmp_path)
    yield one
    one.stop()


def upgrade(container):
    """From process 1 to a child of it, and back."""
    before = {worker["id"] for worker in admin.workers(container)}
    done = container.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    between = re.search(r"process (\d+) serves", done.stdout)[1]
    container.wait_log(
        rf" 1#1: upgrade: the old primary \(process {between}\) leaves")
    wait_until(lambda: processes.children(container.primary, "primary") == [],
               "the one between to leave")
    wait_until(lambda: container.asked() == 1, "process 1 to answer")
    assert min(w["id"] for w in admin.workers(container)) > max(before)


@pytest.mark.quick
def test_process_1_becomes_the_new_one(container):
    container.write()
    container.start()
    first = container.primary
    container.install()
    assert not runs_what_is_installed(container)
    upgrade(container)
    assert container.primary == first
    assert runs_what_is_installed(container)
    assert int(container.pid_file.read_text()) == 1
    assert container.get().body == b"hello world\n"
    wait_until(lambda: not zombies(first), "the one between to be reaped")
    wait_until(lambda: not list(container.folder.glob("**/*.oldbin")),
               "second names to go")


def runs_what_is_installed(container):
    return os.stat(f"/proc/{container.primary}/exe").st_ino == \
        os.stat(container.binary).st_ino


def zombies(pid):
    return [p for p in processes.descendants(pid) if not processes.is_alive(p)]


@pytest.mark.parametrize(
    "policy", ["round_robin", "least_conn", "shared", "reuseport"])
def test_nothing_is_lost_under_load(container, policy):
    container.write("""
        server {
            listen 127.0.0.1:PORT policy=%s;
            location / { return 200 "hello world\\n"; }
        }""" % policy)
    container.start()
    with load.Load(container.port) as kept, \
            load.Load(container.port, requests_per_connection=1) as fresh:
        for _ in range(2):
            before = fresh.answered
            wait_until(lambda: fresh.answered > before + 100, "some load")
            upgrade(container)
    for tally in [kept.stop(), fresh.stop()]:
        print(f"{len(tally.lost)} of {tally.answered} requests lost")
        assert not tally.lost, tally.lost[:5]


def test_what_fails_changes_nothing(container):
    container.write()
    container.start()
    workers = container.workers()
    container.install("#!/bin/sh\nexit 3\n")
    done = container.ctl("upgrade")
    assert done.returncode == 1
    assert "code 3 before it served" in done.stderr
    assert container.workers() == workers
    assert container.get().body == b"hello world\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_the_end_of_the_container_finishes_what_two_primaries_have(
        container, number):
    """Process 1 still drains for the new one when all are to drain."""
    container.write(main="term_signal graceful;")
    container.start()
    with contextlib.ExitStack() as clients:
        unfinished = []
        for _ in range(2):
            client = clients.enter_context(container.connect())
            client.get()
            client.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n")
            unfinished.append(client)
            if len(unfinished) == 1:
                assert container.ctl("upgrade").returncode == 0
        os.kill(container.primary, number)
        container.wait_log(r" 1#1: the new primary \(process \d+\) is told")
        wait_until(lambda: not wire.is_open(container.port), "nobody to listen")
        for client in unfinished:
            assert container.process.poll() is None
            client.send(b"\r\n")
            assert client.response().status == 200
    assert container.process.wait(PATIENCE) == 0


def test_the_end_of_the_container_is_the_end(container):
    container.write()
    container.start()
    upgrade(container)
    family = processes.descendants(container.pid)
    os.kill(container.primary, signal.SIGTERM)
    assert container.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
