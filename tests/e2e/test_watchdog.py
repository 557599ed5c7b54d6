"""A worker that does not come back to its event loop, or does not run at all, is
out of rotation at once, replaced, asked what it does, and ended."""

import os
import re
import signal
import time

import pytest

import admin
import dying_workers
import load
import processes
import tracing
from conftest import IS_SANITIZED, wait_until
from trouble import trouble  # noqa: F401

POLICIES = ["round_robin", "least_conn", "shared", "reuseport"]


def _until(events, name, **members):
    """All events up to the first of that name with those members."""
    seen = []
    while True:
        seen.append(events.next())
        if seen[-1]["event"] == name and all(
                seen[-1].get(key) == value for key, value in members.items()):
            return seen


def _hang(server, milliseconds=600000):
    """A request that holds its worker."""
    connection = server.connect()
    connection.request(path=f"/spin?{milliseconds}")
    return connection


@pytest.mark.parametrize("policy", POLICIES)
def test_a_hanging_worker_is_replaced_told_and_killed(trouble, policy):
    trouble.write(f"scheduling_policy {policy}; worker_watchdog 1s;")
    trouble.start()
    trouble.may_alert = True
    with admin.Events(trouble) as events:
        began = time.monotonic()
        connection = _hang(trouble)
        seen = _until(events, "exit")
    took = time.monotonic() - began
    connection.close()
    by_name = {event["event"]: event for event in seen}
    stuck, ended = by_name["stuck"], by_name["exit"]
    assert stuck["worker"] == ended["worker"]
    assert "doing GET /spin?600000 HTTP/1.1" in stuck["text"]
    assert ended["reason"] == "stuck" and not ended["exitedAfterDisconnect"]
    # TERM waits for a loop that does not turn; ABRT ends it.
    assert ended["signal"] == signal.SIGABRT
    assert 1.9 <= took <= 8, took
    # Its successor serves before the first signal: the others were two again.
    order = [event["event"] for event in seen]
    assert order.index("stuck") < order.index("listening") < order.index("exit")
    for _ in range(20):
        assert trouble.get().status == 200


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer has the stack")
def test_its_stack_is_in_the_log(trouble):
    trouble.write("worker_watchdog 500ms;")
    trouble.start()
    trouble.may_alert = True
    connection = _hang(trouble)
    trouble.wait_log(r"\[alert\].*worker \d is stuck|is stuck: it has not come")
    trouble.wait_log(r"\[alert\] \d+#\d+: worker \d was asked what it is "
                     r"doing: GET /spin\?600000 HTTP/1\.1, in this turn of its "
                     r"loop for \d+ ms")

    def frames():
        return re.findall(
            r"\[alert\] \d+#\d+: stack #(\d+) (\S+)\+0x[0-9A-F]+",
            trouble.log())

    wait_until(lambda: len(frames()) > 5 and
               "trouble" in {module for _, module in frames()}, "its stack")
    assert frames()[0][0] == "0"
    connection.close()


def test_others_serve_while_one_hangs(trouble):
    trouble.write("worker_processes 2; worker_watchdog 600ms;")
    trouble.start()
    trouble.may_alert = True
    with admin.Events(trouble) as events:
        connection = _hang(trouble)
        with load.Load(trouble.port, 2, requests_per_connection=1) as run:
            _until(events, "exit")
            goal = run.answered + 50
            wait_until(lambda: run.answered >= goal, "50 more answers")
            tally = run.stop()
    connection.close()
    print(f"{len(tally.lost)} of {tally.answered} requests lost")
    assert not tally.lost


def test_successors_that_die_at_once_slow_down(server):
    dying_workers.prepare(server)
    server.write(main="worker_processes 1; worker_watchdog 3s;")
    server.start_dying(server.start)
    server.may_alert = True
    worker = server.workers()[0]
    server.last_words.write_text("no\n")
    with admin.Events(server) as events:
        os.kill(worker, signal.SIGSTOP)
        seen = events.until("crash_loop") + events.until("crash_loop")
    told = [one["delay_ms"] for one in seen if one["event"] == "crash_loop"]
    assert 100 <= told[0] < told[1]
    forks = [one for one in seen if one["event"] == "fork"]
    assert len(forks) == 6  # four are free
    assert worker not in [one["pid"] for one in seen if one["event"] == "exit"]


def test_one_that_comes_back_finishes_its_request_and_leaves(trouble):
    trouble.write("worker_processes 1; worker_watchdog 4s;")
    trouble.start()
    trouble.may_alert = True  # of being stuck, not of being killed
    with admin.Events(trouble) as events:
        connection = _hang(trouble, 5000)  # stuck at 4 s, ended at 6
        assert connection.response().body == b"hello world\n"
        connection.close()
        seen = _until(events, "exit")
    assert "stuck" in [event["event"] for event in seen]
    assert seen[-1]["code"] == 0 and seen[-1]["reason"] == "stuck"


def test_off_leaves_it_alone(trouble):
    trouble.write("worker_processes 1; worker_watchdog off;")
    trouble.start()
    with trouble.connect() as connection:
        connection.request(path="/spin?1500")
        assert connection.response().status == 200
    assert "stuck" not in trouble.log()


def test_idle_workers_are_well(trouble):
    trouble.write("worker_processes 2; worker_watchdog 300ms;")
    trouble.start()
    trouble.may_alert = True  # of the one that is ended
    before = trouble.workers()
    with admin.Events(trouble) as events:
        time.sleep(1.5)  # nothing may happen
        os.kill(before[0], signal.SIGTERM)
        seen = _until(events, "exit")
    assert "stuck" not in [event["event"] for event in seen]
    assert before[1] in trouble.workers()


@pytest.mark.quick
@pytest.mark.parametrize("policy", POLICIES)
def test_a_stopped_worker_is_replaced_at_once(server, policy):
    server.write(main=f"scheduling_policy {policy}; worker_processes 2;"
                 "worker_watchdog 2s;")
    server.start()
    server.may_alert = True
    stopped = server.workers()[0]
    with admin.Events(server) as events, load.Load(
            server.port, 2, requests_per_connection=1) as run:
        began = time.monotonic()
        os.kill(stopped, signal.SIGSTOP)
        seen = _until(events, "listening")
        assert time.monotonic() - began < 2
        seen += _until(events, "exit", pid=stopped)
        took = time.monotonic() - began
        tally = run.stop()
    by_name = {event["event"]: event for event in seen}
    assert "it is stopped" in by_name["stuck"]["text"]
    assert by_name["exit"]["signal"] == signal.SIGKILL
    assert 4.9 <= took <= 12, took
    # Only what was inside it: two threads, at most.
    print(f"{len(tally.lost)} of {tally.answered} requests lost")
    assert len(tally.lost) <= 2


def test_a_stopped_worker_that_goes_on_is_not_killed(server):
    server.write(main="worker_processes 2; worker_watchdog 3s;")
    server.start()
    server.may_alert = True
    stopped = server.workers()[0]
    with admin.Events(server) as events:
        os.kill(stopped, signal.SIGSTOP)
        _until(events, "listening")
        os.kill(stopped, signal.SIGCONT)
        ended = _until(events, "exit")[-1]
    assert ended["pid"] == stopped
    assert ended["code"] == 0 and ended["reason"] == "stuck"


def _states(server):
    return {worker["pid"]: worker["state"] for worker in admin.workers(server)}


@pytest.mark.parametrize("policy", ["round_robin", "shared", "reuseport"])
def test_one_that_recovers_serves_on_when_its_successor_dies(server, policy):
    server.write(main=f"scheduling_policy {policy}; worker_processes 1;"
                 "worker_watchdog 5s;")
    server.start()
    server.may_alert = True
    worker = server.workers()[0]
    template = server.templates()[0]
    with admin.Events(server) as events:
        os.kill(template, signal.SIGSTOP)  # the successor waits for its fork
        os.kill(worker, signal.SIGSTOP)
        wait_until(lambda: len(_states(server)) == 2, "the successor")
        os.kill(worker, signal.SIGCONT)
        wait_until(lambda: _states(server)[worker] == "serving", "it to be well")
        assert admin.ask(server, "POST", "/v1/workers/2/kill",
                         {"signal": "KILL"}).status == 202
        os.kill(template, signal.SIGCONT)
        wait_until(lambda: list(_states(server)) == [worker], "its end")
        assert server.get().status == 200
        os.kill(worker, signal.SIGKILL)  # another one follows it as ever
        assert _until(events, "exit", pid=worker)[-1]["reason"] == "crash"
    wait_until(lambda: server.workers() not in ([], [worker]), "the next")
    assert server.get().status == 200


def test_one_that_is_stopped_as_it_starts_does_not_keep_its_place(server):
    server.write(main="worker_processes 1; worker_watchdog 300ms;"
                 "reload_timeout 1s;")
    server.start()
    server.may_alert = True
    with admin.Events(server) as events:
        os.kill(server.workers()[0], signal.SIGKILL)
        stopped = _until(events, "fork")[-1]["pid"]
        os.kill(stopped, signal.SIGSTOP)
        ended = _until(events, "exit", pid=stopped)[-1]
    assert ended["reason"] == "stuck"
    wait_until(lambda: stopped not in server.workers() and server.workers(),
               "another worker")
    assert server.get().status == 200


def test_a_traced_worker_is_replaced_and_not_killed(server):
    server.write(main="worker_processes 2; worker_watchdog 400ms;")
    server.start()
    server.may_alert = True
    traced = server.workers()[0]
    with admin.Events(server) as events:
        if not tracing.attach(traced):
            pytest.skip("may not trace here")
        seen = _until(events, "listening")
        assert any("a debugger" in event.get("text", "") for event in seen)
        time.sleep(1.5)  # more than 2.5 times the limit
        assert processes.is_alive(traced)
        assert any(worker["state"] == "stuck"
                   for worker in admin.workers(server))
    assert "signal 9" not in server.log()
    tracing.kill(traced)


def test_a_pause_of_the_whole_machine_kills_nobody(trouble):
    trouble.write("worker_processes 2; worker_watchdog 1s;")
    trouble.start()
    family = [trouble.pid, *processes.descendants(trouble.pid)]
    before = trouble.workers()
    connection = _hang(trouble, 300)
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(3)  # the pause
    for pid in reversed(family):
        os.kill(pid, signal.SIGCONT)
    assert connection.response().status == 200
    connection.close()
    time.sleep(0.5)  # a few looks
    assert trouble.workers() == before
    assert "stuck" not in trouble.log()


def test_a_reload_goes_on_while_one_hangs(trouble):
    trouble.write("worker_processes 2; worker_watchdog 1s;")
    trouble.start()
    trouble.may_alert = True
    connection = _hang(trouble)
    with admin.Events(trouble) as events:
        trouble.signal(signal.SIGHUP)
        seen = _until(events, "reload_done")
        while not any(event["event"] == "exit" and
                      event["signal"] == signal.SIGABRT for event in seen):
            seen.append(events.next())
    connection.close()
    assert trouble.get().status == 200
    wait_until(lambda: len(trouble.workers()) == 2, "the new generation alone")
