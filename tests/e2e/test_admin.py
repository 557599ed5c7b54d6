"""The admin socket: what it tells, what it does, what it refuses."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import admin
import processes
from conftest import PATIENCE, ROOT, wait_until


def helper(server):
    """The pid of the admin helper."""
    found = wait_until(lambda: processes.children(server.pid, "cohort: admin"),
                       "the admin helper")
    return found[0]


# -- looking ---------------------------------------------------------------------


@pytest.mark.quick
def test_status_tells_what_runs(hello):
    status = admin.get(hello, "/v1/status")
    assert status["pid"] == hello.pid
    assert status["admin_pid"] == helper(hello)
    assert status["state"] == "serving"
    assert status["generation"] == 1
    assert status["loading"] is None
    assert status["workers"]["target"] == 2
    assert status["workers"]["serving"] == 2
    assert status["listeners"] == [
        {"address": f"127.0.0.1:{hello.port}", "policy": "round_robin",
         "group": "main"}]
    assert status["generations"] == [
        {"generation": 1, "state": "serving", "workers": 2}]
    assert status["settings"]["worker_processes"] == 2
    assert status["reload"] is None
    assert status["started"].endswith("Z")
    assert 0 <= status["uptime_ms"] < 60_000
    assert status["policy"] == "round_robin"


@pytest.mark.quick
def test_workers_are_told_with_what_they_do(hello):
    with hello.connect() as connection:
        for _ in range(7):
            connection.get()
        rows = admin.workers(hello)
        assert [row["id"] for row in rows] == [1, 2]
        assert [row["pid"] for row in rows] == hello.workers()
        assert {row["slot"] for row in rows} == {0, 1}
        assert {row["state"] for row in rows} == {"serving"}
        assert {row["group"] for row in rows} == {"main"}
        assert sum(row["connections"] for row in rows) == 1
        assert sum(row["requests"] for row in rows) == 7
        assert all(row["rss_bytes"] > 100_000 for row in rows)
        assert all(row["exitedAfterDisconnect"] is None for row in rows)
        assert all(row["age_ms"] >= 0 and row["cpu_ms"] >= 0 for row in rows)
        one = admin.get(hello, "/v1/workers/2")
        assert (one["id"], one["pid"]) == (2, rows[1]["pid"])


@pytest.mark.quick
def test_the_lag_of_a_loop_is_told_while_it_lasts_and_after(server):
    server.write(main="worker_watchdog off;")
    hello = server.start()
    pid = hello.workers()[0]

    def lag() -> int:
        return admin.workers(hello)[0]["loop_lag_ms"]

    # Its start may have been held up, which is told for ten seconds.
    wait_until(lambda: lag() < 300, "no lag", 20)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: lag() >= 300, "a lag that grows")
    finally:
        os.kill(pid, signal.SIGCONT)
    assert hello.get().status == 200
    assert lag() >= 300  # of the last ten seconds
    told = metrics(hello)
    assert told['cohort_worker_loop_lag_seconds{worker="1",group="main"}'] >= 0.3


@pytest.mark.quick
def test_config_is_that_of_the_running_generation(hello):
    loaded = hello.configuration.read_text()
    hello.configuration.write_text("changed since")
    answer = admin.ask(hello, "GET", "/v1/config")
    assert answer.status == 200
    assert answer["content-type"].startswith("text/plain")
    assert answer.body.decode() == (
        f"# configuration file {hello.configuration}:\n{loaded}\n")


@pytest.mark.quick
def test_probes(hello):
    assert admin.ask(hello, "GET", "/healthz").body == b"ok\n"
    assert admin.ask(hello, "HEAD", "/healthz").status == 200
    assert admin.ask(hello, "GET", "/readyz").body == b"ready\n"
    hello.signal(signal.SIGWINCH)  # drain all workers, stay
    wait_until(lambda: not hello.workers(), "the workers to leave")
    answer = admin.ask(hello, "GET", "/readyz")
    assert (answer.status, answer.body) == (503, b"no worker serves\n")
    assert admin.ask(hello, "GET", "/healthz").status == 200
    assert admin.get(hello, "/v1/status")["is_paused"] is True


@pytest.mark.quick
@pytest.mark.parametrize("method, path, body, status, error", [
    ("GET", "/", None, 404, "nothing here"),
    ("GET", "/v1/nothing", None, 404, "nothing here"),
    ("GET", "/v1/workers/99", None, 404, "there is no worker 99"),
    ("GET", "/v1/workers/x", None, 404, "a number"),
    ("GET", "/v1/workers/0", None, 404, "a number"),
    ("POST", "/v1/workers/99/replace", None, 404, "there is no worker 99"),
    ("POST", "/v1/workers/99/disconnect", None, 404, "there is no worker 99"),
    ("POST", "/v1/workers/99/kill", None, 404, "there is no worker 99"),
    ("POST", "/v1/workers/1/dance", None, 404, "/disconnect"),
    ("POST", "/v1/workers/1/kill", {"signal": "NONE"}, 422, "signal"),
    ("POST", "/v1/workers/1/kill", {"signal": 99}, 422, "signal"),
    ("POST", "/v1/workers/1/kill", {"signal": []}, 422, "signal"),
    ("PATCH", "/v1/groups/main", None, 422, "processes"),
    ("PATCH", "/v1/groups/main", {"processes": 0}, 422, "0 workers: from 1 to 64"),
    ("PATCH", "/v1/groups/main", {"processes": "4"}, 422, "number of workers"),
    ("PATCH", "/v1/groups/main", {"processes": 4000}, 422, "from 1 to 64"),
    ("PATCH", "/v1/groups/main", [], 422, "object"),
    ("PATCH", "/v1/groups/other", {"processes": 1}, 404,
     'no worker group "other"'),
    ("POST", "/v1/workers", {"group": "app"}, 404, "app"),
    ("POST", "/v1/workers", {"group": 7}, 422, "group"),
    ("POST", "/v1/workers", {"cuont": 3}, 422, '"cuont"'),
    ("POST", "/v1/reload", {"forec": True}, 422, 'but "force"'),
    ("POST", "/v1/stop", {"wait": True}, 422, "wait"),
    ("POST", "/v1/workers", {"count": 1000}, 422, "64 are possible"),
    ("GET", "/v1/events?since=soon", None, 422, "since"),
])
def test_what_cannot_be_is_refused(shared_hello, method, path, body, status, error):
    answer = admin.ask(shared_hello, method, path, body)
    assert answer.status == status, answer.body
    assert error in json.loads(answer.body)["error"]


@pytest.mark.quick
@pytest.mark.parametrize("method, path, allowed", [
    ("POST", "/v1/status", "GET, HEAD"),
    ("DELETE", "/v1/workers", "GET, HEAD, POST"),
    ("POST", "/v1/workers/1", "GET, HEAD"),
    ("PUT", "/v1/workers/1", "GET, HEAD, POST"),
    ("GET", "/v1/workers/1/kill", "POST"),
    ("GET", "/v1/reload", "POST"),
    ("GET", "/v1/reopen", "POST"),
    ("GET", "/v1/quit", "POST"),
    ("GET", "/v1/stop", "POST"),
    ("GET", "/v1/groups/main", "PATCH"),
    ("POST", "/v1/events", "GET, HEAD"),
    ("POST", "/metrics", "GET, HEAD"),
    ("POST", "/healthz", "GET, HEAD"),
])
def test_wrong_methods_are_405(shared_hello, method, path, allowed):
    answer = admin.ask(shared_hello, method, path)
    assert answer.status == 405
    assert answer["allow"] == allowed


@pytest.mark.quick
@pytest.mark.parametrize("body, line, column", [
    (b'{"processes":', 1, 14),
    (b'{"processes":4,\n}', 2, 1),
    (b"nonsense", 1, 1),
])
def test_bad_json_is_400_with_its_place(shared_hello, body, line, column):
    answer = admin.ask(shared_hello, "PATCH", "/v1/groups/main", body)
    assert answer.status == 400
    error = json.loads(answer.body)
    assert "JSON" in error["error"]
    assert (error["line"], error["column"]) == (line, column)


@pytest.mark.quick
def test_a_large_body_is_413(shared_hello):
    with admin.Connection(admin.path_of(shared_hello)) as connection:
        connection.request("PATCH", "/v1/groups/main",
                           content_length="1000000")
        assert connection.response().status == 413


# -- doing -----------------------------------------------------------------------


@pytest.mark.quick
def test_reload_answers_with_its_verdict(hello):
    answer = admin.ask(hello, "POST", "/v1/reload")
    assert answer.status == 200
    told = json.loads(answer.body)
    assert told["verdict"] == "done"
    assert told["generation"] == 2
    assert f"127.0.0.1:{hello.port}" in told["text"]
    assert admin.get(hello, "/v1/status")["generation"] == 2


@pytest.mark.quick
def test_reload_of_a_bad_file_answers_with_all_errors(hello):
    hello.may_alert = True  # the errors
    hello.configuration.write_text("lisen 1;\nworker_processes many;\n")
    answer = admin.ask(hello, "POST", "/v1/reload")
    assert answer.status == 422
    told = json.loads(answer.body)
    assert told["verdict"] == "failed"
    assert told["generation"] == 1
    assert len(told["errors"]) == 2
    assert f"{hello.configuration}:1:1" in told["errors"][0]
    assert f"{hello.configuration}:2:18" in told["errors"][1]
    assert hello.get().body == b"hello world\n"
    last = admin.get(hello, "/v1/status")["reload"]
    assert last["verdict"] == "failed"
    assert "lisen" in last["text"]


@pytest.mark.quick
def test_reload_that_cannot_be_is_500_and_says_why(hello, free_port):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        hello.write(f"""
            server {{ listen 127.0.0.1:PORT; listen 127.0.0.1:{port};
                      return 200 "hello world\\n"; }}""")
        answer = admin.ask(hello, "POST", "/v1/reload")
    assert answer.status == 500
    told = json.loads(answer.body)
    assert told["verdict"] == "failed"
    assert f"127.0.0.1:{port}" in told["error"]
    assert hello.get().body == b"hello world\n"


def test_every_reload_that_is_asked_for_gets_its_own_verdict(hello):
    """Those that come while one is being loaded get the next one's."""
    process = helper(hello)
    connections = [admin.Connection(admin.path_of(hello)) for _ in range(8)]
    hello.signal(signal.SIGSTOP)  # so that all come before the first is done
    for connection in connections:
        connection.request("POST", "/v1/reload")
    wait_until(lambda: processes.is_asleep(process), "all to be passed on")
    hello.signal(signal.SIGCONT)
    told = [json.loads(c.response().body) for c in connections]
    assert {one["verdict"] for one in told} == {"done"}
    generations = {one["generation"] for one in told}
    assert generations <= {2, 3, 4}
    assert admin.get(hello, "/v1/status")["generation"] == max(generations)


@pytest.mark.quick
def test_scaling_answers_when_the_workers_serve(hello):
    for count in (4, 4, 1, 3):
        answer = admin.ask(hello, "PATCH", "/v1/groups/main",
                           {"processes": count})
        assert answer.status == 200, answer.body
        serving = [row for row in admin.workers(hello)
                   if row["state"] == "serving"]
        assert len(serving) == count


@pytest.mark.quick
def test_forking_answers_with_the_new_workers(hello):
    answer = admin.ask(hello, "POST", "/v1/workers", {"count": 2})
    assert answer.status == 201
    rows = json.loads(answer.body)["workers"]
    assert [row["id"] for row in rows] == [3, 4]
    assert {row["state"] for row in rows} == {"serving"}
    assert [row["pid"] for row in rows] == hello.workers()[2:]
    assert json.loads(admin.ask(
        hello, "POST", "/v1/workers").body)["workers"][0]["id"] == 5
    assert "forking 2 workers more\n" in hello.log()
    assert "forking 1 worker more\n" in hello.log()


@pytest.mark.quick
def test_replace_starts_the_successor_first(hello):
    before = hello.workers()
    with admin.Events(hello) as events:
        answer = admin.ask(hello, "POST", "/v1/workers/1/replace")
        assert answer.status == 200
        assert json.loads(answer.body)["workers"][0]["id"] == 3
        told = events.until("exit")
    order = [(one["event"], one["worker"]) for one in told]
    assert order.index(("fork", 3)) < order.index(("disconnect", 1))
    assert told[-1]["worker"] == 1
    assert told[-1]["reason"] == "recycled"
    after = hello.workers()
    assert len(after) == 2 and before[1] in after and before[0] not in after
    assert admin.ask(hello, "POST", "/v1/workers/1/replace").status == 404


def test_a_worker_stays_if_its_successor_dies_first(hello):
    hello.may_alert = True
    template = hello.templates()[0]
    os.kill(template, signal.SIGSTOP)  # the successor waits for its fork
    with admin.Connection(admin.path_of(hello)) as connection:
        connection.request("POST", "/v1/workers/1/replace")
        wait_until(lambda: len(admin.workers(hello)) == 3, "the successor")
        killed = admin.ask(hello, "POST", "/v1/workers/3/kill",
                           {"signal": "KILL"})
        assert killed.status == 202
        os.kill(template, signal.SIGCONT)
        assert connection.response().status == 500
    assert [row["id"] for row in admin.workers(hello)] == [1, 2]
    again = admin.ask(hello, "POST", "/v1/workers/1/replace")
    assert again.status == 200


@pytest.mark.quick
def test_disconnect_lets_a_worker_finish_and_leaves_its_place(hello):
    with admin.Events(hello) as events:
        assert admin.ask(
            hello, "POST", "/v1/workers/2/disconnect").status == 202
        told = events.until("exit")[-1]
    assert (told["worker"], told["code"], told["signal"]) == (2, 0, None)
    assert told["reason"] == "disconnect"
    assert told["exitedAfterDisconnect"] is True
    assert len(hello.workers()) == 1
    assert hello.get().status == 200
    status = admin.get(hello, "/v1/status")["workers"]
    assert (status["target"], status["serving"]) == (2, 1)
    assert admin.ask(hello, "PATCH", "/v1/groups/main",
                     {"processes": 2}).status == 200
    assert len(hello.workers()) == 2


@pytest.mark.quick
@pytest.mark.parametrize("name, number", [
    ("KILL", 9), ("SIGTERM", None), (9, 9), ("9", 9), (None, None)])
def test_kill_is_voluntary(hello, name, number):
    with admin.Events(hello) as events:
        body = None if name is None else {"signal": name}
        assert admin.ask(
            hello, "POST", "/v1/workers/1/kill", body).status == 202
        told = events.until("exit")[-1]
    assert (told["worker"], told["signal"]) == (1, number)
    assert told["reason"] == "kill"
    assert told["exitedAfterDisconnect"] is True
    assert len(hello.workers()) == 1


@pytest.mark.quick
def test_a_death_that_nobody_asked_for_is_accidental(hello):
    hello.may_alert = True
    with admin.Events(hello) as events:
        os.kill(hello.workers()[0], signal.SIGSEGV)
        told = events.until("exit")[-1]
        assert (told["code"], told["signal"]) == (None, signal.SIGSEGV)
        assert told["reason"] == "crash"
        assert told["exitedAfterDisconnect"] is False
        assert events.until("online")[-1]["worker"] == 3


def test_with_sockets_of_their_own_a_worker_is_not_left_without_successor(server):
    server.write(main="scheduling_policy reuseport; worker_processes 2;")
    server.start()
    for verb, body in (("disconnect", None), ("kill", {"signal": "QUIT"})):
        answer = admin.ask(server, "POST", f"/v1/workers/1/{verb}", body)
        assert answer.status == 409
        assert "reuseport" in json.loads(answer.body)["error"]
    assert {row["state"] for row in admin.workers(server)} == {"serving"}
    assert admin.ask(server, "POST", "/v1/workers/1/kill",
                     {"signal": "KILL"}).status == 202
    wait_until(lambda: [row["id"] for row in admin.workers(server)
                        if row["state"] == "serving"] == [2, 3],
               "the killed worker's successor")
    for _ in range(40):
        assert server.get().status == 200


@pytest.mark.quick
def test_reopen_opens_the_logs_anew(hello):
    moved = hello.log_file.with_suffix(".1")
    hello.log_file.rename(moved)
    assert admin.ask(hello, "POST", "/v1/reopen").status == 200
    assert hello.log_file.exists()


def test_reopen_tells_what_could_not_be_opened(hello):
    moved = hello.log_file.with_suffix(".1")
    hello.log_file.rename(moved)
    hello.log_file.mkdir()
    answer = admin.ask(hello, "POST", "/v1/reopen")
    hello.log_file.rmdir()
    moved.rename(hello.log_file)
    assert answer.status == 500
    assert "not all log files" in json.loads(answer.body)["error"]
    hello.wait_log("cannot open the log file .* anew: Is a directory")
    assert admin.ask(hello, "POST", "/v1/reopen").status == 200


@pytest.mark.quick
@pytest.mark.parametrize("verb", ["quit", "stop"])
def test_quit_and_stop_answer_when_all_workers_are_gone(hello, verb):
    family = [hello.pid, *processes.descendants(hello.pid)]
    answer = admin.ask(hello, "POST", f"/v1/{verb}")
    assert answer.status == 200
    assert "gone" in json.loads(answer.body)["text"]
    assert hello.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(map(processes.is_alive, family)), "all to leave")
    assert not admin.path_of(hello).exists()


def test_quit_answers_after_the_last_request(server):
    size = 20_000_000
    (server.folder / "big").write_bytes(bytes(size))
    server.write(
        f"server {{ listen 127.0.0.1:PORT; root {server.folder}; }}")
    server.start()
    with server.connect() as client, \
            admin.Connection(admin.path_of(server)) as connection:
        client.request(path="/big")
        client.read_until(b"\r\n\r\n")
        connection.request("POST", "/v1/quit")
        connection.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            connection.read_until(b"\r\n\r\n")
        connection.socket.settimeout(PATIENCE)
        status = admin.get(server, "/v1/status")  # still there to look at
        assert status["state"] == "quitting"
        assert len(client.read_exactly(size)) == size
        client.close()
        assert connection.response().status == 200
    assert server.process.wait(PATIENCE) == 0


# -- metrics -----------------------------------------------------------------------


def metrics(server) -> dict[str, float]:
    answer = admin.ask(server, "GET", "/metrics")
    assert answer.status == 200
    lines = answer.body.decode().splitlines()
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@pytest.mark.quick
def test_counters_stay_when_their_worker_goes(hello):
    hello.may_alert = True
    for _ in range(10):
        hello.get()
    name = "cohort_http_requests_total"
    assert metrics(hello)[name] == 10
    for pid in hello.workers():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: [row["id"] for row in admin.workers(hello)
                        if row["state"] == "serving"] == [3, 4],
               "their successors")
    for _ in range(5):
        hello.get()
    after = metrics(hello)
    assert after[name] == 15
    assert sum(value for key, value in after.items()
               if key.startswith("cohort_worker_requests_total")) == 5


def test_counters_never_fall(hello):
    hello.may_alert = True
    before = metrics(hello)
    for round_number in range(30):
        hello.get()
        if round_number % 5 == 0:
            for pid in hello.workers()[:1]:
                with contextlib.suppress(ProcessLookupError):  # it is leaving
                    os.kill(pid, signal.SIGKILL)
        if round_number % 7 == 0:
            hello.signal(signal.SIGHUP)
        now = metrics(hello)
        for key, value in now.items():
            if key.split("{")[0].endswith("_total") and "worker=" not in key:
                assert value >= before.get(key, 0), key
        before = now


@pytest.mark.quick
def test_metrics_of_workers_and_generations(hello):
    admin.ask(hello, "POST", "/v1/reload")
    told = metrics(hello)
    assert told["cohort_generation"] == 2
    assert told['cohort_workers_target{group="main"}'] == 2
    assert told['cohort_workers{group="main",state="serving"}'] == 2
    assert told[
        'cohort_worker_resident_memory_bytes{worker="3",group="main"}'] > 100_000
    assert told['cohort_worker_connections{worker="4",group="main"}'] == 0


@pytest.mark.quick
def test_durations_are_a_histogram(hello):
    for _ in range(5):
        hello.get()
    told = metrics(hello)
    name = "cohort_http_request_duration_seconds"
    buckets = [value for key, value in told.items()
               if key.startswith(name + "_bucket")]
    assert len(buckets) == 13
    assert buckets == sorted(buckets)
    assert buckets[-1] == told[name + "_count"] == 5
    assert 0 <= told[name + "_sum"] < 5
    assert list(told)[list(told).index(name + "_sum") - 1] == \
        name + '_bucket{le="+Inf"}'


@pytest.mark.quick
def test_the_sum_of_durations_is_of_those_that_wait(server):
    """Within one turn of the loop the time stands still, and the help says so."""
    name = "cohort_http_request_duration_seconds"
    (server.folder / "large").write_bytes(bytes(32 << 20))
    server.write(f"""
        server {{
            listen 127.0.0.1:PORT;
            root {server.folder};
        }}""")
    server.start()
    text = admin.ask(server, "GET", "/metrics").body.decode()
    told = re.search(rf"^# HELP {name} (.*)$", text, re.MULTILINE)[1]
    assert "once per turn" in told and "is 0" in told
    before = metrics(server)
    with server.connect() as connection:
        connection.request(path="/large", connection="close")
        assert connection.socket.recv(1) == b"H"  # it is being answered
        time.sleep(0.3)  # so long nobody reads
        while connection.socket.recv(1 << 20):
            pass
    wait_until(lambda: metrics(server)[name + "_count"] == 1, "its end")
    after = metrics(server)
    assert 0.29 < after[name + "_sum"] - before[name + "_sum"] < 5
    assert after[name + '_bucket{le="0.25"}'] == 0


def promtool() -> str | None:
    unpacked = ROOT / "build" / "peers" / "usr" / "bin" / "promtool"
    return shutil.which("promtool") or (
        str(unpacked) if unpacked.exists() else None)


@pytest.mark.quick
@pytest.mark.skipif(promtool() is None, reason="promtool is not there")
def test_promtool_accepts_the_metrics(hello):
    hello.get()
    hello.may_alert = True
    os.kill(hello.workers()[0], signal.SIGKILL)
    assert admin.ask(hello, "POST", "/v1/reload").status == 200
    hello.get()
    told = admin.ask(hello, "GET", "/metrics").body
    checked = subprocess.run([promtool(), "check", "metrics"], input=told,
                             capture_output=True, timeout=30, check=False)
    assert checked.returncode == 0, checked.stderr
    assert checked.stdout + checked.stderr == b""
