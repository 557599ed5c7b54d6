"""master_process off: one process, without what takes a primary."""

import contextlib
import pathlib
import shutil
import signal

import pytest

from conftest import EVERYWHERE, IS_SANITIZED, PATIENCE, Server, wait_until

# Where it is installed, and can be had.
VALGRIND = (("valgrind", "--quiet", "--error-exitcode=99")
            if shutil.which("valgrind") and not IS_SANITIZED and not EVERYWHERE
            else ())


def start(server: Server) -> Server:
    server.write(main="master_process off;")
    server.spawn()
    server.wait_log("serving in one process")
    return server


@pytest.mark.parametrize("number, line", [
    (signal.SIGHUP, "not loading the configuration: end this process"),
    (signal.SIGUSR2, "no upgrade: end this process"),
    (signal.SIGWINCH, "no workers to end: QUIT"),
    (signal.SIGTTIN, "no workers to scale"),
    (signal.SIGTTOU, "no workers to scale"),
])
def test_signals_for_a_primary_are_refused_in_the_log(server, number, line):
    start(server)
    server.signal(number)
    server.wait_log(rf"\[warn\] .*master_process off: {line}")
    assert server.get().status == 200


def test_it_has_a_pid_file_while_it_serves(server):
    start(server)
    assert int(server.pid_file.read_text()) == server.pid
    assert server.run("-s", "reopen").returncode == 0
    assert server.get().status == 200
    assert server.run("-s", "quit").returncode == 0
    assert server.process.wait(PATIENCE) == 0
    assert not server.pid_file.exists()


@pytest.mark.parametrize("what", ["reload", "upgrade"])
def test_the_command_line_says_what_it_takes_instead(server, what):
    start(server)
    done = server.run("-s", what)
    assert done.returncode == 1
    assert f"process {server.pid} serves by itself" in done.stderr
    assert f"takes no {what}: end it by -s quit" in done.stderr
    assert server.get().status == 200


def test_nobody_starts_it_twice(server):
    start(server)
    done = server.run()
    assert done.returncode == 1
    assert f"process {server.pid} holds the pid file" in done.stderr
    assert server.get().status == 200
    assert int(server.pid_file.read_text()) == server.pid


def test_a_pid_file_of_the_dead_is_replaced(server):
    start(server)
    server.signal(signal.SIGKILL)
    server.process.wait(PATIENCE)
    assert server.pid_file.exists()
    start(server)
    wait_until(lambda: int(server.pid_file.read_text()) == server.pid,
               "its own pid file")


def test_a_log_that_cannot_be_opened_anew_is_told(server):
    folder = server.folder / "logs"
    folder.mkdir(exist_ok=True)
    access = folder / "access.log"
    server.write(http=f"access_log {access}; server {{ listen 127.0.0.1:PORT; "
                      "return 200; }", main="master_process off;")
    server.spawn()
    server.wait_log("serving in one process")
    folder.rename(server.folder / "moved")
    server.signal(signal.SIGUSR1)
    server.wait_log(rf"\[error\] .*cannot open the log file {access} anew: "
                    "No such file or directory; going on with the old one")
    assert server.get().status == 200
    wait_until((server.folder / "moved" / "access.log").read_text, "its line")
    folder.mkdir()
    server.signal(signal.SIGUSR1)
    wait_until(access.exists, "the log to be opened anew")
    assert server.log().count("anew") == 1


# -- leaving -----------------------------------------------------------------------

def test_a_signal_ends_a_quit_that_waits(server):
    """For two seconds, where accepting was deferred. Nothing reads then what was
    freed: libevent would, which no sanitizer sees."""
    server.write("server { listen 127.0.0.1:PORT deferred; return 200 x; }",
                 main="master_process off;")
    server.spawn(wrapper=VALGRIND)
    server.wait_log("serving in one process")
    server.signal(signal.SIGQUIT)
    server.signal(signal.SIGTERM)
    assert server.process.wait(PATIENCE) == 0
    assert not server.pid_file.exists()


def test_worker_shutdown_timeout_is_for_those_who_wait_to_be_accepted(server):
    """As many clients as there may be take their time, and there is another."""
    (server.folder / "big").write_bytes(bytes(20_000_000))
    server.write(f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}",
                 main="master_process off; worker_shutdown_timeout 1s;",
                 events="worker_connections 2;")
    server.spawn()
    server.wait_log("serving in one process")
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            client = stack.enter_context(server.connect())
            client.request(path="/big")
            client.read_until(b"\r\n\r\n")
        stack.enter_context(server.connect())
        server.signal(signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
    server.wait_log("worker_shutdown_timeout is over, closing 2 connections")


# -- without descriptors -----------------------------------------------------------

def test_it_does_not_start_where_it_cannot_accept(server, free_port):
    """Of eight addresses the last ones would be left out."""
    ports = [free_port() for _ in range(8)]
    listens = "".join(f"listen 127.0.0.1:{port};" for port in ports)
    server.write(f"server {{ listen 127.0.0.1:PORT; {listens} return 200 x; }}",
                 main="master_process off;")
    server.spawn()
    server.wait_log("serving in one process")
    highest = max(int(entry.name) for entry in
                  pathlib.Path(f"/proc/{server.pid}/fd").iterdir())
    server.stop()
    server.may_alert = True
    server.spawn(wrapper=(
        "/bin/sh", "-c", f'ulimit -n {highest - 3}; exec "$@"', "sh"))
    assert server.process.wait(PATIENCE) == 1
    server.wait_log(r"\[emerg\] .*cannot accept from 127.0.0.1:\d+: "
                    "Too many open files")
