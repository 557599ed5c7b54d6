"""systemd: what it is told on the notify socket, and sockets that it opened."""

import os
import pathlib
import signal
import socket
import sys
import threading
import time

import pytest

import admin
import processes
import wire
from cluster import EXAMPLES
from conftest import PATIENCE, wait_until
from groups import who
from test_groups_cohort import block
from upgrading import Upgrading

# Does what systemd does between fork and exec: descriptors from 3 on, and the
# pid that they are for.
WRAPPER = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 100 + i, inheritable=False)
    os.close(fd)
for i in range(len(fds)):
    os.dup2(100 + i, 3 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(fds))
os.environ["LISTEN_FDNAMES"] = sys.argv[2]
os.execv(sys.argv[3], sys.argv[3:])
"""


# Of WATCHDOG_USEC: the kernel keeps ten messages, and drops the status that is
# the eleventh, where we do not run for a while.
SELDOM = "1000000"


class Notify:
    """A notify socket as systemd makes one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + name[1:] if name.startswith("@") else name)
        self.socket.settimeout(PATIENCE)

    def next(self) -> dict[str, str]:
        lines = self.socket.recv(4096).decode().split("\n")
        return dict(line.split("=", 1) for line in lines)

    def until(self, name: str, value: str = "1") -> dict[str, str]:
        while True:
            message = self.next()
            if message.get(name) == value:
                return message

    def environment(self, **more: str) -> dict[str, str]:
        return {"NOTIFY_SOCKET": self.name, **more}


@pytest.fixture
def notify(tmp_path):
    one = Notify(str(tmp_path / "notify"))
    yield one
    one.socket.close()


@pytest.mark.quick
def test_ready_is_told_when_workers_serve(server, notify):
    server.write()
    server.spawn(env=notify.environment())
    first = notify.next()
    assert first["READY"] == "1"
    assert first["MAINPID"] == str(server.pid)
    assert first["STATUS"] == "generation 1 serves with 2 of 2 workers"
    assert server.pid_file.exists()
    assert server.get().status == 200


def test_an_abstract_name_will_do(server):
    notify = Notify(f"@cohort-test-{os.getpid()}")
    server.write()
    server.spawn(env=notify.environment())
    assert notify.until("READY")
    notify.socket.close()
    server.wait_ready()


def test_a_reload_is_told_with_its_time(server, notify):
    server.write()
    server.start(env=notify.environment())
    notify.until("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    server.signal(signal.SIGHUP)
    begin = notify.until("RELOADING")
    assert int(begin["MONOTONIC_USEC"]) >= before
    assert begin["STATUS"] == "loading generation 2"
    assert notify.until("READY")["STATUS"].startswith("generation 2 serves")


def test_a_reload_that_fails_is_ready_again_and_says_why(server, notify):
    server.write()
    server.start(env=notify.environment())
    notify.until("READY")
    server.may_alert = True
    server.write("lokation;")
    server.signal(signal.SIGHUP)
    notify.until("RELOADING")
    status = notify.until("READY")["STATUS"]
    assert status.startswith("kept generation 1: ")
    assert "lokation" in status


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_leaving_is_told(server, notify, number):
    server.write()
    server.start(env=notify.environment())
    notify.until("READY")
    server.signal(number)
    assert notify.until("STOPPING")
    assert server.process.wait(PATIENCE) == 0


def test_the_status_follows_the_workers(server, notify):
    server.write()
    server.start(env=notify.environment())
    notify.until("READY")
    server.signal(signal.SIGTTIN)
    notify.until("STATUS", "generation 1 serves with 3 of 3 workers")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.may_alert = True
    notify.until("STATUS", "generation 1 serves with 2 of 3 workers")
    notify.until("STATUS", "generation 1 serves with 3 of 3 workers")


def test_a_daemon_tells_its_own_pid(server, notify):
    server.write(main="daemon on;")
    server.spawn(env=notify.environment())
    pid = int(notify.until("READY")["MAINPID"])
    assert server.process.wait(PATIENCE) == 0
    assert pid == int(server.pid_file.read_text())
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not processes.is_alive(pid), "the daemon to leave")


def test_children_know_nothing_of_it(server, notify):
    server.write()
    server.start(env=notify.environment(WATCHDOG_USEC="2000000"))
    admin.get(server, "/v1/status")  # the helper is there, too
    for pid in processes.descendants(server.pid):
        names = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        # A forked worker shows its template's, which was executed without.
        for name in (b"NOTIFY_SOCKET", b"WATCHDOG_USEC", b"LISTEN_"):
            assert name not in names, processes.title(pid)


def test_a_name_that_is_none_is_told_and_stops_nobody(server):
    server.write()
    server.start(env={"NOTIFY_SOCKET": "vsock:2:1234"})
    server.wait_log(r"\[warn\].*NOTIFY_SOCKET=vsock")
    assert server.get().status == 200


# --- an upgrade -----------------------------------------------------------------


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


def test_an_upgrade_hands_over_the_main_process_and_stops_nothing(
        upgrading, notify):
    """Systemd takes the new pid from the old main process alone."""
    upgrading.write()
    upgrading.start(env=notify.environment())
    notify.until("READY")
    old = upgrading.primary
    upgrading.install()
    done = upgrading.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    new = upgrading.wait_primary(old)
    upgrading.wait_gone(old)
    told = notify.until("MAINPID", str(new))
    assert "READY" not in told  # the old one's word
    told = notify.until("MAINPID", str(new))
    assert told["READY"] == "1"
    os.kill(new, signal.SIGQUIT)  # only now it is about the service
    assert notify.until("STOPPING")["STATUS"].startswith("quitting")


def test_an_upgrade_that_is_taken_back_leaves_the_main_process(
        upgrading, notify):
    upgrading.write()
    upgrading.start(env=notify.environment())
    notify.until("READY")
    old = upgrading.primary
    new = upgrading.begin()
    os.kill(new, signal.SIGTERM)
    upgrading.wait_primary(new)
    upgrading.wait_gone(new)
    os.kill(old, signal.SIGHUP)
    seen = [notify.next()]
    while "RELOADING" not in seen[-1]:
        seen.append(notify.next())
    assert not [told for told in seen if "STOPPING" in told or
                told.get("MAINPID", str(old)) != str(old)]


# --- the watchdog ---------------------------------------------------------------


def test_the_watchdog_is_fed_at_half_its_time(server, notify):
    server.write()
    server.start(env=notify.environment(WATCHDOG_USEC="400000"))
    notify.until("READY")
    notify.until("WATCHDOG")
    began = time.monotonic()
    for _ in range(5):
        notify.until("WATCHDOG")
    assert 0.8 < time.monotonic() - began < 3


def test_the_watchdog_of_another_process_is_not_ours(server, notify):
    server.write()
    server.start(env=notify.environment(WATCHDOG_USEC="50000",
                                        WATCHDOG_PID="1"))
    notify.until("READY")
    server.signal(signal.SIGHUP)
    seen = notify.next()
    while "READY" not in seen:
        assert "WATCHDOG" not in seen
        seen = notify.next()


def test_without_a_quorum_of_workers_the_watchdog_starves(server, notify):
    """They are stopped, and leave what they are offered."""
    server.write(main="worker_watchdog off;")
    server.start(env=notify.environment(WATCHDOG_USEC="200000"))
    notify.until("WATCHDOG")
    stopped = server.workers()
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    clients = [server.connect() for _ in range(2)]
    notify.socket.settimeout(0.5)
    try:
        with pytest.raises(TimeoutError):
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                notify.until("WATCHDOG")
    finally:
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
    notify.socket.settimeout(PATIENCE)
    for client in clients:
        assert client.get().status == 200
        client.close()
    notify.until("WATCHDOG")


@pytest.mark.quick
def test_workers_that_hang_are_replaced_and_it_is_fed_again(server, notify):
    server.write(main="worker_watchdog 1s;")
    server.start(env=notify.environment(WATCHDOG_USEC=SELDOM))
    notify.until("WATCHDOG")
    server.may_alert = True
    for pid in server.workers():
        os.kill(pid, signal.SIGSTOP)
    server.wait_log("is stuck", 2)
    notify.until("STATUS", "generation 1 serves with 2 of 2 workers")
    notify.until("WATCHDOG")


def test_workers_of_programs_are_counted_too(server, notify, free_port):
    server.write(http=" ", main=block(free_port(), "processes 2;"))
    server.spawn(env=notify.environment(WATCHDOG_USEC="200000"))
    notify.until("STATUS", "generation 1 serves with 2 of 2 workers")
    notify.until("WATCHDOG")
    worker = admin.get(server, "/v1/workers")["workers"][0]
    target = f"/v1/workers/{worker['id']}/disconnect"
    assert admin.ask(server, "POST", target, {}).status == 202
    notify.until("STATUS", "generation 1 serves with 1 of 1 worker")


def test_one_that_is_being_replaced_serves(server, notify, free_port):
    """As long as its successor is held up on its way in."""
    gate, program = server.folder / "gate", server.folder / "program"
    program.write_text(f"""#!/bin/sh
        [ -e {gate} ] && read line <{gate}
        exec {EXAMPLES}/cluster_hello "$@"\n""")
    program.chmod(0o755)
    server.write(http=" ", main=block(free_port(), "processes 1;").replace(
        f"{EXAMPLES}/cluster_hello", str(program)))
    server.spawn(env=notify.environment(WATCHDOG_USEC=SELDOM))
    notify.until("WATCHDOG")
    worker, = admin.get(server, "/v1/workers")["workers"]
    os.mkfifo(gate)
    thread = threading.Thread(target=lambda: admin.ask(
        server, "POST", f"/v1/workers/{worker['id']}/replace", {}))
    thread.start()
    wait_until(lambda: len(admin.get(server, "/v1/workers")["workers"]) == 2,
               "its successor")
    for _ in range(3):
        message = notify.next()
        assert "0 of 1" not in message.get("STATUS", "")
        assert message.get("WATCHDOG") == "1"
    with open(gate, "wb"):
        pass  # opened when it reads
    thread.join(PATIENCE)
    assert not thread.is_alive()


def test_programs_that_have_to_finish_are_told_of(server, notify, free_port):
    port = free_port()
    server.write(http=" ", main=block(port, "processes 2;"))
    server.spawn(env=notify.environment())
    notify.until("READY")
    with wire.Connection("127.0.0.1", port) as client:
        client.get()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\n")
        server.signal(signal.SIGQUIT)
        notify.until("STATUS", "leaving: 1 worker has to finish")
        client.send(b"\r\n")
        assert client.response().status == 200
    assert server.process.wait(PATIENCE) == 0


def test_programs_that_do_not_come_again_starve_the_watchdog(
        server, notify, free_port):
    """Their file has gone; each of them is tried again once a second."""
    program = server.folder / "program"
    program.symlink_to(EXAMPLES / "cluster_hello")
    server.write(http=" ", main=block(free_port(), "processes 2;").replace(
        f"{EXAMPLES}/cluster_hello", str(program)))
    server.spawn(env=notify.environment(WATCHDOG_USEC="200000"))
    notify.until("WATCHDOG")
    server.may_alert = True
    program.unlink()
    for worker in admin.get(server, "/v1/workers")["workers"]:
        os.kill(worker["pid"], signal.SIGKILL)
    notify.until("STATUS", "generation 1 serves with 0 of 2 workers")
    notify.socket.settimeout(0.5)
    with pytest.raises(TimeoutError):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            notify.until("WATCHDOG")


@pytest.mark.parametrize("action", ["disconnect", "kill"])
def test_a_place_that_is_left_on_purpose_does_not_starve_it(
        server, notify, action):
    """With two workers one is no more than half; nobody follows it."""
    server.write()
    server.start(env=notify.environment(WATCHDOG_USEC=SELDOM))
    notify.until("WATCHDOG")
    server.may_alert = True
    for rest in ("1 of 1 worker", "0 of 0 workers"):
        worker = admin.get(server, "/v1/workers")["workers"][0]
        target = f"/v1/workers/{worker['id']}/{action}"
        assert admin.ask(server, "POST", target, {}).status == 202
        wait_until(lambda pid=worker["pid"]: not processes.is_alive(pid),
                   "the worker to leave")
        notify.until("STATUS", f"generation 1 serves with {rest}")
        for _ in range(3):
            notify.until("WATCHDOG")


# --- socket activation -------------------------------------------------------------


def _listening(address, family=socket.AF_INET):
    one = socket.socket(family)
    one.bind(address)
    one.listen(16)
    return one


def _spawn(server, sockets, names=""):
    server.spawn(
        wrapper=(sys.executable, "-c", WRAPPER,
                 ",".join(str(s.fileno()) for s in sockets), names),
        pass_fds=tuple(s.fileno() for s in sockets))


@pytest.mark.quick
@pytest.mark.parametrize("policy", ["round_robin", "least_conn", "shared",
                                    "reuseport"])
def test_a_listen_takes_the_socket_of_its_address(server, policy):
    """Who connected before the start is served, too."""
    server.write(main=f"scheduling_policy {policy};")
    with _listening(("127.0.0.1", server.port)) as given:
        early = server.connect()
        _spawn(server, [given], "web")
        server.wait_ready()
        assert early.get().body == b"hello world\n"
        early.close()
        assert processes.has_socket(server.pid, os.fstat(given.fileno()).st_ino)
        for _ in range(20):
            assert server.get().status == 200
    assert "closing the inherited" not in server.log()


def test_a_group_shares_one_that_it_cannot_multiply(server, free_port):
    port = free_port()
    server.write(main=block(port, "processes 2; scheduling_policy reuseport;"))
    with _listening(("127.0.0.1", port)) as given:
        _spawn(server, [given], "web")
        server.wait_ready()
        assert {who(port) for _ in range(20)} == {"hello world\n"}


def test_a_unix_socket_is_taken_and_its_file_stays(server):
    path = server.folder / "http.sock"
    server.write(f"server {{ listen unix:{path}; return 200 x; }}")
    with _listening(str(path), socket.AF_UNIX) as given:
        _spawn(server, [given])
        server.wait_ready()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        server.stop()
        assert path.exists()


def test_those_that_nobody_wants_are_closed_and_named(server, free_port):
    server.write()
    other = free_port()
    with _listening(("127.0.0.1", server.port)) as given, \
            _listening(("127.0.0.1", other)) as extra, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        numbers = [os.fstat(s.fileno()).st_ino for s in (extra, datagram)]
        _spawn(server, [given, extra, datagram], "web:more:udp")
        server.wait_ready()
        server.wait_log(rf"\[warn\].*127\.0\.0\.1:{other} of more: no listen")
        server.wait_log(r"\[warn\].*inherited descriptor 5 \(udp\)")
        wait_until(lambda: not any(
            processes.has_socket(server.pid, n) for n in numbers), "the unused sockets to be closed")
        assert server.get().status == 200


def test_sockets_for_another_pid_are_left_alone(server):
    server.write()
    server.start(env={"LISTEN_PID": "1", "LISTEN_FDS": "1"})
    assert server.get().status == 200
    admin.get(server, "/v1/status")  # the helper is there, too
    for pid in processes.descendants(server.pid):
        assert b"LISTEN_" not in pathlib.Path(
            f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("policy", ["round_robin", "least_conn", "shared",
                                    "reuseport"])
def test_a_restart_refuses_nobody(server, make_server, policy):
    """Between two instances clients wait on the socket that outlives both."""
    main = f"scheduling_policy {policy};"
    server.write(main=main)
    after = make_server()
    after.port = server.port
    after.write(main=main)
    with _listening(("127.0.0.1", server.port)) as given:
        _spawn(server, [given])
        server.wait_ready()
        assert server.get().status == 200
        server.signal(signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        waiting = wire.Connection("127.0.0.1", server.port)
        _spawn(after, [given])
        after.wait_ready()
        assert waiting.get().status == 200
        waiting.close()


def test_an_address_that_leaves_may_come_back(server, free_port):
    second = free_port()
    both = ("server {{ listen 127.0.0.1:PORT; {} return 200 x; }}")
    with _listening(("127.0.0.1", server.port)) as given, \
            _listening(("127.0.0.1", second)) as more:
        server.write(both.format(f"listen 127.0.0.1:{second};"))
        _spawn(server, [given, more])
        server.wait_ready()
        for number, text in ((2, ""), (3, f"listen 127.0.0.1:{second};")):
            server.write(both.format(text))
            server.signal(signal.SIGHUP)
            server.wait_log(rf"reload: generation {number} serves")
        with wire.Connection("127.0.0.1", second) as connection:
            assert connection.get().status == 200
