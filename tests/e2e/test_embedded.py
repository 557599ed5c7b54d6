"""Without a configuration: hello world on 8000, and it says so. As a library:
the example of the README."""

import os
import pathlib
import signal
import socket
import subprocess
import sys

import pytest

import processes
import wire
from conftest import BINARY, PATIENCE, ROOT, wait_until


def _is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def port_8000():
    """The embedded configuration's port; one test at a time may have it."""
    import fcntl
    lock = open("/tmp/cohort-test-port-8000.lock", "w", encoding="utf-8")
    fcntl.flock(lock, fcntl.LOCK_EX)
    if not _is_free(8000):
        pytest.skip("port 8000 is taken by somebody else")
    yield 8000
    lock.close()


def _start(folder, *arguments):
    output = folder / "output"
    with open(output, "w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [str(BINARY), "-p", str(folder), *arguments],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})
    process.output = output
    return process


@pytest.fixture
def embedded(tmp_path, port_8000):
    process = _start(tmp_path)
    yield process
    if process.poll() is None:
        process.terminate()
        process.wait(PATIENCE)


def _get(port, path="/"):
    try:
        with wire.Connection("127.0.0.1", port) as connection:
            return connection.get(path)
    except (OSError, wire.Closed):
        return None


def test_hello_world(embedded):
    answer = wait_until(lambda: _get(8000), "an answer")
    assert answer.body == b"hello world\n"
    assert answer["content-type"].startswith("text/plain")
    workers = len(os.sched_getaffinity(0))
    wait_until(lambda: len(processes.children(embedded.pid, "worker")) ==
               workers, "a worker per CPU")


def test_it_says_where_and_what_next(embedded):
    text = wait_until(lambda: "Ctrl-C" in (
        text := embedded.output.read_text()) and text, "its last line")
    assert "http://127.0.0.1:8000/" in text
    assert "reload" in text
    assert str(embedded.pid) in text or "-s" in text
    (own,) = [line for line in text.splitlines() if "-c FILE" in line]
    assert "nginx's language" in own and "-t tells what is missing" in own


def _command(greeting, purpose):
    """What the greeting says to type for that."""
    before = greeting[:greeting.index("  " + purpose)]
    return before.rsplit("\n  ", 1)[1].strip()


def _run(folder, command, *arguments):
    """What a shell makes of a command that was printed."""
    return subprocess.run(
        ["/bin/sh", "-c", f'{command} "$@"', "sh", *arguments], text=True,
        capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "XDG_RUNTIME_DIR": str(folder)})


GROUP = "worker_group app {{ exec python3 {}; protocol listen_fds; listen 127.0.0.1:{}; }}"


@pytest.mark.parametrize("globals_, shown", [
    ("", 'return 200 "hello world\\n";'),
    ("worker_processes 1; # it's\n # all", 'return 200 "hello world\\n";'),
    (GROUP, "worker_group app {")])
def test_the_command_to_show_what_runs_works_as_printed(
        tmp_path, port_8000, free_port, globals_, shown):
    (tmp_path / "app.py").write_text("import signal\nsignal.pause()\n")
    own = f"pid {tmp_path}/a.pid; admin unix:{tmp_path}/a.sock;"
    globals_ = globals_.format(tmp_path / "app.py", free_port())
    process = _start(tmp_path, "-g", f"{own} {globals_}")
    try:
        text = wait_until(
            lambda: "Ctrl-C" in (text := process.output.read_text()) and text,
            "the greeting")
        told = _run(tmp_path, _command(text, "show the configuration"))
        assert told.returncode == 0, (text, told.stderr)
        assert shown in told.stdout
        assert f"# configuration of -g:\n{own} {globals_}" in told.stdout
        assert ("# embedded configuration:" in told.stdout) == \
            ("worker_group" not in globals_)
        runs = _run(tmp_path, str(BINARY), "ctl", "--socket",
                    f"{tmp_path}/a.sock", "config")
        assert runs.stdout == told.stdout, runs.stderr
        done = _run(tmp_path, _command(text, "load the configuration"))
        assert done.returncode == 0, done.stderr
    finally:
        process.terminate()
        process.wait(PATIENCE)


def test_without_g_it_is_shown_too(tmp_path, embedded):
    wait_until(lambda: _get(8000), "an answer")
    runs = _run(tmp_path, str(BINARY), "ctl", "-p", str(tmp_path), "config")
    assert runs.stdout.startswith("# embedded configuration:\nhttp {")
    assert runs.stdout == _run(
        tmp_path, str(BINARY), "-p", str(tmp_path), "-T").stdout


def test_c_to_a_missing_file_is_still_an_error(tmp_path):
    done = subprocess.run([str(BINARY), "-c", str(tmp_path / "none.conf")],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "none.conf" in done.stderr


def _example(name):
    path = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent)) / \
        "examples" / name
    if not path.exists():
        pytest.fail(f"{path} has not been built")
    return path


def test_the_example_of_the_readme(port_8000, tmp_path):
    process = subprocess.Popen([str(_example("hello"))], cwd=tmp_path,
                               stdin=subprocess.DEVNULL)
    try:
        assert wait_until(lambda: _get(port_8000), "an answer").body == \
            b"hello world\n"
        count = len(os.sched_getaffinity(0))
        wait_until(lambda: len(processes.descendants(process.pid)) >= count + 1,
                   "workers and template")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: _get(port_8000), "an answer after a reload")
    finally:
        process.send_signal(signal.SIGQUIT)
    assert process.wait(PATIENCE) == 0


def test_the_example_is_fifteen_lines():
    text = (ROOT / "examples" / "hello.c").read_text().strip()
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 15, "\n".join(code)
    if sys.flags.verbose:
        print(text)
