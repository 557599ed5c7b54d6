"""reload_canary: a share of the connections first, then all of them or none."""

import contextlib
import os
import re
import signal
import subprocess
import time

import pytest

import admin
import load
import processes
from conftest import BINARY, PATIENCE, wait_until
from trouble import trouble  # noqa: F401

POLICIES = ["round_robin", "least_conn"]


def answering(status, text):
    return f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return {status} "{text}\\n"; }}
        }}"""


def main(policy="round_robin", canary="20% 2s"):
    return (f"worker_processes 2; scheduling_policy {policy};"
            f"reload_canary {canary};")


def reload_in_background(server, *words):
    return subprocess.Popen(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(server)), "reload",
         *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def answers(server, count):
    """What so many connections get."""
    found = {}
    for _ in range(count):
        answer = server.get()
        found[answer.body] = found.get(answer.body, 0) + 1
    return found


def read_later(server, count, seconds):
    """How long the bodies are that so many clients read after that time."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(count)]
        for client in clients:
            client.request(path="/big")
        heads = [client.read_until(b"\r\n\r\n") for client in clients]
        time.sleep(seconds)
        lengths = [int(re.search(rb"Content-Length: (\d+)", head)[1])
                   for head in heads]
        for client, length in zip(clients, lengths):
            client.read_exactly(length)
    return lengths


@pytest.mark.parametrize("policy", POLICIES)
def test_a_good_generation_gets_its_share_and_then_all(server, policy):
    server.write(answering(200, "old"), main(policy))
    server.start()
    server.write(answering(200, "new"), main(policy, "20% 5s"))
    with admin.Events(server) as events:
        reload = reload_in_background(server)
        told = events.until("reload_canary")[-1]
        assert told["generation"] == 2
        assert told["text"] == "gets 20 of 100 new connections for 5000 ms"
        assert answers(server, 100) == {b"old\n": 80, b"new\n": 20}
        out, _ = reload.communicate(timeout=PATIENCE)
        assert reload.returncode == 0
        assert "; the canary does well: 0 of its 20 requests failed" in out
        assert "of the old generation 0 of 80" in out
        events.until("reload_done")
    assert answers(server, 20) == {b"new\n": 20}
    wait_until(lambda: len(server.workers()) == 2, "the old ones to leave")


@pytest.mark.quick
@pytest.mark.parametrize("policy", POLICIES)
def test_one_that_answers_500_is_rolled_back(server, policy):
    server.write(answering(200, "old"), main(policy))
    server.start()
    before = server.workers()
    server.write(answering(500, "new"), main(policy, "10% 1h"))
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    statuses = []
    while reload.poll() is None and len(statuses) < 2000:
        statuses.append(server.get().status)
    _, error = reload.communicate(timeout=PATIENCE)
    assert reload.returncode == 1
    assert "the canary fails too often: " in error
    assert statuses.count(500) >= 3
    assert statuses.count(500) <= len(statuses) / 10
    server.wait_log("reload: kept generation 1: the canary fails too often")
    assert answers(server, 20) == {b"old\n": 20}
    wait_until(lambda: server.workers() == before, "the new ones to leave")
    assert admin.get(server, "/v1/status")["generation"] == 1


@pytest.mark.parametrize("policy", POLICIES)
def test_nothing_is_lost_by_a_promotion_nor_by_a_roll_back(server, policy):
    server.write(answering(200, "same"), main(policy, "30% 1s"))
    server.start()
    with load.Load(server.port, requests_per_connection=1,
                   expected=b"same\n") as run:
        for number in (2, 3):
            server.signal(signal.SIGHUP)
            server.wait_log(rf"reload: generation {number} serves")
        server.write(answering(200, "same"), main(policy, "30% 1h"))
        server.signal(signal.SIGHUP)
        server.wait_log("generation 4 is on trial")
        goal = run.answered + 200
        wait_until(lambda: run.answered >= goal, "200 more answers")
        newest = server.workers()[-1]
        server.may_alert = True
        os.kill(newest, signal.SIGTERM)
        server.wait_log("reload: kept generation 3: its worker")
        goal = run.answered + 200
        wait_until(lambda: run.answered >= goal, "200 more answers")
        tally = run.stop()
    assert len(tally.lost) <= 4  # what was inside the worker that was ended
    wait_until(lambda: len(server.workers()) == 2, "the others to leave")


@pytest.mark.parametrize("policy", POLICIES)
def test_one_that_is_too_slow_is_rolled_back(server, policy):
    """Its responses are longer than a socket takes at once, and clients read
    them a little later; those of the old one take no time."""
    size = 2_000_000
    (server.folder / "big").write_bytes(bytes(size))
    http = f"""
        server {{
            listen 127.0.0.1:PORT sndbuf=64k;
            location /big {{ HOW; }}
        }}"""
    server.write(http.replace("HOW", "return 200 x"), main(policy))
    server.start()
    before = server.workers()
    server.write(http.replace("HOW", f"root {server.folder}"),
                 main(policy, "50% 4s"))
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    lengths = read_later(server, 24, 0.3)
    assert sorted(lengths) == [1] * 12 + [size] * 12
    assert reload.poll() is None, "the trial was too short for this machine"
    _, error = reload.communicate(timeout=PATIENCE)
    assert reload.returncode == 1
    assert "the canary is too slow: 0 of its 12 requests failed" in error
    assert "of the old generation 0 of 12, " in error
    server.wait_log("reload: kept generation 1: the canary is too slow")
    wait_until(lambda: server.workers() == before, "the new ones to leave")


def test_a_crash_rolls_it_back(server):
    server.write(answering(200, "old"), main())
    server.start()
    before = server.workers()
    server.may_alert = True
    server.write(answering(200, "new"), main(canary="10% 1h"))
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    os.kill(server.workers()[-1], signal.SIGKILL)
    _, error = reload.communicate(timeout=PATIENCE)
    assert reload.returncode == 1
    assert "ended with signal 9" in error
    wait_until(lambda: server.workers() == before, "the other one to leave")
    assert answers(server, 20) == {b"old\n": 20}


def test_a_request_that_runs_when_it_is_rolled_back_is_finished(server):
    size = 20_000_000
    (server.folder / "big").write_bytes(bytes(size))
    http = f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return STATUS x; }}
            location /big {{ root {server.folder}; }}
        }}"""
    server.write(http.replace("STATUS", "200"), main())
    server.start()
    server.write(http.replace("STATUS", "500"), main(canary="99% 1h"))
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    assert server.get().status == 200  # the hundredth part comes first
    with server.connect() as client:
        client.request(path="/big")
        client.read_until(b"\r\n\r\n")
        while reload.poll() is None:
            server.get()
        assert reload.returncode == 1
        reload.communicate()
        assert len(client.read_exactly(size)) == size
    wait_until(lambda: len(server.workers()) == 2, "the new ones to leave")


@pytest.mark.quick
@pytest.mark.parametrize("policy", POLICIES)
def test_one_that_takes_connections_and_answers_nothing_is_rolled_back(
        server, policy):
    server.write(answering(200, "old"), main(policy))
    server.start()
    server.write(answering(200, "new"), main(policy, "99% 3s"))
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    assert server.get().body == b"old\n"  # the hundredth part comes first
    clients = [server.connect() for _ in range(4)]
    for client in clients:
        client.send(b"GET / HTTP/1.1\r\n")
    _, error = reload.communicate(timeout=PATIENCE)
    assert reload.returncode == 1
    assert "the canary hangs: it has 4 connections and has answered" in error
    for client in clients:
        client.close()
    wait_until(lambda: len(server.workers()) == 2, "the new ones to leave")


def test_one_whose_clients_give_up_is_rolled_back(trouble):
    """They went without an answer: that is none."""
    trouble.write("reload_canary 99% 1h;")
    trouble.start()
    reload = reload_in_background(trouble)
    trouble.wait_log("generation 2 is on trial")
    assert trouble.get().status == 200  # the hundredth part comes first
    for _ in range(3):
        with trouble.connect() as client:
            client.request(path="/wait")
    _, error = reload.communicate(timeout=PATIENCE)
    assert reload.returncode == 1
    assert "fails too often: 3 of its 3 requests failed" in error
    trouble.wait_log("reload: kept generation 1")
    metrics = admin.ask(trouble, "GET", "/metrics").body
    assert b"\ncohort_http_unanswered_total 3\n" in metrics
    wait_until(lambda: len(trouble.workers()) == 2, "the new ones to leave")


def test_one_whose_workers_hang_is_rolled_back(server):
    """What they were offered is answered by the old ones."""
    watch = "worker_watchdog off;"
    server.write(answering(200, "old"), main() + watch)
    server.start()
    before = server.workers()
    server.write(answering(200, "new"), main(canary="99% 4s") + watch)
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    stopped = [pid for pid in server.workers() if pid not in before]
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    assert server.get().body == b"old\n"
    with server.connect() as client:
        client.request()
        _, error = reload.communicate(timeout=PATIENCE)
        assert reload.returncode == 1
        assert "the canary hangs: " in error
        assert client.response().body == b"old\n"
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: server.workers() == before, "the new ones to leave")


def test_one_that_was_rolled_back_counts_as_old_while_it_has_clients(server):
    size = 20_000_000
    (server.folder / "big").write_bytes(bytes(size))
    http = f"""
        server {{
            listen 127.0.0.1:PORT;
            location / {{ return STATUS x; }}
            location /big {{ root {server.folder}; }}
        }}"""
    few = "max_old_generations 1;"
    server.write(http.replace("STATUS", "200"), main() + few)
    server.start()
    server.write(http.replace("STATUS", "500"), main(canary="99% 1h") + few)
    reload = reload_in_background(server)
    server.wait_log("generation 2 is on trial")
    assert server.get().status == 200
    with server.connect() as client:
        client.request(path="/big")
        client.read_until(b"\r\n\r\n")
        while reload.poll() is None:
            server.get()
        assert reload.returncode == 1
        reload.communicate()
        server.write(http.replace("STATUS", "200"), few)
        _, error = reload_in_background(server).communicate(timeout=PATIENCE)
        assert "1 old generation still finishes requests" in error
        forced = reload_in_background(server, "--force")
        forced.communicate(timeout=PATIENCE)
        assert forced.returncode == 0
    server.wait_log("ending generation 2 at once")


def test_without_requests_it_is_promoted(server):
    server.write(answering(200, "old"), main(canary="10% 200ms"))
    server.start()
    done = server.run("-s", "reload")
    assert done.returncode == 0
    assert "the canary had no request to be judged by" in done.stdout


@pytest.mark.parametrize("policy", ["shared", "reuseport"])
def test_where_workers_accept_by_themselves_there_is_no_trial(server, policy):
    server.write(answering(200, "old"), main(policy))
    server.start()
    server.write(answering(200, "new"), main(policy))
    tested = server.run("-t")
    assert tested.returncode == 0
    assert ('[warn] "reload_canary" is not obeyed: workers accept by themselves '
            f"at 127.0.0.1:{server.port} (policy {policy})") in tested.stderr
    with admin.Events(server) as events:
        out, _ = reload_in_background(server).communicate(timeout=PATIENCE)
        told = events.until("reload_done")[-1]
    why = "; no trial (reload_canary): workers accept by themselves"
    assert why in out
    assert why in told["text"]
    server.wait_log(r"\[warn\].*no trial for generation 2: workers accept by")
    server.wait_log("reload: generation 2 serves")
    wait_until(lambda: answers(server, 5) == {b"new\n": 5}, "the new ones")


def test_without_an_address_that_both_have_there_is_no_trial(server, free_port):
    server.write(answering(200, "old"), main())
    server.start()
    server.write(
        answering(200, "new").replace("PORT", str(free_port())), main())
    tested = server.run("-t")
    assert "reload_canary" not in tested.stderr  # which cannot be known there
    out, _ = reload_in_background(server).communicate(timeout=PATIENCE)
    assert "; no trial (reload_canary): both generations have no address" in out


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_the_server_can_leave_in_between(server, number):
    server.write(answering(200, "old"), main(canary="50% 1h"))
    server.start()
    family = [server.pid, *processes.descendants(server.pid)]
    server.signal(signal.SIGHUP)
    server.wait_log("generation 2 is on trial")
    family += processes.descendants(server.pid)
    with server.connect() as client:
        client.get()
        server.signal(number)
        assert server.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")


def test_another_reload_waits_for_the_verdict(server):
    server.write(answering(200, "old"), main(canary="50% 500ms"))
    server.start()
    server.signal(signal.SIGHUP)
    server.wait_log("generation 2 is on trial")
    second = reload_in_background(server)
    out, _ = second.communicate(timeout=PATIENCE)
    assert "generation 3 serves" in out
    server.wait_log("reload: generation 2 serves")


@pytest.mark.quick
@pytest.mark.parametrize("value", ["on", "10%", "0% 5s", "100% 5s", "10 5s",
                                   "10% 50ms", "10% soon", "% 5s"])
def test_what_is_no_share_or_time(server, value):
    server.write(main=f"reload_canary {value};")
    done = server.run("-t")
    assert done.returncode == 1
    assert '"reload_canary" takes' in done.stderr
