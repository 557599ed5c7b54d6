"""worker_shutdown_timeout bounds everything: a worker that does not run cannot
keep it by itself, and is ended by the primary a second later."""

import os
import signal
import time

import pytest

import admin
import processes
import test_groups_cohort
from conftest import PATIENCE, wait_until
from test_groups_listen_fds import SERVER, programs

LIMIT = 0.3
MAIN = "worker_shutdown_timeout 300ms; worker_watchdog off;"
OVERDUE = r"is stuck: it has not left 1000 ms after worker_shutdown_timeout " \
          r"\(300 ms\), killing it"


def reload(server):
    server.signal(signal.SIGHUP)


def scale_down(server):
    server.signal(signal.SIGTTOU)


def disconnect(server):
    assert admin.ask(server, "POST", "/v1/workers/2/disconnect").status == 202


def quit_one(server):
    assert admin.ask(server, "POST", "/v1/workers/2/kill",
                     {"signal": "QUIT"}).status == 202


def replace(server):
    assert admin.ask(server, "POST", "/v1/workers/2/replace").status == 200


def winch(server):
    server.signal(signal.SIGWINCH)


@pytest.mark.parametrize(
    "leave", [reload, scale_down, disconnect, quit_one, replace, winch])
def test_a_stopped_worker_is_ended_a_second_later(server, leave):
    server.may_alert = True
    server.write(main=MAIN)
    server.start()
    worker = server.workers()[1]
    os.kill(worker, signal.SIGSTOP)
    with admin.Events(server) as events:
        began = time.monotonic()
        leave(server)
        told = events.until("stuck")[-1]
        assert time.monotonic() - began > LIMIT + 0.9  # timers count by turns
        assert (told["worker"], told["pid"]) == (2, worker)
        told = events.until("exit")[-1]
        assert (told["worker"], told["signal"], told["reason"]) == \
            (2, signal.SIGKILL, "stuck")
    server.wait_log(OVERDUE)
    assert server.log().count(f"(process {worker}) is stuck") == 1


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_quit_ends_although_a_worker_is_stopped(server, policy):
    server.may_alert = True
    server.write(main=f"{MAIN} scheduling_policy {policy};")
    server.start()
    os.kill(server.workers()[0], signal.SIGSTOP)
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0
    assert len(server.alerts()) == 2  # and that it ended with a signal
    server.wait_log(OVERDUE)


def ignores_term(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":\t", 1) for line in status)
    return int(fields["SigIgn"], 16) & 1 << (signal.SIGTERM - 1)


def test_quit_ends_although_a_program_does_not(server, free_port):
    server.may_alert = True
    (server.folder / "serve.py").write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + SERVER)
    server.write(main=f"""
        {MAIN}
        worker_group app {{
            exec /usr/bin/python3 {server.folder}/serve.py;
            protocol listen_fds; listen 127.0.0.1:{free_port()};
        }}""")
    server.start()
    program = wait_until(lambda: programs(server), "the program")[0]
    wait_until(lambda: ignores_term(program), "the program to ignore TERM")
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0
    assert not processes.is_alive(program)
    server.wait_log("does not leave in time: SIGTERM")


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_quit_ends_although_a_member_is_stopped(server, free_port, policy):
    """Its address is emptied first: then the limit must still be known."""
    server.may_alert = True
    server.write(main=MAIN + test_groups_cohort.block(
        free_port(), f"processes 1; scheduling_policy {policy};"))
    server.start()
    program = wait_until(
        lambda: test_groups_cohort.programs(server), "the program")[0]
    os.kill(program, signal.SIGSTOP)
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0
    server.wait_log("does not leave in time: SIGTERM")
