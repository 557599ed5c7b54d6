"""HUP: a new generation beside the old one, committed or dropped whole."""

import os
import signal

import pytest

import load
import processes
from conftest import wait_until

POLICIES = ["round_robin", "shared", "reuseport"]


def answering(text):
    return """
        server {
            listen 127.0.0.1:PORT;
            location / { return 200 "%s\\n"; }
        }""" % text


def reload_and_wait(server, text):
    server.write(answering(text))
    server.signal(signal.SIGHUP)
    wait_until(lambda: server.get().body == text.encode() + b"\n",
               f"{text!r} to be served")


@pytest.mark.quick
def test_a_new_configuration_is_served_and_the_old_workers_leave(server):
    server.write(answering("old"))
    server.start()
    old = server.workers()
    assert server.get().body == b"old\n"

    reload_and_wait(server, "new")

    wait_until(lambda: not any(map(processes.is_alive, old)),
               "the old workers to leave")
    assert len(server.workers()) == 2
    assert server.get().body == b"new\n"
    server.wait_log(r"\[notice\].*exited with code 0", 2)


def test_the_verdict_is_one_line_in_the_error_log(server):
    server.write(answering("one"))
    server.start()
    reload_and_wait(server, "two")
    server.wait_log(r"reload: .*generation 2")


@pytest.mark.quick
@pytest.mark.parametrize("broken", [
    "server { listen 127.0.0.1:PORT; lokation / { return 200 x; } }",
    "server { listen 127.0.0.1:PORT; location / { return 200 x; }",
    "server { listen 127.0.0.1:PORT; location / { return banana; } }",
    "server { listen 127.0.0.1:99999; }",
])
def test_a_broken_configuration_changes_nothing(server, broken):
    server.write(answering("kept"))
    server.start()
    before = server.workers()
    server.may_alert = True

    server.write(broken)
    server.signal(signal.SIGHUP)

    server.wait_log(r"cohort\.conf:\d+")
    server.wait_log(r"reload: ")
    assert server.workers() == before
    assert server.get().body == b"kept\n"


@pytest.mark.parametrize("text", ["", "worker_processes 2;\n", "events { }\n"])
def test_a_file_that_is_just_being_written_changes_nothing(server, text):
    """It would serve nothing."""
    server.write(answering("kept"))
    server.start()
    before = server.workers()
    server.may_alert = True
    server.configuration.write_text(text)
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: kept generation 1: .* serves nothing")
    assert server.workers() == before
    assert server.get().body == b"kept\n"


def test_a_missing_file_changes_nothing(server):
    server.write(answering("kept"))
    server.start()
    before = server.workers()
    server.may_alert = True
    os.unlink(server.configuration)
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: ")
    assert server.workers() == before
    assert server.get().body == b"kept\n"


@pytest.mark.parametrize("main, why", [
    (f"pid /{2100 * 'x/'}pid;", r"the path of the pid file has \d+ bytes; 4095"),
    (f"worker_group big {{ exec a {70 * (4000 * 'x' + ' ')}; }}",
     r'the texts of the worker group "big" .* have more than 262144 bytes'),
], ids=["path", "group"])
def test_what_is_too_long_to_be_told_changes_nothing(server, main, why):
    server.write(answering("kept"))
    server.start()
    before = server.workers()
    server.may_alert = True
    server.write(answering("lost"), main=main)
    server.signal(signal.SIGHUP)
    server.wait_log(rf"reload: kept generation 1: {why}")
    assert server.workers() == before
    assert server.get().body == b"kept\n"


def test_an_address_that_is_taken_changes_nothing(server, make_server):
    other = make_server()
    other.write(answering("other"))
    other.start()
    server.write(answering("kept"))
    server.start()
    server.may_alert = True

    server.write(answering("kept") +
                 f"server {{ listen 127.0.0.1:{other.port}; }}")
    server.signal(signal.SIGHUP)

    server.wait_log(rf"127\.0\.0\.1:{other.port}.*in use")
    assert server.get().body == b"kept\n"
    assert other.get().body == b"other\n"


def test_addresses_come_and_go(server, free_port):
    second = free_port()
    server.write(answering("a"))
    server.start()

    both = answering("b").replace(
        "listen 127.0.0.1:PORT;",
        f"listen 127.0.0.1:PORT; listen 127.0.0.1:{second};")
    server.write(both)
    server.signal(signal.SIGHUP)
    with_second = wait_until(
        lambda: _try_get(server, second), "the second address to be served")
    assert with_second.body == b"b\n"

    server.write(answering("c"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: not _try_get(server, second),
               "the second address to be closed")
    assert server.get().body == b"c\n"


def _try_get(server, port):
    import wire
    try:
        with wire.Connection("127.0.0.1", port) as connection:
            return connection.get()
    except (OSError, wire.Closed):
        return None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("per_connection", [1, None])
def test_nothing_is_lost_under_load(server, policy, per_connection):
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    with load.Load(server.port, requests_per_connection=per_connection) as run:
        for number in range(2, 8):
            server.signal(signal.SIGHUP)
            server.wait_log(rf"reload: .*generation {number}")
            goal = run.answered + 200
            wait_until(lambda: run.answered >= goal, "200 more answers")
        tally = run.stop()
    assert tally.lost == []
    assert tally.answered > 1000


def test_a_burst_of_hangups_collapses(server):
    server.write()
    server.start()
    for _ in range(50):
        server.signal(signal.SIGHUP)
    server.wait_log(r"reload: .*generation 2")
    wait_until(lambda: len(server.templates()) == 1 and
               len(server.workers()) == 2, "the reloads to settle")
    assert server.log().count("reload: ") <= 10
    assert server.get().status == 200


@pytest.mark.parametrize("before", POLICIES)
@pytest.mark.parametrize("after", POLICIES)
def test_the_policy_may_change(server, before, after):
    server.write(main=f"scheduling_policy {before};")
    server.start()
    with load.Load(server.port, threads=2, requests_per_connection=1) as run:
        server.write(main=f"scheduling_policy {after};")
        server.signal(signal.SIGHUP)
        server.wait_log(r"reload: .*generation 2")
        goal = run.answered + 100
        wait_until(lambda: run.answered >= goal, "100 more answers")
        tally = run.stop()
    assert tally.lost == []


def test_a_running_download_is_finished_by_the_old_worker(server):
    size = 30_000_000
    (server.folder / "big").write_bytes(bytes(size))
    http = f"""
        server {{
            listen 127.0.0.1:PORT;
            root {server.folder};
        }}"""
    server.write(http)
    server.start()
    with server.connect() as connection:
        connection.request(path="/big")
        connection.read_until(b"\r\n\r\n")
        server.signal(signal.SIGHUP)
        server.wait_log(r"reload: .*generation 2")
        assert len(connection.read_exactly(size)) == size


def test_reload_by_command(server):
    server.write(answering("old"))
    server.start()
    server.write(answering("new"))
    done = server.run("-s", "reload")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: server.get().body == b"new\n", "the new text")
