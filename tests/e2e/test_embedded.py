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


@pytest.fixture
def embedded(tmp_path, port_8000):
    output = tmp_path / "output"
    with open(output, "w", encoding="utf-8") as sink:
        process = subprocess.Popen(
            [str(BINARY), "-p", str(tmp_path)], stdin=subprocess.DEVNULL, stdout=sink,
            stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    process.output = output
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
    wait_until(lambda: _get(8000), "an answer")
    text = embedded.output.read_text()
    assert "http://127.0.0.1:8000/" in text
    assert "reload" in text
    assert str(embedded.pid) in text or "-s" in text
    (own,) = [line for line in text.splitlines() if "-c FILE" in line]
    assert "nginx's language" in own and "-t tells what is missing" in own


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
