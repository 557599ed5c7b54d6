"""Who else has to do with an upgrade: systemd, worker groups, programs."""

import json
import os
import signal
import subprocess

import pytest

import admin
import load
import processes
from conftest import PATIENCE, wait_until
from groups import ANSWER, answers, group, needs_node, node_program
from programs import Program
from test_systemd import Notify
from upgrading import Upgrading


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


# --- systemd -------------------------------------------------------------------


@pytest.fixture
def notify(tmp_path):
    one = Notify(str(tmp_path / "notify"))
    yield one
    one.socket.close()


def told(notify):
    """What has been told and not been read."""
    notify.socket.setblocking(False)
    messages = []
    try:
        while True:
            messages.append(notify.next())
    except BlockingIOError:
        return messages


@pytest.mark.quick
def test_systemd_learns_who_is_the_main_process(upgrading, notify):
    upgrading.write()
    upgrading.start(env=notify.environment())
    old = upgrading.primary
    assert upgrading.ctl("upgrade").returncode == 0
    new = upgrading.wait_primary(old)
    upgrading.wait_gone(old)
    messages = told(notify)
    mains = [m["MAINPID"] for m in messages if "MAINPID" in m]
    assert mains[0] == str(old) and mains[-1] == str(new)
    assert not any("STOPPING" in m for m in messages)


def test_systemd_learns_that_it_was_taken_back(upgrading, notify):
    upgrading.write()
    upgrading.start(env=notify.environment())
    old = upgrading.primary
    new = upgrading.begin()
    os.kill(new, signal.SIGQUIT)
    upgrading.wait_gone(new)
    upgrading.wait_log("upgrade: taken back")
    messages = told(notify)
    mains = [m["MAINPID"] for m in messages if "MAINPID" in m]
    assert mains[-1] == str(old)
    assert not any("STOPPING" in m for m in messages)


# --- worker groups -------------------------------------------------------------


@needs_node
def test_a_group_goes_on_in_the_new_one(upgrading, free_port):
    port = free_port()
    node_program(upgrading, ANSWER)
    upgrading.write(main=group(upgrading, "app", port, "processes 2;"))
    upgrading.start()
    wait_until(lambda: answers(port), "the group to answer")
    old = upgrading.primary
    before = {worker["id"] for worker in admin.workers(upgrading)}
    assert upgrading.ctl("upgrade").returncode == 0
    upgrading.wait_primary(old)
    assert answers(port)
    upgrading.wait_gone(old)
    assert answers(port)
    after = {worker["id"] for worker in admin.workers(upgrading)}
    assert len(after) == len(before) == 4 and min(after) > max(before)


# --- programs ------------------------------------------------------------------


@pytest.mark.quick
def test_a_program_of_its_own_is_started_again(tmp_path, free_port):
    with Program("admin", tmp_path, free_port()) as program:
        with load.Load(program.port, threads=2,
                       expected=program_says(program)) as client:
            wait_until(lambda: client.answered > 50, "some load")
            answer = admin.ask(program, "POST", "/v1/upgrade")
            assert answer.status == 200, answer.body
            assert program.process.wait(PATIENCE) == 0
            before = client.answered
            wait_until(lambda: client.answered > before + 50, "more load")
        tally = client.stop()
        new = json.loads(answer.body)["pid"]
        try:
            assert not tally.lost, tally.lost[:5]
            assert len(processes.children(new, "worker")) > 0
        finally:
            os.kill(new, signal.SIGTERM)
            wait_until(lambda: not processes.is_alive(new), "it to leave")


def program_says(program):
    done = subprocess.run(
        ["curl", "-s", f"http://127.0.0.1:{program.port}/"],
        capture_output=True, check=True, timeout=30)
    return done.stdout
