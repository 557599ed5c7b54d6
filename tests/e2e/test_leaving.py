"""How the server leaves: gently or at once, announced or not, and its status."""

import json
import os
import signal
import subprocess
import time

import pytest

import admin
import lasting
import load
import processes
import wire
from conftest import BINARY, PATIENCE, wait_until

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]
SIZE = 20_000_000
TERM_LIMIT_S = 1


def ctl(server, *words):
    return subprocess.run(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), *words],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL,
        check=False)


def with_download(server, main=""):
    """A client that has asked for something that takes until it reads on."""
    (server.folder / "big").write_bytes(bytes(SIZE))
    server.write(
        f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}", main)
    server.start()
    client = server.connect()
    client.request(path="/big")
    client.read_until(b"\r\n\r\n")
    return client


def _refused(server):
    return not wire.is_open(server.port)


# --- signals --------------------------------------------------------------------


@pytest.mark.quick
def test_term_drains_if_that_was_asked_for(server):
    with with_download(server, "term_signal graceful;") as client:
        server.signal(signal.SIGTERM)
        server.wait_log("quitting: finishing all requests")
        wait_until(lambda: _refused(server), "the port to be closed")
        assert len(client.read_exactly(SIZE)) == SIZE
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(server, second):
    with with_download(server, "term_signal graceful;"):
        server.signal(signal.SIGTERM)
        server.wait_log("quitting: finishing all requests")
        server.signal(second)
        assert server.process.wait(PATIENCE) == 0


def test_int_is_fast_even_so(server):
    with with_download(server, "term_signal graceful;"):
        server.signal(signal.SIGINT)
        assert server.process.wait(PATIENCE) == 0
    assert "quitting" not in server.log()


def test_one_process_alone_drains_as_well(server):
    (server.folder / "big").write_bytes(bytes(SIZE))
    server.write(
        f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}",
        "term_signal graceful; master_process off;")
    server.spawn()
    wait_until(lambda: not _refused(server), "it to serve")
    with server.connect() as client:
        client.request(path="/big")
        client.read_until(b"\r\n\r\n")
        server.signal(signal.SIGTERM)
        wait_until(lambda: _refused(server), "the port to be closed")
        assert len(client.read_exactly(SIZE)) == SIZE
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.alone
def test_term_takes_less_than_a_second_with_a_stopped_worker(server):
    server.write(main="worker_watchdog off;")
    server.start()
    os.kill(server.workers()[0], signal.SIGSTOP)
    server.signal(signal.SIGTERM)
    took = lasting.seconds_while(
        lambda: server.process.poll() is None, "the primary to leave")
    assert server.process.returncode == 0
    assert took < TERM_LIMIT_S


# --- what waits is answered first ---------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_answers_what_waits_in_the_queues(server, policy):
    """Its workers stand still while clients come: some are handed over already,
    some are in the kernel's queue."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;"
                      "worker_watchdog off;")
    server.start()
    workers = server.workers()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    clients = [server.connect() for _ in range(100)]
    for client in clients:
        client.request(connection="close")
    server.signal(signal.SIGQUIT)
    server.wait_log("quitting: finishing all requests")
    for pid in workers:
        os.kill(pid, signal.SIGCONT)
    for client in clients:
        assert client.response().status == 200
        client.close()
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("policy", POLICIES)
def test_quit_under_load_resets_nobody(server, policy):
    """Whoever gets in is answered; then the port is closed."""
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;")
    server.start()
    with load.Load(server.port, requests_per_connection=1) as run:
        wait_until(lambda: run.answered >= 200, "200 answers")
        server.signal(signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0
        tally = run.stop()
    assert not [lost for lost in tally.lost if "Refused" not in lost]


# --- who waits for something else -----------------------------------------------


def test_a_reload_that_waits_is_answered_when_the_server_leaves(server):
    """And not when the last of its clients has gone."""
    with with_download(server) as client:
        server.write(main="reload_canary 10% 1h;")
        reload = subprocess.Popen(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(server)),
             "reload"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        server.wait_log("generation 2 is on trial")
        server.signal(signal.SIGQUIT)
        _, error = reload.communicate(timeout=PATIENCE)
        assert reload.returncode == 1
        assert "the server leaves" in error
        assert processes.is_alive(server.pid)
        assert len(client.read_exactly(SIZE)) == SIZE
    assert server.process.wait(PATIENCE) == 0


# --- announced -------------------------------------------------------------------------


@pytest.mark.quick
def test_probes_are_told_first_and_requests_still_served(hello):
    family = [hello.pid, *processes.descendants(hello.pid)]
    assert admin.ask(hello, "GET", "/readyz").status == 200
    began = time.monotonic()
    quitting = subprocess.Popen(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(hello)), "quit",
         "--wait", "--not-ready-first", "3s"], stdout=subprocess.PIPE)
    wait_until(lambda: admin.ask(hello, "GET", "/readyz").status == 503,
               "the probe to fail")
    assert admin.get(hello, "/v1/status")["is_departing"] is True
    assert admin.ask(hello, "GET", "/healthz").status == 200
    assert hello.get().status == 200
    hello.wait_log("quitting in 3000 ms")
    quitting.communicate(timeout=PATIENCE)
    assert quitting.returncode == 0
    assert time.monotonic() - began >= 3
    assert not any(map(processes.is_alive, family[1:]))
    assert hello.process.wait(PATIENCE) == 0


def test_a_second_quit_does_not_wait_for_the_announced_one(hello):
    assert ctl(hello, "quit", "--no-wait",
               "--not-ready-first=1h").returncode == 0
    assert hello.get().status == 200
    assert ctl(hello, "quit").returncode == 0
    assert hello.process.wait(PATIENCE) == 0


def test_without_waiting_it_returns_while_a_request_runs(server):
    with with_download(server) as client:
        done = ctl(server, "quit", "--no-wait")
        assert (done.returncode, done.stdout) == (0, "the server leaves\n")
        assert processes.is_alive(server.pid)
        assert len(client.read_exactly(SIZE)) == SIZE
    assert server.process.wait(PATIENCE) == 0


def test_the_same_by_http(hello):
    answer = admin.ask(hello, "POST", "/v1/quit",
                       {"not_ready_first_ms": 3000, "wait": False})
    assert answer.status == 200
    assert admin.ask(hello, "GET", "/readyz").status == 503
    assert hello.process.wait(PATIENCE) == 0


@pytest.mark.quick
@pytest.mark.parametrize("body", [
    {"not_ready_first_ms": -1}, {"not_ready_first_ms": 3600001},
    {"not_ready_first_ms": "5s"}, {"wait": 1}, []])
def test_what_cannot_be_is_refused_and_nothing_happens(hello, body):
    answer = admin.ask(hello, "POST", "/v1/quit", body)
    assert answer.status == 422, answer.body
    assert "error" in json.loads(answer.body)
    assert admin.ask(hello, "GET", "/readyz").status == 200


@pytest.mark.quick
@pytest.mark.parametrize("words", [
    ["--not-ready-first"], ["--not-ready-first", "soon"], ["--soon"], ["now"]])
def test_a_wrong_command_line_is_refused(hello, words):
    done = ctl(hello, "quit", *words)
    assert done.returncode == 2
    assert done.stderr.startswith("cohort: [error] ")
    assert hello.get().status == 200


# --- the exit status ----------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGQUIT])
def test_status_0_after_an_orderly_end(hello, number):
    hello.signal(number)
    assert hello.process.wait(PATIENCE) == 0


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("number", [
    signal.SIGTERM, signal.SIGQUIT, signal.SIGUSR1, signal.SIGHUP])
def test_status_0_whatever_signals_come_until_the_process_is_gone(
        server, number, alone):
    server.write(main="master_process off;" if alone else "")
    server.spawn()
    server.wait_log("serving in one process" if alone else "serves on")
    server.signal(signal.SIGQUIT)
    end = time.monotonic() + PATIENCE
    while server.process.poll() is None and time.monotonic() < end:
        server.signal(number)  # until poll it is there, if only as a zombie
        time.sleep(0.0003)
    assert server.process.wait(PATIENCE) == 0


def test_status_0_also_when_the_time_to_drain_is_over(server):
    with with_download(server, "worker_shutdown_timeout 200ms;"):
        server.signal(signal.SIGQUIT)
        assert server.process.wait(PATIENCE) == 0


def test_status_1_if_it_never_served(server):
    server.may_alert = True
    server.write("lokation;")
    assert server.run().returncode == 1
    server.write("lokation;", main="daemon on;")
    assert server.run().returncode == 1
    assert server.run("-t").returncode == 1
    assert server.run("-s", "quit").returncode == 1
    server.write()
    assert server.run("-s", "quit").returncode == 1  # nobody is there
    assert server.run("-x").returncode == 1
    assert ctl(server, "quit").returncode == 1


@pytest.mark.parametrize("daemon", ["off", "on"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT,
                                    signal.SIGQUIT])
def test_status_1_if_it_is_told_to_leave_before_it_serves(
        server, number, daemon):
    """A template that waits for a fifo holds the start up."""
    fifo = server.folder / "slow.conf"
    os.mkfifo(fifo)
    server.write(main=f"daemon {daemon}; include {fifo};")
    server.spawn()
    with open(fifo, "w", encoding="utf-8"):
        pass  # for who looks for the mode to serve in
    template = wait_until(
        lambda: [pid for pid in processes.descendants(server.pid)
                 if "template" in processes.title(pid)], "the template")[0]
    primary = processes.parent(template)
    os.kill(primary, number)
    assert server.process.wait(PATIENCE) == 1
    wait_until(lambda: not processes.is_alive(primary), "the primary to leave")


def test_status_of_a_client_is_that_of_its_question(hello):
    assert ctl(hello, "status").returncode == 0
    assert ctl(hello, "kill", "99").returncode == 1
    assert ctl(hello, "dance").returncode == 2
    assert hello.get().status == 200
