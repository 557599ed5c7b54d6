"""worker_sandbox: what the kernel refuses to a worker, and that serving needs
none of it. (tests/README.md: how to run all these tests in a sandbox.)"""

import ctypes
import os
import pathlib
import signal
import socket
import subprocess

import pytest

import admin
import processes
import wire
from conftest import BINARY, IS_SANITIZED, PATIENCE, wait_until

PROGRAM = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent)) / (
    "tests/embed/sandbox")
LANDLOCK_CREATE_RULESET = 444


def landlock_version():
    libc = ctypes.CDLL(None)
    return libc.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)


def has_filter():
    version = subprocess.run(
        [BINARY, "-V"], capture_output=True, text=True, check=True)
    return "built with libseccomp" in version.stdout + version.stderr


needs_landlock = pytest.mark.skipif(
    IS_SANITIZED or landlock_version() < 6,
    reason="sanitized, or the kernel has no Landlock with scopes")
needs_filter = pytest.mark.skipif(
    IS_SANITIZED or not has_filter(), reason="sanitized, or no libseccomp")


@pytest.fixture
def tempted(tmp_path, free_port):
    """Starts a program whose worker tries what it should not."""
    started = []

    def start(directives=""):
        port = free_port()
        process = subprocess.Popen(
            [PROGRAM, str(port), f"user root root; {directives}"], cwd=tmp_path,
            stdin=subprocess.DEVNULL)
        started.append(process)
        wait_until(lambda: processes.children(process.pid, "worker"), "a worker")
        wait_until(lambda: can_connect(port), "the port")
        return port

    yield start
    for process in started:
        process.terminate()
        assert process.wait(PATIENCE) == 0


def can_connect(port):
    try:
        wire.Connection("127.0.0.1", port).close()
    except ConnectionRefusedError:
        return False
    return True


def get(port, path):
    with wire.Connection("127.0.0.1", port) as connection:
        return connection.get(path).body.decode()


def attempts(port):
    return dict(line.split() for line in get(port, "/try").splitlines())


def test_what_programs_do_is_their_business(tempted):
    tried = attempts(tempted())
    # Root's primary has more rights than its workers.
    assert tried.pop("trace") == ("EPERM" if os.getuid() == 0 else "done")
    assert tried.pop("listen") == "EBADF"
    assert set(tried.values()) == {"done"}


@needs_landlock
def test_basic_refuses_to_execute_write_bind_signal_and_trace(tempted):
    port = tempted("worker_sandbox basic;")
    assert attempts(port) == {
        "fork": "done", "exec": "EACCES", "trace": "EPERM", "signal": "EPERM",
        "socket": "done", "bind": "EACCES", "listen": "EBADF",
        "write": "EACCES", "mkdir": "EACCES", "code": "done", "limit": "done",
        "namespace": "done",
    }
    assert get(port, "/read?/etc/passwd") == "done"


@needs_filter
def test_log_refuses_no_more_than_basic(tempted):
    assert attempts(tempted("worker_sandbox log;")) == attempts(
        tempted("worker_sandbox basic;"))


@needs_filter
@needs_landlock
def test_on_refuses_every_call_that_serving_needs_not(tempted):
    tried = attempts(tempted("worker_sandbox on;"))
    assert tried.pop("write") == "EACCES"
    assert set(tried.values()) == {"ENOSYS"}


@needs_filter
@needs_landlock
def test_on_reads_below_roots_and_named_paths_alone(server):
    """Through a worker of the server itself; what is outside is as if it were
    not to be read (403)."""
    for name in ("root", "alias", "extra", "outside"):
        (server.folder / name).mkdir()
        (server.folder / name / "file").write_text(name)
    for name in ("extra", "outside"):
        (server.folder / "root" / name).symlink_to(server.folder / name)
    server.write(
        main=f"worker_sandbox on {server.folder}/extra;",
        http=f"""
        server {{
            listen 127.0.0.1:PORT;
            root {server.folder}/root;
            location /alias/ {{ alias {server.folder}/alias/; }}
            location /host/ {{ root {server.folder}/$host; }}
        }}""")
    server.start()
    assert server.get("/file").body == b"root"
    assert server.get("/alias/file").body == b"alias"
    assert server.get("/extra/file").body == b"extra"
    server.write(
        main="worker_sandbox on;",
        http=f"""
        server {{
            listen 127.0.0.1:PORT;
            root {server.folder}/root;
            location /alias/ {{ alias {server.folder}/alias/; }}
        }}""")
    server.run("-s", "reload", check=True)
    assert server.get("/alias/file").body == b"alias"
    assert server.get("/outside/file").status == 403


@needs_filter
@needs_landlock
def test_a_root_with_a_variable_is_open_from_before_it_on(server):
    (server.folder / "sites" / "127.0.0.1").mkdir(parents=True)
    (server.folder / "sites" / "127.0.0.1" / "file").write_text("mine")
    server.write(
        main="worker_sandbox on;",
        http=f"""server {{ listen 127.0.0.1:PORT;
                 root {server.folder}/sites/$host; }}""")
    server.start()
    assert server.get("/file", Host="127.0.0.1").body == b"mine"


@needs_filter
@needs_landlock
@pytest.mark.parametrize("mode", ["off", "on"])
def test_a_request_too_many_costs_nothing_of_the_last_response(server, mode):
    """A worker that closes sees that the client has sent more, and waits until
    it has read the response, of which a lot stands in the worker's socket."""
    size = 20_000_000
    (server.folder / "root").mkdir()
    (server.folder / "root" / "big").write_bytes(bytes(size))
    server.write(
        main=f"worker_sandbox {mode};",
        http=f"""
        keepalive_requests 1;
        server {{ listen 127.0.0.1:PORT; root {server.folder}/root; }}""")
    server.start()
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.settimeout(wire.TIMEOUT)
        client.connect(("127.0.0.1", server.port))
        request = b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n"
        client.sendall(request)
        got = bytearray(client.recv(4096))
        client.sendall(request)  # while the worker writes, and reads nothing
        while data := client.recv(65536):
            got += data
    head, _, body = got.partition(b"\r\n\r\n")
    assert b"Connection: close" in head
    assert len(body) == size


@needs_filter
def test_the_mode_is_seen_from_outside(server):
    """By the status, and by what the kernel says of each process."""
    filters = {"off": "0", "basic": "0", "log": "2", "on": "2"}
    server.write(main="worker_sandbox off;")
    server.start()
    for mode, filtered in filters.items():
        server.write(main=f"worker_sandbox {mode};")
        server.run("-s", "reload", check=True)
        status = admin.get(server, "/v1/status")
        assert status["settings"]["worker_sandbox"] == mode
        for worker in admin.workers(server):
            if worker["generation"] == status["generation"]:
                assert seccomp(worker["pid"]) == filtered
        assert seccomp(server.pid) == seccomp(server.templates()[-1]) == "0"


def leaves_core_files_in_their_folder():
    pattern = pathlib.Path("/proc/sys/kernel/core_pattern").read_text()
    return not pattern.startswith(("|", "/"))


@needs_landlock
@pytest.mark.skipif(not leaves_core_files_in_their_folder(),
                    reason="core files go elsewhere here")
@pytest.mark.parametrize("mode", ["basic", "on"])
def test_core_files_are_written_where_somebody_asked_for_them(server, mode):
    if mode == "on" and not has_filter():
        pytest.skip("no libseccomp")
    server.may_alert = True
    folder = server.folder / "cores"
    folder.mkdir()
    server.write(main=f"""worker_sandbox {mode}; worker_rlimit_core 500m;
                          working_directory {folder};""")
    server.start()
    server.get()
    os.kill(server.workers()[0], signal.SIGSEGV)
    wait_until(lambda: list(folder.iterdir()), "a core file")
    assert server.get().status == 200


def seccomp(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return dict(line.split(":\t", 1) for line in text.splitlines())["Seccomp"]


def test_what_cannot_be_is_told(server):
    for line, why in (
            ("worker_sandbox maybe;", 'it must be "off", "basic", "log"'),
            ("worker_sandbox off /srv;", 'behind "on" alone')):
        server.write(main=line)
        told = server.run("-t").stderr
        assert why in told
