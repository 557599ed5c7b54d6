"""Signals: leave at once, leave gently, scale, rotate, keep only the primary."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios

import pytest

import lasting
import load
import processes
import wire
from conftest import PATIENCE, wait_until

TERM_LIMIT_S = 1


@pytest.mark.quick
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_term_and_int_leave_at_once(hello, number):
    family = [hello.pid, *processes.descendants(hello.pid)]
    with hello.connect() as connection:  # an idle client does not delay it
        connection.get()
        hello.signal(number)
        assert hello.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
    assert not hello.pid_file.exists()


@pytest.mark.alone
def test_term_takes_less_than_a_second(hello):
    hello.signal(signal.SIGTERM)
    took = lasting.seconds_while(
        lambda: hello.process.poll() is None, "the primary to leave")
    assert took < TERM_LIMIT_S


@pytest.mark.quick
def test_quit_finishes_what_runs_and_leaves_last(server):
    size = 20_000_000
    (server.folder / "big").write_bytes(bytes(size))
    server.write(
        f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}")
    server.start()
    with server.connect() as connection:
        connection.request(path="/big")
        connection.read_until(b"\r\n\r\n")
        server.signal(signal.SIGQUIT)
        wait_until(lambda: _refused(server.port), "the port to be closed")
        assert processes.is_alive(server.pid)
        assert len(connection.read_exactly(size)) == size
    assert server.process.wait(PATIENCE) == 0
    assert not server.pid_file.exists()


def _refused(port):
    return not wire.is_open(port)


def test_quit_tells_a_keepalive_client_that_it_closes(server):
    server.write(http="keepalive_min_timeout 5s;\n" + """
        server { listen 127.0.0.1:PORT; return 200 "hello world\\n"; }""")
    server.start()
    with server.connect() as connection:
        connection.get()
        server.signal(signal.SIGQUIT)
        wait_until(lambda: _refused(server.port), "the port to be closed")
        answer = connection.get()
        assert answer.status == 200
        assert answer["connection"] == "close"
        assert connection.is_closed()


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_a_client_that_has_just_come_is_still_served(server, policy):
    """Its request may be under way when the drain begins."""
    server.write(http="keepalive_min_timeout 5s;\n" + """
        server { listen 127.0.0.1:PORT; return 200 "hello world\\n"; }""",
        main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    fresh = [server.connect() for _ in range(10)]
    server.signal(signal.SIGTTOU)
    server.wait_log("takes no more connections")
    for connection in fresh:
        assert connection.get().status == 200
        connection.close()


def test_an_idle_client_is_let_go_after_keepalive_min_timeout(server):
    server.write(http="keepalive_min_timeout 200ms;\n" + """
        server { listen 127.0.0.1:PORT; return 200 "hello world\\n"; }""")
    server.start()
    with server.connect() as connection:
        connection.get()
        server.signal(signal.SIGQUIT)
        assert connection.is_closed()
    assert server.process.wait(PATIENCE) == 0


def is_pending(pid, number):
    """It has been sent, but not read."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":\t", 1) for line in status)
    return int(fields["ShdPnd"], 16) & 1 << (number - 1)


def test_ttin_and_ttou_scale(hello):
    for goal in (3, 4):
        hello.signal(signal.SIGTTIN)
        wait_until(lambda: len(hello.workers()) == goal, f"{goal} workers")
    for goal in (3, 2, 1):
        hello.signal(signal.SIGTTOU)
        wait_until(lambda: len(hello.workers()) == goal, f"{goal} workers")
    hello.signal(signal.SIGTTOU)  # never below one
    # Of two that wait, the lower number is told first.
    wait_until(lambda: not is_pending(hello.pid, signal.SIGTTOU),
               "the primary to read the signal")
    hello.signal(signal.SIGTTIN)
    wait_until(lambda: len(hello.workers()) == 2, "2 workers")
    assert hello.get().status == 200


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_scaling_loses_nothing(server, policy):
    server.write(main=f"scheduling_policy {policy}; worker_processes 1;")
    server.start()
    with load.Load(server.port, requests_per_connection=1) as run:
        for number, goals in ((signal.SIGTTIN, (2, 3, 4, 5, 6)),
                              (signal.SIGTTOU, (5, 4, 3, 2, 1))):
            for goal in goals:
                server.signal(number)
                wait_until(lambda: len(server.workers()) == goal,
                           f"{goal} workers", 2 * PATIENCE)
        goal = run.answered + 200
        wait_until(lambda: run.answered >= goal, "200 more answers")
        tally = run.stop()
    assert tally.lost == []


def test_winch_ends_the_workers_and_keeps_the_primary(hello):
    hello.signal(signal.SIGWINCH)
    wait_until(lambda: not hello.workers(), "the workers to leave")
    assert processes.is_alive(hello.pid)
    hello.signal(signal.SIGHUP)  # brings them back, as in nginx
    wait_until(lambda: len(hello.workers()) == 2, "the workers to come back")
    assert hello.get().status == 200


@pytest.mark.parametrize("number", [signal.SIGTTIN, signal.SIGTTOU])
def test_nothing_is_scaled_while_all_are_drained(hello, number):
    hello.signal(signal.SIGWINCH)
    hello.wait_log("draining all workers")
    hello.signal(number)
    hello.wait_log(
        "not scaling main: WINCH has ended the workers: reload first")
    assert "scaling from" not in hello.log()


def test_a_terminal_that_is_resized_ends_nobody(server):
    """The kernel sends WINCH then, too; only from a process it means workers."""
    master, slave = pty.openpty()
    server.write()
    server.output = open(server.folder / "output", "w", encoding="utf-8")
    server.process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", *server.command()], stdin=slave,
        stdout=server.output, stderr=subprocess.STDOUT)
    os.close(slave)
    wait_until(server.pid_file.exists, "the pid file")
    primary = int(server.pid_file.read_text())
    wait_until(lambda: len(processes.children(primary, "worker")) == 2,
               "both workers")
    before = processes.children(primary, "worker")
    for columns in (100, 132, 80):
        fcntl.ioctl(master, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 40, columns, 0, 0))
    for count in (3, 4):  # what the primary has read by then
        os.kill(primary, signal.SIGTTIN)
        wait_until(lambda: len(processes.children(primary, "worker")) == count,
                   "one more")
    assert server.get().status == 200
    assert processes.children(primary, "worker")[:2] == before
    os.kill(primary, signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    os.close(master)


def test_usr1_reopens_the_logs_and_loses_no_line(server):
    access = server.folder / "access.log"
    server.write(http=f"access_log {access} combined flush=100ms;" + """
        server { listen 127.0.0.1:PORT; return 200 "hello world\\n"; }""")
    server.start()
    with load.Load(server.port, threads=2) as run:
        for round_number in range(5):
            goal = run.answered + 100
            wait_until(lambda: run.answered >= goal, "100 more answers")
            access.rename(server.folder / f"access.log.{round_number}")
            server.signal(signal.SIGUSR1)
            wait_until(access.exists, "the log to be opened anew")
        tally = run.stop()
    server.signal(signal.SIGQUIT)
    server.process.wait(PATIENCE)
    lines = sum(len(log.read_text().splitlines())
                for log in server.folder.glob("access.log*"))
    assert lines == tally.answered


def test_workers_ignore_what_a_terminal_sends(hello):
    before = hello.workers()
    for worker in before:
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGWINCH,
                       signal.SIGTTIN, signal.SIGTTOU):
            os.kill(worker, number)
    for _ in range(10):
        assert hello.get().status == 200
    assert hello.workers() == before
