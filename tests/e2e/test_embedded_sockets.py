"""What a program's cohort_run() forks keeps no connection that its primary has
just then: else a client whose worker dies would not be told."""

import os
import signal

import pytest

import admin
import processes
import wire
from cluster import connect
from conftest import PATIENCE, wait_until
from test_groups_cohort import block, programs
from trouble import trouble  # noqa: F401

pytestmark = pytest.mark.quick


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(pid), "it to be stopped")


def end(pid):
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not processes.is_alive(pid), "its end")


def accepted_as(client):
    """The inode of its other end, which the primary has accepted."""
    return wait_until(
        lambda: processes.server_end(client), "the primary to accept it")


def reload(server):
    """Another template is forked."""
    with admin.Events(server) as events:
        server.signal(signal.SIGHUP)
        events.until("reload_done")


def check_end(client):
    client.settimeout(PATIENCE)
    try:
        assert client.recv(100) == b""
    except ConnectionResetError:
        pass


def test_a_client_learns_of_its_workers_end_though_it_came_before_a_reload(
        trouble):
    trouble.write("worker_processes 1; worker_watchdog off;")
    trouble.start()
    trouble.may_alert = True
    old, = trouble.workers()
    stop(old)
    with connect(trouble.port) as client:
        inode = accepted_as(client)
        reload(trouble)
        end(old)
        new, = wait_until(trouble.workers, "the next generation's worker")
        wait_until(lambda: processes.has_socket(new, inode), "it to be taken")
        end(new)
        check_end(client)


def test_a_client_of_a_group_learns_of_its_workers_end_after_a_reload(
        trouble, free_port):
    port = free_port()
    trouble.write(block(port, "processes 1;") + "worker_watchdog off;")
    trouble.start()
    trouble.may_alert = True
    worker, = wait_until(lambda: programs(trouble), "the group's worker")
    wait_until(lambda: wire.is_open(port), "it to listen")
    stop(worker)
    with connect(port) as client:
        inode = accepted_as(client)
        reload(trouble)
        os.kill(worker, signal.SIGCONT)
        wait_until(
            lambda: processes.has_socket(worker, inode), "it to be taken")
        end(worker)
        check_end(client)
