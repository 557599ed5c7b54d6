"""Reloads that come to nothing, one at a time, and who hears why."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess

import pytest

import admin
import dying_workers
import processes
import wire
from conftest import BINARY, IS_SANITIZED, PATIENCE, wait_until


def answering(text):
    return f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return 200 "{text}\\n"; }}
            location /big {{ alias FOLDER/big; }}
        }}"""


def start_ctl(server, *words):
    return subprocess.Popen(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ctl(server, *words):
    child = start_ctl(server, *words)
    out, error = child.communicate(timeout=60)
    return child.returncode, out, error


# --- one at a time ----------------------------------------------------------------


def test_those_who_ask_meanwhile_share_the_next_one(server):
    """A template that waits for a fifo holds the first reload up."""
    server.write()
    server.start()
    fifo = server.folder / "slow.conf"
    os.mkfifo(fifo)
    server.write(main=f"include {fifo};")
    with contextlib.ExitStack() as stack:
        asked = []

        def ask():
            asked.append(stack.enter_context(
                admin.Connection(admin.path_of(server))))
            asked[-1].request("POST", "/v1/reload")

        ask()
        server.wait_log("loading generation 2")
        for _ in range(3):
            ask()
        for _ in range(5):
            server.signal(signal.SIGHUP)
        for _ in range(5):  # by now all of them have come to the primary
            assert admin.get(server, "/v1/status")["loading"] == 2
        with open(fifo, "w", encoding="utf-8"):
            fifo.unlink()
            fifo.write_text("")
        assert [json.loads(one.response().body)["generation"]
                for one in asked] == [2, 3, 3, 3]
    assert "generation 4" not in server.log()


def test_reload_timeout_bounds_a_load(server):
    server.write(main="reload_timeout 300ms;")
    server.start()
    fifo = server.folder / "slow.conf"
    os.mkfifo(fifo)
    server.write(main=f"reload_timeout 300ms; include {fifo};")
    status, _, error = ctl(server, "reload")
    assert status == 1
    assert "reload_timeout is over before its configuration is loaded" in error
    assert server.get().status == 200
    wait_until(lambda: len(server.templates()) == 1, "the new one to be gone")


# --- last words -----------------------------------------------------------------------


@pytest.fixture
def dying(server):
    return dying_workers.prepare(server)


not_sanitized = pytest.mark.skipif(
    IS_SANITIZED, reason="a sanitizer wants to be loaded first")


@not_sanitized
@pytest.mark.parametrize("log", ["", "error_log stderr info;"])
def test_a_dying_worker_is_quoted_in_the_verdict(dying, log):
    dying.write(main=log)
    dying.start_dying(dying.start)
    before = dying.workers()
    dying.may_alert = True
    dying.last_words.write_text("noise\n" * 20000 +
                                "the table\tis missing\nat row 7\n")
    status, _, error = ctl(dying, "reload")
    assert status == 1
    assert "ended with signal 6, saying: " in error
    assert "the table?is missing|at row 7" in error
    assert len(error) < 1000
    assert dying.get().status == 200
    wait_until(lambda: dying.workers() == before, "the new ones to be gone")
    assert "at row 7\n" in dying.printed()  # passed on, too
    told = admin.get(dying, "/v1/status")["reload"]
    assert told["verdict"] == "failed" and "at row 7" in told["text"]

    answer = admin.ask(dying, "POST", "/v1/reload")
    assert answer.status == 500
    assert "at row 7" in json.loads(answer.body)["error"]

    dying.last_words.unlink()
    assert ctl(dying, "reload")[0] == 0


@not_sanitized
def test_a_start_with_dying_workers_fails_with_their_words(dying):
    dying.write()
    dying.may_alert = True
    dying.last_words.write_text("no room at the inn\n")
    dying.start_dying(dying.spawn)
    assert dying.process.wait(PATIENCE) == 1
    assert "saying: no room at the inn" in dying.log()
    assert "saying: no room at the inn" in dying.printed()
    assert not dying.pid_file.exists()


@not_sanitized
def test_a_worker_that_serves_speaks_as_before(dying):
    """Its standard error is the primary's again."""
    dying.write()
    dying.start_dying(dying.start)
    own = os.readlink(f"/proc/{dying.pid}/fd/2")
    for pid in dying.workers():
        assert os.readlink(f"/proc/{pid}/fd/2") == own
    admin.get(dying, "/v1/status")  # the helper is there, too
    before = processes.descriptors(dying.pid)
    for _ in range(3):
        assert ctl(dying, "reload")[0] == 0
    wait_until(lambda: processes.descriptors(dying.pid) <= before,
               "all pipes to be closed")


# --- old generations ----------------------------------------------------------------------


def test_one_too_many_is_refused_and_forced(server):
    """Each generation keeps a client that does not read on."""
    size = 30_000_000
    (server.folder / "big").write_bytes(bytes(size))
    text = answering("kept").replace("FOLDER", str(server.folder))
    server.write(text, main="max_old_generations 2;")
    server.start()
    clients = []

    def hold():
        client = server.connect()
        client.request(path="/big")
        client.read_until(b"\r\n\r\n")
        clients.append(client)

    for _ in range(2):
        hold()
        assert ctl(server, "reload")[0] == 0
    hold()

    status, _, error = ctl(server, "reload")
    assert status == 1
    assert "2 old generations still finish requests" in error
    assert "max_old_generations is 2" in error and "--force" in error
    assert admin.get(server, "/v1/status")["generation"] == 3
    server.signal(signal.SIGHUP)
    server.wait_log("reload: kept generation 3: 2 old generations", 2)

    status, out, _ = ctl(server, "reload", "--force")
    assert status == 0 and "generation 4 serves" in out
    server.wait_log("ending generation 1 at once")
    with pytest.raises((OSError, wire.Closed)):
        clients[0].read_exactly(size)
    for client in clients[1:]:  # only the oldest was cut
        assert len(client.read_exactly(size)) == size
    for client in clients:
        client.close()
    wait_until(lambda: len(server.templates()) == 1 and
               len(server.workers()) == 2, "the old ones to leave")
    assert ctl(server, "reload")[0] == 0


@pytest.mark.quick
def test_wrong_words_of_a_reload(hello):
    status, _, error = ctl(hello, "reload", "--gently")
    assert status == 2 and "--force" in error
    assert admin.ask(hello, "POST", "/v1/reload", {"force": 1}).status == 422
    assert admin.get(hello, "/v1/status")["generation"] == 1


@pytest.mark.parametrize("value", ["0", "9", "many"])
def test_a_number_of_generations_that_cannot_be(server, value):
    server.write(main=f"max_old_generations {value};")
    done = server.run("-t")
    assert done.returncode == 1
    assert "max_old_generations" in done.stderr
