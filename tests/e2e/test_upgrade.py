"""A new binary takes over, in one step or in two: nobody is lost, and what fails
changes nothing."""

import os
import re
import signal
import subprocess
import threading

import pytest

import admin
import load
import processes
from conftest import BINARY, wait_until
from upgrading import Upgrading

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def running(upgrading):
    """Two workers that answer hello world."""
    upgrading.write()
    return upgrading.start()


def with_policy(server, policy, main=""):
    server.write("""
        server {
            listen 127.0.0.1:PORT policy=%s;
            location / { return 200 "hello world\\n"; }
        }""" % policy, main=main)


def ids(server):
    return {worker["id"] for worker in admin.workers(server)}


def names(server):
    """All that tells of a second primary."""
    return {path.name for folder in [server.folder, server.folder / "run"]
            for path in folder.iterdir()
            if path.name.endswith((".oldbin", ".new"))}


# --- in one step -------------------------------------------------------------


@pytest.mark.quick
def test_the_binary_on_disk_takes_over(running):
    old, old_ids = running.primary, ids(running)
    running.install()

    done = running.ctl("upgrade")

    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"upgrade: process \d+ serves with cohort \S+\n",
                        done.stdout)
    new = running.wait_primary(old)
    assert f"process {new} " in done.stdout
    running.wait_gone(old)
    assert running.process.returncode == 0
    assert running.get().body == b"hello world\n"
    assert os.stat(f"/proc/{new}/exe").st_ino == os.stat(running.binary).st_ino
    assert min(ids(running)) > max(old_ids)
    wait_until(lambda: not names(running), "second names to go")


def test_one_upgrade_follows_the_other(running):
    seen = ids(running)
    for _ in range(3):
        old = running.primary
        done = running.ctl("upgrade")
        assert done.returncode == 0, done.stderr
        running.wait_primary(old)
        running.wait_gone(old)
        running.wait_log(rf"the old primary \(process {old}\) leaves")
        assert not ids(running) & seen
        seen |= ids(running)
    assert running.get().body == b"hello world\n"


def test_the_command_line_upgrades(running):
    old = running.primary
    done = running.run("-s", "upgrade")
    assert done.returncode == 0, done.stderr
    running.wait_primary(old)
    running.wait_gone(old)
    assert running.get().body == b"hello world\n"


def test_the_command_line_says_that_the_old_one_goes_on(running):
    running.may_alert = True
    old = running.primary
    running.write("server { listen 127.0.0.1:PORT; lokation / { } }")
    done = running.run("-s", "upgrade")
    assert done.returncode == 1
    assert "lokation" in done.stderr
    assert running.primary == old
    assert running.get().body == b"hello world\n"


def test_the_command_line_says_what_it_needs(upgrading):
    upgrading.write(main="admin off;")
    upgrading.start()
    done = upgrading.run("-s", "upgrade")
    assert done.returncode == 1
    assert f"kill -USR2 {upgrading.pid}" in done.stderr


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_lost_under_load(upgrading, policy):
    with_policy(upgrading, policy)
    upgrading.start()
    with load.Load(upgrading.port) as kept, \
            load.Load(upgrading.port, requests_per_connection=1) as fresh:
        for _ in range(3):
            old, before = upgrading.primary, kept.answered
            wait_until(lambda: kept.answered > before + 100, "some load")
            done = upgrading.ctl("upgrade")
            assert done.returncode == 0, done.stderr
            upgrading.wait_primary(old)
            upgrading.wait_gone(old)
        before = fresh.answered
        wait_until(lambda: fresh.answered > before + 100, "more load")
    for tally in [kept.stop(), fresh.stop()]:
        print(f"{len(tally.lost)} of {tally.answered} requests lost")
        assert not tally.lost, tally.lost[:5]


@pytest.mark.parametrize("policy", ["round_robin", "reuseport"])
@pytest.mark.parametrize("after", [1, 5])
def test_the_new_one_may_have_other_workers(upgrading, policy, after):
    with_policy(upgrading, policy, "worker_processes 3;")
    upgrading.start()
    with_policy(upgrading, policy, f"worker_processes {after};")
    old = upgrading.primary
    with load.Load(upgrading.port, requests_per_connection=1) as fresh:
        wait_until(lambda: fresh.answered > 100, "some load")
        assert upgrading.ctl("upgrade").returncode == 0
        upgrading.wait_primary(old)
        upgrading.wait_gone(old)
        before = fresh.answered
        wait_until(lambda: fresh.answered > before + 200, "more load")
    tally = fresh.stop()
    assert not tally.lost, tally.lost[:5]
    assert len(ids(upgrading)) == after


def test_the_new_one_may_have_another_policy(upgrading):
    with_policy(upgrading, "reuseport")
    upgrading.start()
    with load.Load(upgrading.port, requests_per_connection=1) as fresh:
        for policy in ["shared", "round_robin", "reuseport"]:
            with_policy(upgrading, policy)
            old, before = upgrading.primary, fresh.answered
            assert upgrading.ctl("upgrade").returncode == 0
            upgrading.wait_primary(old)
            upgrading.wait_gone(old)
            wait_until(lambda: fresh.answered > before + 200, "more load")
    tally = fresh.stop()
    assert not tally.lost, tally.lost[:5]


def test_addresses_come_and_go_with_it(upgrading, free_port):
    gone, come = free_port(), free_port()
    text = """
        server {
            listen 127.0.0.1:PORT;
            listen 127.0.0.1:%d;
            location / { return 200 "hello world\\n"; }
        }"""
    upgrading.write(text % gone)
    upgrading.start()
    upgrading.write(text % come)
    old = upgrading.primary
    assert upgrading.ctl("upgrade").returncode == 0
    upgrading.wait_primary(old)
    upgrading.wait_gone(old)
    for port, serves in [(upgrading.port, True), (come, True), (gone, False)]:
        done = subprocess.run(
            ["/bin/sh", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}"],
            executable="/bin/bash", capture_output=True)
        assert (done.returncode == 0) == serves, port


# --- in two steps, as nginx's documentation has it ---------------------------


@pytest.mark.quick
def test_two_steps_by_signals(running):
    old = running.primary
    old_workers = running.workers()
    running.install()

    new = running.begin()

    assert int(running.old_pid_file.read_text()) == old
    assert running.workers() == old_workers
    assert len(processes.children(new, "worker")) == 2

    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not running.workers(), "the old workers to leave")
    assert processes.is_alive(old)
    for _ in range(10):
        assert running.get().body == b"hello world\n"

    os.kill(old, signal.SIGQUIT)
    running.wait_gone(old)
    wait_until(lambda: not names(running), "second names to go")
    assert running.primary == new
    assert running.get().body == b"hello world\n"


@pytest.mark.quick
def test_the_old_one_goes_on_when_the_new_one_quits(running):
    old = running.primary
    new = running.begin()
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not running.workers(), "the old workers to leave")

    os.kill(old, signal.SIGHUP)
    wait_until(lambda: len(running.workers()) == 2, "old workers again")
    os.kill(new, signal.SIGQUIT)

    running.wait_gone(new)
    wait_until(lambda: running.primary == old, "the old pid file")
    wait_until(lambda: not names(running), "second names to go")
    assert running.get().body == b"hello world\n"
    assert admin.get(running, "/v1/status")["pid"] == old


def test_drained_workers_come_again_by_themselves(running):
    old = running.primary
    new = running.begin()
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not running.workers(), "the old workers to leave")
    os.kill(new, signal.SIGTERM)
    running.wait_gone(new)
    wait_until(lambda: len(running.workers()) == 2, "old workers again")
    assert running.get().body == b"hello world\n"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT])
def test_taking_back_loses_nothing(upgrading, policy, number):
    with_policy(upgrading, policy)
    upgrading.start()
    old = upgrading.primary
    with load.Load(upgrading.port) as kept, \
            load.Load(upgrading.port, requests_per_connection=1) as fresh:
        for _ in range(2):
            new, before = upgrading.begin(), fresh.answered
            wait_until(lambda: fresh.answered > before + 100, "some load")
            os.kill(new, number)
            upgrading.wait_gone(new)
            wait_until(lambda: upgrading.primary == old, "the old pid file")
            before = fresh.answered
            wait_until(lambda: fresh.answered > before + 100, "some load")
    for tally in [kept.stop(), fresh.stop()]:
        print(f"{len(tally.lost)} of {tally.answered} requests lost")
        assert not tally.lost, tally.lost[:5]


@pytest.mark.parametrize("policy", POLICIES)
def test_two_steps_lose_nothing(upgrading, policy):
    with_policy(upgrading, policy)
    upgrading.start()
    old = upgrading.primary
    with load.Load(upgrading.port) as kept, \
            load.Load(upgrading.port, requests_per_connection=1) as fresh:
        upgrading.begin()
        wait_until(lambda: fresh.answered > 100, "some load")
        os.kill(old, signal.SIGWINCH)
        wait_until(lambda: not upgrading.workers(), "the old workers to leave")
        before = fresh.answered
        wait_until(lambda: fresh.answered > before + 100, "some load")
        os.kill(old, signal.SIGQUIT)
        upgrading.wait_gone(old)
    for tally in [kept.stop(), fresh.stop()]:
        print(f"{len(tally.lost)} of {tally.answered} requests lost")
        assert not tally.lost, tally.lost[:5]


def test_while_both_serve_neither_changes(running):
    old = running.primary
    new = running.begin()
    for pid in [old, new]:
        os.kill(pid, signal.SIGUSR2)
        running.wait_log(rf"{pid}#\d+: no upgrade now: an upgrade is under way")
        os.kill(pid, signal.SIGHUP)
        running.wait_log(rf"{pid}#\d+: not loading the configuration")
    for words in [("reload",), ("scale", "3"), ("upgrade",)]:
        done = running.ctl(*words)
        assert done.returncode == 1
        assert "an upgrade is under way" in done.stderr
    assert running.get().body == b"hello world\n"


def test_both_can_be_stopped(running):
    running.begin()
    running.stop()
    assert not running.pid_file.exists()
    assert not running.old_pid_file.exists()
    assert not list((running.folder / "run").iterdir())


def test_the_admin_socket_leads_to_who_has_the_pid_file(running):
    old = running.primary
    new = running.begin()
    assert admin.get(running, "/v1/status")["pid"] == new
    path = str(admin.path_of(running)) + ".oldbin"
    done = subprocess.run(
        [str(BINARY), "ctl", "--socket", path, "quit"],
        capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    running.wait_gone(old)
    assert admin.get(running, "/v1/status")["pid"] == new


@pytest.mark.parametrize("is_old_killed", [True, False])
def test_one_of_both_is_killed(running, is_old_killed):
    running.may_alert = True  # its workers say that it is gone
    old = running.primary
    new = running.begin()
    killed, other = (old, new) if is_old_killed else (new, old)
    os.kill(killed, signal.SIGKILL)
    running.wait_gone(killed)
    wait_until(lambda: running.primary == other and not names(running),
               "the names to be one's own")
    wait_until(lambda: running.asked() == other, "the admin socket")
    for _ in range(10):
        assert running.get().body == b"hello world\n"
    done = running.ctl("upgrade")
    assert done.returncode == 0, done.stderr


# --- what fails ---------------------------------------------------------------


def refuses(server, reason):
    """An upgrade that fails changes nothing."""
    old, workers = server.primary, server.workers()
    done = server.ctl("upgrade")
    assert done.returncode == 1
    assert re.search(reason, done.stderr), done.stderr
    assert server.primary == old
    assert server.workers() == workers
    assert not names(server)
    assert server.get().body == b"hello world\n"
    server.wait_log("upgrade: going on with this binary: ")
    os.kill(old, signal.SIGUSR2)
    server.wait_log("upgrade: going on with this binary: ", 2)
    assert not names(server)
    assert server.primary == old


@pytest.mark.quick
@pytest.mark.parametrize("content, reason", [
    ("no program at all", "cannot execute .*Exec format error"),
    ("#!/bin/sh\necho it is late >&2\nexit 3\n", "code 3 .*: it is late"),
    ("#!/bin/sh\nkill -SEGV $$\n", "signal 11 before it served"),
    ("#!/bin/sh\nexit 0\n", "code 0 before it served"),
])
def test_a_broken_binary_changes_nothing(running, content, reason):
    running.install(content)
    refuses(running, reason)


def test_a_missing_binary_changes_nothing(running):
    running.binary.unlink()
    refuses(running, "cannot execute .*No such file")


def test_a_binary_that_never_serves_is_ended(upgrading):
    upgrading.write(main="reload_timeout 1s;")
    upgrading.start()
    upgrading.install("#!/bin/sh\nexec sleep 60\n")
    refuses(upgrading, "took longer than reload_timeout")


def test_a_broken_configuration_changes_nothing(running):
    running.may_alert = True
    text = running.configuration.read_text()
    running.configuration.write_text(
        text.replace("events", "lokation;\nevents") + "\nworker_limit 3;\n")
    refuses(running, r"(?s)cohort\.conf:\d+.*lokation.*cohort\.conf:\d+.*worker_limit")
    answer = admin.ask(running, "POST", "/v1/upgrade")
    assert answer.status == 422
    running.configuration.write_text(text)
    assert running.ctl("upgrade").returncode == 0


def test_an_address_that_is_taken_changes_nothing(upgrading, make_server):
    other = make_server()
    other.write()
    other.start()
    upgrading.write()
    upgrading.start()
    upgrading.may_alert = True
    upgrading.write("server { listen 127.0.0.1:PORT; listen 127.0.0.1:%d; }"
                    % other.port)
    refuses(upgrading, rf"127\.0\.0\.1:{other.port}.*in use")


def test_one_process_cannot_take_over(running):
    running.may_alert = True
    text = running.configuration.read_text()
    running.configuration.write_text("master_process off;\n" + text)
    refuses(running, "master_process off")


FOREIGN = """#!/usr/bin/python3
# Hands on what it was handed, as another version would have it.
import array, os, socket, sys

channel, stderr, pid = map(int, os.environ["COHORT_UPGRADE"].split(":"))
old = socket.socket(fileno=channel)
ours, new = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
data, controls, _, _ = old.recvmsg(4096, 65536)
fds = array.array("i", controls[0][2])
state = os.memfd_create("state")
text = bytearray(os.pread(fds[0], 1 << 20, 0))
{change}
os.write(state, text)
ours.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                       array.array("i", [state, fds[1]]))])
count = int.from_bytes(data[8:16], "little")
while count > 0:
    data, controls, _, _ = old.recvmsg(4096, 65536)
    ours.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                           controls[0][2])])
    count -= len(controls[0][2]) // 4
os.environ["COHORT_UPGRADE"] = f"{{new.fileno()}}:{{stderr}}:{{pid}}"
new.set_inheritable(True)
os.execv({binary!r}, sys.argv)
"""


def foreign(change):
    return FOREIGN.format(change=change, binary=str(BINARY))


@pytest.mark.parametrize("change, reason", [
    ("text[12:16] = (99).to_bytes(4, 'little')",
     "its state is of version 99, and this binary reads version 1"),
    ("text[0:6] = b'nobody'", "its state is not that of a cohort"),
    ("del text[40:]", "its state is cut off after 40 of"),
])
def test_the_state_of_a_foreign_version_is_refused(running, change, reason):
    running.may_alert = True
    running.install(foreign(change))
    refuses(running, reason)


# --- what is kept ---------------------------------------------------------------


def total(server, name=b"cohort_http_requests_total"):
    answer = admin.ask(server, "GET", "/metrics")
    found = re.findall(b"^" + re.escape(name) + rb" (\d+)$", answer.body,
                       re.MULTILINE)
    assert found, answer.body
    return int(found[0])


class Watch:
    """Asks for a counter all the time: it must never fall."""

    def __init__(self, server):
        self.server = server
        self.values = []
        self.missed = []
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.stopping.is_set():
            try:
                self.values.append(total(self.server))
            except (OSError, AssertionError, admin.wire.Closed) as error:
                self.missed.append(repr(error))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join()


def test_counters_never_fall(running):
    with load.Load(running.port, threads=2) as client, Watch(running) as watch:
        for _ in range(2):
            old, before = running.primary, client.answered
            wait_until(lambda: client.answered > before + 100, "some load")
            assert running.ctl("upgrade").returncode == 0
            running.wait_primary(old)
            running.wait_gone(old)
        new, before = running.begin(), client.answered
        wait_until(lambda: client.answered > before + 100, "some load")
        os.kill(new, signal.SIGQUIT)
        running.wait_gone(new)
    tally = client.stop()
    assert not tally.lost, tally.lost[:5]
    assert watch.values == sorted(watch.values)
    assert len(watch.values) > 10
    assert not watch.missed, watch.missed[:5]  # somebody always answers
    wait_until(lambda: total(running) == tally.answered,
               f"{tally.answered} requests to be counted")


def test_what_the_primary_has_counted_is_the_next_ones(running):
    reloads = b'cohort_reloads_total{verdict="done"}'
    for times in (1, 2):
        old = running.primary
        assert running.ctl("reload").returncode == 0
        assert running.ctl("upgrade").returncode == 0
        running.wait_primary(old)
        running.wait_gone(old)
        wait_until(lambda: total(running, reloads) == times,
                   f"{times} reloads to be counted")
    assert total(running, b"cohort_worker_starts_total") == 2 * 5
    wait_until(lambda: total(
        running, b'cohort_worker_exits_total{reason="reload"}') +
        total(running, b'cohort_worker_exits_total{reason="disconnect"}') == 8,
        "exits to be counted")


def test_no_worker_has_the_id_of_another(running):
    seen = {worker["id"]: worker["pid"] for worker in admin.workers(running)}

    def note():
        for worker in admin.workers(running):
            assert seen.setdefault(worker["id"], worker["pid"]) == worker["pid"]

    for _ in range(2):
        old = running.primary
        new = running.begin()
        note()
        os.kill(new, signal.SIGTERM)
        running.wait_gone(new)
        wait_until(lambda: running.primary == old, "the old pid file")
        assert running.ctl("scale", "3").returncode == 0
        note()
        assert running.ctl("scale", "2").returncode == 0
    assert running.ctl("upgrade").returncode == 0
    running.wait_primary(old)
    note()
    assert len(seen) == 2 + 2 * (2 + 1) + 2


def test_events_are_numbered_on(running):
    before = admin.get(running, "/v1/status")["last_event"]
    old = running.primary
    with admin.Events(running) as events:
        assert running.ctl("upgrade").returncode == 0
        told = events.until("upgrade_ready")
    assert [event["event"] for event in told][:1] == ["upgrade_begin"]
    running.wait_primary(old)
    running.wait_gone(old)
    with admin.Events(running, since=told[-1]["seq"]) as events:
        later = events.until("upgrade_done")
    numbers = [event["seq"] for event in told + later if "seq" in event]
    assert numbers == sorted(set(numbers))
    assert numbers[0] > before


@pytest.mark.quick
@pytest.mark.parametrize("who", ["step", "old", "new"])
def test_a_unix_socket_survives(upgrading, who):
    path = upgrading.folder / "web.sock"
    upgrading.write("""
        server {
            listen 127.0.0.1:PORT;
            listen unix:%s;
            location / { return 200 "hello world\\n"; }
        }""" % path)
    upgrading.start()
    number = path.stat().st_ino
    old = upgrading.primary
    if who == "step":
        assert upgrading.ctl("upgrade").returncode == 0
        upgrading.wait_primary(old)
        upgrading.wait_gone(old)
    else:
        new = upgrading.begin()
        leaver = old if who == "old" else new
        os.kill(leaver, signal.SIGQUIT)
        upgrading.wait_gone(leaver)
    assert path.stat().st_ino == number
    with admin.Connection(path) as connection:
        assert connection.get("/").body == b"hello world\n"
    upgrading.stop()
    assert not path.exists()


def test_a_daemon_is_followed_by_one(upgrading):
    upgrading.write(main="daemon on;")
    upgrading.output = open(upgrading.folder / "output", "w+", encoding="utf-8")
    upgrading.process = subprocess.Popen(
        upgrading.command(), stdin=subprocess.DEVNULL, stdout=upgrading.output,
        stderr=upgrading.output, text=True)
    assert upgrading.process.wait(30) == 0
    old = upgrading.primary
    assert upgrading.ctl("upgrade").returncode == 0
    new = upgrading.wait_primary(old)
    upgrading.wait_gone(old)
    assert upgrading.get().body == b"hello world\n"
    stderr = os.readlink(f"/proc/{new}/fd/2")
    assert stderr == str(upgrading.log_file)
