"""A new binary has as many workers as the old one was scaled to, until another
number is configured."""

import pytest

import admin
import processes
from cluster import EXAMPLES
from upgrading import Upgrading


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def write(upgrading, free_port):
    """Writes a configuration with so many workers of main and of a group."""
    port = free_port()

    def write(main, group, extra=""):
        upgrading.write(main=f"""
            worker_processes {main};
            worker_processes_max 8;
            {extra}
            worker_group app {{
                exec {EXAMPLES}/cluster_hello;
                args 127.0.0.1:{port};
                protocol cohort;
                processes {group};
            }}""")

    return write


def targets(server):
    return {group["group"]: group["target"]
            for group in admin.get(server, "/v1/status")["groups"]}


def scale(server, *words):
    done = server.ctl("scale", *words)
    assert done.returncode == 0, done.stderr


def upgrade(server):
    old = server.primary
    done = server.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    server.wait_primary(old)
    server.wait_gone(old)


@pytest.mark.parametrize("policy", ["round_robin", "reuseport", "shared"])
def test_scaled_numbers_stay(upgrading, write, policy):
    write(2, 2, f"scheduling_policy {policy};")
    upgrading.start()
    scale(upgrading, "4")
    scale(upgrading, "app", "3")
    assert upgrading.ctl("reload").returncode == 0
    assert targets(upgrading) == {"main": 4, "app": 3}
    for _ in range(2):
        upgrade(upgrading)
        assert targets(upgrading) == {"main": 4, "app": 3}
        new = upgrading.primary
        assert len(processes.children(new, "cohort: worker")) == 4
        assert len(processes.children(new, "cluster_hello")) == 3


def test_until_another_number_is_configured(upgrading, write):
    write(2, 2)
    upgrading.start()
    scale(upgrading, "4")
    scale(upgrading, "app", "3")
    write(2, 1)
    upgrade(upgrading)
    assert targets(upgrading) == {"main": 4, "app": 1}
    write(3, 1)
    upgrade(upgrading)
    assert targets(upgrading) == {"main": 3, "app": 1}


def test_no_more_than_the_new_one_may_have(upgrading):
    upgrading.write(main="worker_processes 2; worker_processes_max 8;")
    upgrading.start()
    scale(upgrading, "6")
    upgrading.write(main="worker_processes 2; worker_processes_max 4;")
    upgrade(upgrading)
    assert targets(upgrading) == {"main": 4}
    assert upgrading.get().body == b"hello world\n"
