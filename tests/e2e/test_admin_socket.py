"""Where the admin service listens, who may use it, and what becomes of it."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile

import pytest

import admin
import processes
import wire
from conftest import BINARY, Server, wait_until

NOBODY = 65534
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can")


@pytest.fixture
def open_server():
    """A server in a folder that everybody may enter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cohort-"))
    folder.chmod(0o755)
    one = Server(folder)
    yield one
    one.stop()
    shutil.rmtree(folder)


def helper(server):
    found = wait_until(lambda: processes.children(server.pid, "cohort: admin"),
                       "the admin helper")
    return found[0]


def ask_as(path, user, groups, request="GET /v1/status"):
    """The status that a process of another user gets; 0: it cannot connect."""
    pid = os.fork()
    if pid == 0:
        status = 255
        try:
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
            try:
                with admin.Connection(path) as connection:
                    connection.request(*request.split())
                    status = connection.response().status // 2
            except PermissionError:
                status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) * 2


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.quick
def test_the_socket_and_its_folder_are_ours_alone(hello):
    path = admin.path_of(hello)
    assert mode_of(path) == 0o600
    assert mode_of(path.parent) == 0o700
    hello.stop()
    assert not path.exists()


@pytest.mark.quick
@as_root
def test_the_helper_has_no_rights(open_server):
    open_server.write(main="user nobody;")
    open_server.start()
    assert admin.get(open_server, "/v1/status")["state"] == "serving"
    status = pathlib.Path(f"/proc/{helper(open_server)}/status").read_text()
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert set(fields["Uid"].split()) == {str(NOBODY)}
    assert set(fields["Gid"].split()) == {str(NOBODY)}
    assert int(fields["CapEff"], 16) == 0
    assert fields["NoNewPrivs"] == "1"


@as_root
def test_others_get_403_even_if_they_can_connect(open_server):
    open_server.write(main="admin unix:run/cohort.sock mode=0666;")
    open_server.start()
    path = admin.path_of(open_server)
    path.parent.chmod(0o755)
    assert mode_of(path) == 0o666
    for request in ("GET /v1/status", "POST /v1/reload", "GET /metrics"):
        assert ask_as(path, NOBODY, [], request) // 2 == 403 // 2
    assert ask_as(path, 0, []) == 200


@as_root
@pytest.mark.parametrize("mask", [0, 0o077])
def test_what_is_made_for_a_group_is_as_asked_whatever_the_umask(
        open_server, mask):
    group = 54321
    open_server.write(main=f"admin unix:run/deep/cohort.sock group={group};")
    before = os.umask(mask)
    try:
        open_server.start()
    finally:
        os.umask(before)
    path = open_server.folder / "run" / "deep" / "cohort.sock"
    for folder in (path.parent, path.parent.parent):
        assert (mode_of(folder), folder.stat().st_gid) == (0o750, group)
    assert (mode_of(path), path.stat().st_gid) == (0o660, group)
    assert ask_as(path, NOBODY, [group]) == 200
    assert ask_as(path, NOBODY, []) == 0


@as_root
def test_members_of_the_group_may_do_everything(open_server):
    group = 54321
    open_server.write(main=f"admin unix:run/cohort.sock group={group};")
    open_server.start()
    path = admin.path_of(open_server)
    assert (mode_of(path), path.stat().st_gid) == (0o660, group)
    assert (mode_of(path.parent), path.parent.stat().st_gid) == (0o750, group)
    assert ask_as(path, NOBODY, [group]) == 200
    assert ask_as(path, NOBODY, [group], "POST /v1/reload") == 200
    assert ask_as(path, NOBODY, []) == 0
    assert ask_as(path, NOBODY, [54322]) == 0
    many = list(range(60000, 60100)) + [group]
    assert ask_as(path, NOBODY, many) == 200


@as_root
def test_the_owner_may_do_everything(open_server):
    open_server.write(main=f"admin unix:run/cohort.sock owner={NOBODY};")
    open_server.start()
    path = admin.path_of(open_server)
    path.parent.chmod(0o755)
    assert path.stat().st_uid == NOBODY
    assert ask_as(path, NOBODY, []) == 200


@pytest.mark.quick
def test_a_read_only_address_has_metrics_and_probes_alone(server, free_port):
    port = free_port()
    server.write(main=f"admin 127.0.0.1:{port} read_only;")
    server.start()
    with wire.Connection("127.0.0.1", port) as connection:
        for path in ("/metrics", "/healthz", "/readyz"):
            assert connection.get(path).status == 200
        for path in ("/v1/status", "/v1/workers", "/v1/config", "/"):
            assert connection.get(path).status == 404
        connection.request("POST", "/v1/stop")
        assert connection.response().status == 404
    assert admin.get(server, "/v1/status")["state"] == "serving"


@pytest.mark.quick
@pytest.mark.parametrize("directive, error", [
    ("admin 127.0.0.1:9145;", "must be read_only"),
    ("admin 127.0.0.1:9145 read_only mode=0600;", "for unix: addresses"),
    ("admin unix:a.sock mode=9;", "permissions"),
    ("admin unix:a.sock mode=07777;", "permissions"),
    ("admin unix:a.sock group=no-such-group;", "unknown group"),
    ("admin unix:a.sock owner=no-such-user;", "unknown user"),
    ("admin unix:a.sock write_only;", "unknown parameter"),
    ("admin nowhere:x;", "admin address"),
    ("admin unix:;", 'no path after "unix:" in the admin address "unix:"'),
    ("admin off; admin unix:a.sock;", "stands beside"),
])
def test_a_bad_directive_is_refused(server, directive, error):
    server.write(main=directive)
    tested = server.run("-t")
    assert tested.returncode == 1
    assert error in tested.stderr
    assert "cohort.conf:1:" in tested.stderr


@pytest.mark.quick
def test_all_bad_words_are_told_at_once(server):
    server.write("""
        open_file_cache max=x inactive=y;
        output_buffers x y;
        types { text/a %s; text/b b %s; }
        server {
            listen 127.0.0.1:x sll backlog=x;
            disable_symlinks of form=/x;
        }""" % ("e" * 70 + " " + "f" * 70, "g" * 70), main="""
        admin nowhere:x mode=9 write_only;
        worker_group app {
            exec true; listen nowhere:x backlog=x nmae=x; stdio pip nul;
        }""")
    tested = server.run("-t")
    assert tested.returncode == 1
    for word in ("max=x", "inactive=y", "sll", "backlog=x", "of", "form=/x",
                 "write_only", "nmae=x", "pip", "nul"):
        assert f'"{word}"' in tested.stderr, word
    for what, count in (("permissions", 1),
                        ("extension longer than", 3), ("write a size", 1),
                        ("write a number\n", 1), ("address \"nowhere:x\"", 2),
                        ("takes a number from 1", 1)):
        assert tested.stderr.count(what) == count, what


@pytest.mark.quick
def test_off_means_no_socket_and_no_helper(server):
    server.write(main="admin off;")
    server.start()
    assert not admin.path_of(server).exists()
    assert not processes.children(server.pid, "cohort: admin")


@pytest.mark.quick
def test_a_reload_moves_the_socket(hello, free_port):
    process = helper(hello)
    port = free_port()
    before = admin.path_of(hello)
    after = hello.folder / "other" / "admin.sock"
    hello.write(main=f"admin unix:other/admin.sock; "
                     f"admin 127.0.0.1:{port} read_only;")
    assert admin.ask(hello, "POST", "/v1/reload").status == 200
    wait_until(lambda: not before.exists(), "the old socket to go")
    with admin.Connection(after) as connection:
        assert connection.get("/v1/status").status == 200
    with wire.Connection("127.0.0.1", port) as connection:
        assert connection.get("/healthz").status == 200
    assert helper(hello) == process  # one for all generations


@pytest.mark.quick
def test_a_reload_switches_it_off_and_on(hello):
    hello.write(main="admin off;")
    hello.signal(signal.SIGHUP)
    wait_until(lambda: not processes.children(hello.pid, "cohort: admin"),
               "the helper to leave")
    wait_until(lambda: not admin.path_of(hello).exists(),
               "its socket to be removed")
    hello.write()
    hello.signal(signal.SIGHUP)
    wait_until(lambda: admin.accepts(admin.path_of(hello)), "the socket")
    assert admin.get(hello, "/v1/status")["generation"] == 3


@pytest.mark.quick
def test_a_reload_that_fails_leaves_the_socket_alone(hello):
    hello.may_alert = True  # the errors
    hello.write(main="admin unix:other/admin.sock;",
                http="server { listen 256.0.0.1:80; }")
    assert admin.ask(hello, "POST", "/v1/reload").status == 422
    assert admin.get(hello, "/v1/status")["generation"] == 1
    assert not (hello.folder / "other").exists()


@pytest.mark.quick
def test_a_stale_socket_is_replaced(server):
    path = admin.path_of(server)
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server.write()
    server.start()
    assert admin.get(server, "/v1/status")["state"] == "serving"


@pytest.mark.quick
def test_the_socket_of_another_instance_is_left_alone(hello, free_port):
    """Nobody asked for it: the second instance goes without."""
    other = Server(hello.folder)
    other.configuration = hello.folder / "other.conf"
    other.pid_file = hello.folder / "other.pid"
    other.log_file = hello.folder / "other.log"
    other.write()
    other.start()
    assert "going on without it" in other.printed()
    assert not processes.children(other.pid, "cohort: admin")
    other.stop()
    assert admin.get(hello, "/v1/status")["pid"] == hello.pid


@pytest.mark.quick
def test_an_address_that_was_asked_for_must_be_had(server, free_port):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        server.write(main=f"admin 127.0.0.1:{port} read_only;")
        server.spawn()
        assert server.process.wait(20) == 1
    assert f"127.0.0.1:{port}" in server.printed()
    server.may_alert = True


def test_a_killed_helper_is_replaced(hello):
    hello.may_alert = True
    with admin.Events(hello, since=0) as events:
        told = events.until("reload_done")
        os.kill(helper(hello), signal.SIGKILL)
        with pytest.raises((EOFError, wire.Closed, ConnectionResetError)):
            while True:
                events.next()
    hello.wait_log("the admin helper .* ended with signal 9")
    assert admin.get(hello, "/v1/status")["state"] == "serving"
    with admin.Events(hello, since=0) as events:  # it knows what was before
        assert events.until("reload_done") == told
    assert hello.get().status == 200


def test_a_helper_that_dies_again_and_again_is_slowed_down(hello):
    hello.may_alert = True

    def is_slowed_down() -> object:
        process = helper(hello)
        os.kill(process, signal.SIGKILL)
        wait_until(lambda: not processes.is_alive(process), "its end")
        return re.search(r"starts in [1-9][0-9]* ms", hello.log())

    # After a few short lives, of which none may be longer than a second.
    wait_until(is_slowed_down, "a delay")
    hello.signal(signal.SIGHUP)  # nothing else minds
    hello.wait_log("generation 2 serves")
    wait_until(lambda: processes.children(hello.pid, "cohort: admin"),
               "the helper to come back")
    assert admin.get(hello, "/v1/status")["generation"] == 2


def test_a_stopped_helper_holds_nobody(hello):
    """A reload, a scaling and the end go on without it."""
    hello.may_alert = True  # of being stuck
    process = helper(hello)
    os.kill(process, signal.SIGSTOP)
    hello.signal(signal.SIGHUP)
    hello.wait_log("generation 2 serves")
    hello.signal(signal.SIGTTIN)
    wait_until(lambda: len(hello.workers()) == 3, "one worker more")
    hello.stop()


def test_clients_that_say_nothing_shut_nobody_out(hello):
    silent = [admin.Connection(admin.path_of(hello)) for _ in range(200)]
    assert admin.get(hello, "/v1/status")["state"] == "serving"
    for connection in silent:
        connection.close()


@pytest.mark.quick
def test_a_program_has_one_if_it_asks_for_it(tmp_path, free_port):
    """Its handlers are its own, the helper's are the admin service's."""
    build = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent))
    port, path = free_port(), tmp_path / "admin.sock"
    program = subprocess.Popen(
        [str(build / "tests" / "embed" / "admin"), str(port), str(path)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: admin.accepts(path), "the socket")
        with admin.Connection(path) as connection:
            status = json.loads(connection.get("/v1/status").body)
            assert status["pid"] == program.pid
            connection.request("POST", "/v1/reload")
            assert connection.response().status == 200
        with wire.Connection("127.0.0.1", port) as connection:
            assert connection.get().body == b"hello from a program\n"
            assert connection.get("/v1/status").body == \
                b"hello from a program\n"
    finally:
        program.send_signal(signal.SIGTERM)
        assert program.wait(20) == 0
    assert not path.exists()


@pytest.mark.quick
def test_garbage_is_refused(hello):
    for garbage in (b"\0\1\2\3\n\n", b"GET\r\n\r\n", b"A" * 100_000):
        with admin.Connection(admin.path_of(hello)) as connection:
            connection.send(garbage)
            connection.half_close()
            answer = connection.read_all()
        assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer
    assert json.loads(admin.ask(hello, "GET", "/v1/status").body)


def test_the_helper_leaves_with_a_killed_primary(hello):
    hello.may_alert = True
    process = helper(hello)
    hello.process.kill()
    hello.process.wait()
    wait_until(lambda: not processes.is_alive(process), "the helper to leave")
