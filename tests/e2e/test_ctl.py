"""cohort ctl, cohort top, and -s reload, which waits for the verdict."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import pytest

import admin
import processes
from conftest import BINARY, PATIENCE, wait_until
from programs import Program


def run(server, *words: str, socket: bool = True,
        **options) -> subprocess.CompletedProcess[str]:
    where = ["--socket", str(admin.path_of(server))] if socket else [
        "-p", str(server.folder), "-c", str(server.configuration)]
    return subprocess.run(
        [str(BINARY), words[0], *where, *words[1:]], capture_output=True,
        text=True, timeout=60, stdin=subprocess.DEVNULL, check=False, **options)


def ctl(server, *words: str, **options):
    return run(server, "ctl", *words, **options)


@pytest.mark.quick
def test_help_names_every_verb(tmp_path):
    done = subprocess.run([str(BINARY), "ctl", "-h"], capture_output=True,
                          text=True, timeout=60, check=True)
    for verb in ("status", "workers", "reload", "scale", "fork", "replace",
                 "disconnect", "kill", "message", "reopen", "quit", "stop",
                 "events", "config", "metrics"):
        assert f"\n  {verb} " in done.stdout
        told = subprocess.run([str(BINARY), "ctl", verb, "-h"], check=True,
                              capture_output=True, text=True, timeout=60)
        assert told.stdout.startswith(f"Usage: cohort ctl {verb}")


@pytest.mark.quick
def test_the_socket_is_found_in_the_configuration(server):
    server.write(main="admin unix:elsewhere/a.sock;")
    server.start()
    path = server.folder / "elsewhere" / "a.sock"
    wait_until(lambda: admin.accepts(path), "the socket")
    done = ctl(server, "status", socket=False)
    assert done.returncode == 0, done.stderr
    assert "serving" in done.stdout


@pytest.mark.quick
def test_a_running_server_is_found_when_its_file_has_errors(hello):
    hello.may_alert = True
    hello.configuration.write_text("lisen 1;\n")
    done = ctl(hello, "status", socket=False)
    assert done.returncode == 0, done.stderr
    done = ctl(hello, "reload", socket=False)
    assert done.returncode == 1
    assert 'unknown directive "lisen"' in done.stderr
    assert "cohort.conf:1:1" in done.stderr


def _break(server, typo="lisen 1;"):
    """The file of a server whose socket is not where it would be by default."""
    server.may_alert = True
    server.write(main="admin unix:elsewhere/a.sock;")
    server.start()
    wait_until(lambda: admin.accepts(server.folder / "elsewhere" / "a.sock"),
               "the socket")
    with open(server.configuration, "a", encoding="utf-8") as file:
        file.write(typo)


@pytest.mark.quick
@pytest.mark.parametrize("typo", ["lisen 1;", "http { } }", "http {", '"'])
def test_a_file_with_errors_shuts_nobody_out(server, typo):
    _break(server, typo)
    for words in (("ctl", "status"), ("top", "--once"), ("ctl", "workers")):
        done = run(server, *words, socket=False)
        assert done.returncode == 0, done.stderr
        assert str(server.workers()[0]) in done.stdout or "serving" in done.stdout
        warned, = done.stderr.splitlines()
        assert "the configuration does not load by now: " in warned
        assert f"{server.folder}/elsewhere/a.sock" in warned
    done = server.run("-s", "reload")
    assert done.returncode == 1
    assert "cohort: [warn] the configuration does not load" in done.stderr
    assert "[emerg]" in done.stderr.splitlines()[1]  # the server's verdict
    done = server.run("-s", "quit")
    assert done.returncode == 0, done.stderr
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.quick
def test_a_server_with_a_broken_file_can_be_ended(server):
    _break(server)
    done = ctl(server, "quit", socket=False)
    assert done.returncode == 0, done.stderr
    assert server.process.wait(PATIENCE) == 0


@pytest.mark.quick
@pytest.mark.parametrize("name", ["stop", "quit", "reload", "reopen"])
def test_without_its_pid_line_a_broken_file_ends_nobody(server, name):
    """The line is lost to the error before it: the default may be another's."""
    server.write()
    server.start()
    text = server.configuration.read_text()
    lost = re.sub(r"\bpid ", "worker_processes 1 pid ", text, count=1)
    assert lost != text
    server.configuration.write_text(lost)
    done = server.run("-s", name)
    assert done.returncode == 1
    assert "which server to signal is not known" in done.stderr.splitlines()[-1]
    assert server.get().status == 200


@pytest.mark.quick
@pytest.mark.parametrize("words", [["ctl", "status"], ["top", "--once"]])
def test_who_is_not_found_by_a_broken_file_is_found_by_the_socket(server, words):
    server.configuration.write_text("lisen 1;")
    done = run(server, *words, socket=False)
    assert done.returncode == 1
    assert f"{server.folder}/run/cohort.sock" in done.stderr
    assert "--socket" in done.stderr.splitlines()[-1]
    server.configuration.unlink()  # whose server it was is not known
    done = run(server, *words, socket=False)
    assert done.returncode == 1
    assert f'open() "{server.configuration}" failed' in done.stderr
    assert "--socket" in done.stderr.splitlines()[-1]


@pytest.mark.quick
def test_status_and_workers_in_words_and_as_json(hello):
    assert f"127.0.0.1:{hello.port} (round_robin)" in ctl(hello, "status").stdout
    table = ctl(hello, "workers").stdout.splitlines()
    assert len(table) == 3
    assert table[0].split()[:4] == ["WORKER", "PID", "GROUP", "STATE"]
    assert table[1].split()[:4] == [
        "1", str(hello.workers()[0]), "main", "serving"]
    told = json.loads(ctl(hello, "--json", "workers").stdout)
    assert [row["id"] for row in told["workers"]] == [1, 2]


@pytest.mark.quick
def test_options_stand_before_the_verb_and_behind_it(hello):
    where = ["-p", str(hello.folder), "-c", str(hello.configuration)]
    socket = ["--socket", str(admin.path_of(hello))]
    for words in (["--json", *socket, "status"], ["status", "--json", *socket],
                  ["status", *where, "--json"], [*where, "status", "--json"],
                  ["-p", str(hello.folder), "status", f"-c{hello.configuration}",
                   "--json"]):
        done = subprocess.run(
            [str(BINARY), "ctl", *words], capture_output=True, text=True,
            timeout=60, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["pid"] == hello.pid
    done = run(hello, "top", "--once", "--json")
    assert done.returncode == 2
    assert "unknown option --json" in done.stderr


@pytest.mark.quick
def test_reload_says_what_serves(hello):
    done = ctl(hello, "reload")
    assert done.returncode == 0
    assert done.stdout.startswith("reload: generation 2 serves on 127.0.0.1:")


@pytest.mark.quick
def test_verbs_that_change_workers(hello):
    assert ctl(hello, "scale", "1").stdout == "1 worker serves\n"
    assert "scaling from 2 to 1 worker\n" in hello.log()
    assert ctl(hello, "scale", "3").stdout == "3 workers serve\n"
    wait_until(lambda: len(hello.workers()) == 3, "the one before to leave")
    before = set(hello.workers())
    done = ctl(hello, "replace", "all")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("WORKER") == 1
    assert len(done.stdout.splitlines()) == 1 + 3
    assert len(hello.workers()) >= 3
    wait_until(lambda: len(hello.workers()) == 3, "the old ones to leave")
    assert not before & set(hello.workers())
    ids = [row["id"] for row in admin.workers(hello)
           if row["state"] == "serving"]
    assert ctl(hello, "disconnect", str(ids[0])).returncode == 0
    assert ctl(hello, "kill", str(ids[1]), "KILL").returncode == 0
    wait_until(lambda: len(hello.workers()) == 1, "the others to leave")
    assert ctl(hello, "reopen").returncode == 0


def test_scale_says_at_once_that_nobody_can_be_started(hello):
    hello.signal(signal.SIGWINCH)
    wait_until(lambda: not hello.workers(), "the workers to leave")
    done = ctl(hello, "scale", "3")
    assert done.returncode == 1
    assert "WINCH has ended the workers: reload first" in done.stderr
    assert ctl(hello, "reload").returncode == 0
    assert ctl(hello, "scale", "3").stdout == "3 workers serve\n"


def test_replace_all_goes_on_behind_those_that_have_gone(server):
    """One ends while the first waits for its successor, which is held up by its
    template, which is stopped."""
    server.write(main="worker_processes 3; worker_watchdog off;")
    server.start()
    template, = processes.children(server.pid, "template")
    rows = admin.workers(server)
    os.kill(template, signal.SIGSTOP)
    with subprocess.Popen(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(server)),
             "replace", "all"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True) as replace:
        wait_until(lambda: len(admin.workers(server)) == 4, "a successor")
        assert ctl(server, "kill", str(rows[1]["id"])).returncode == 0
        wait_until(lambda: not processes.is_alive(rows[1]["pid"]),
                   "the second to end")
        os.kill(template, signal.SIGCONT)
        _, error = replace.communicate(timeout=PATIENCE)
    assert replace.returncode == 0, error
    wait_until(lambda: len(server.workers()) == 2, "the old ones to leave")
    assert not {row["pid"] for row in rows} & set(server.workers())


@pytest.mark.quick
def test_fork_and_message(tmp_path, free_port):
    with Program("admin", tmp_path, free_port()) as program:
        done = ctl(program, "fork", "2", "--env", "A=1", "--env=B=x=y")
        assert done.returncode == 0, done.stderr
        assert len(done.stdout.splitlines()) == 3  # with its head
        told = subprocess.Popen(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(program)),
             "events", "--since", "0"], stdout=subprocess.PIPE, text=True)
        done = ctl(program, "message", "3", '{"a": [1]}')
        assert (done.returncode, done.stdout) == (0, "it was told\n")
        line = ""
        while " message " not in line:
            line = told.stdout.readline()
        assert line.endswith(
            ', {"from":3,"got":{"a":[1]}}\n'), line
        told.kill()
        told.wait()
        for words in (("--json", "message", "3", "{"),
                      ("message", "3", "{", "--json"),
                      ("message", "--json", "3", "--", "{")):
            done = ctl(program, *words)
            assert done.returncode == 1
            assert json.loads(done.stderr)["line"] == 1
        done = ctl(program, "message", "3", "--", "--json")
        assert done.returncode == 1
        assert "no JSON" in done.stderr


@pytest.mark.quick
def test_events_are_told_until_the_end(hello):
    done = subprocess.Popen(
        [str(BINARY), "ctl", "--socket", str(admin.path_of(hello)), "events",
         "--since", "0"], stdout=subprocess.PIPE, text=True)
    first = done.stdout.readline()  # it listens
    ctl(hello, "quit")
    lines = [first, *done.stdout.read().splitlines()]
    assert done.wait(PATIENCE) == 0
    assert lines[0].split()[0] == "1" and " setup " in lines[0]
    assert any(" fork " in line and "worker 1" in line for line in lines)
    assert any(" exit " in line and "(disconnect)" in line for line in lines)


@pytest.mark.quick
@pytest.mark.parametrize("verb", ["quit", "stop"])
def test_the_server_is_gone_when_it_was_told_to_leave(hello, verb):
    done = ctl(hello, verb)
    assert done.returncode == 0, done.stderr
    assert not hello.pid_file.exists()
    assert not admin.path_of(hello).exists()


@pytest.mark.quick
def test_config_and_metrics_as_they_are(hello):
    assert hello.configuration.read_text() in ctl(hello, "config").stdout
    assert "cohort_generation 1\n" in ctl(hello, "metrics").stdout


@pytest.mark.quick
@pytest.mark.parametrize("words, status, error", [
    ([], 2, "no verb"),
    (["dance"], 2, "unknown verb"),
    (["scale"], 2, "usage: cohort ctl scale [GROUP] N"),
    (["scale", "many"], 2, "must be a number"),
    (["status", "now"], 2, 'unexpected "now"; usage: cohort ctl status\n'),
    (["status", "--fast"], 2, 'unknown option "--fast"; usage: cohort ctl'),
    (["reload", "--force", "2"], 2, 'unexpected "2"; usage'),
    (["events", "--before", "2"], 2, 'unexpected "--before"'),
    (["events", "1", "2"], 2, 'unexpected "2"'),
    (["status", "--socket"], 2, "--socket takes a path"),
    (["--", "--json"], 2, 'unknown verb "--json"'),
    (["kill", "1", "NONE"], 1, "signal"),
    (["kill", "99"], 1, "there is no worker 99"),
    (["scale", "1000"], 1, "1000 workers: from 1 to 64"),
    (["scale", "0"], 1, "0 workers: from 1 to 64"),
    (["--fast", "status"], 2, "unknown option"),
])
def test_the_exit_status_says_what_went_wrong(shared_hello, words, status, error):
    done = ctl(shared_hello, *words)
    assert done.returncode == status
    assert error in done.stderr


@pytest.mark.quick
def test_without_a_server_it_says_where_it_looked(server):
    server.write()
    done = ctl(server, "status", socket=False)
    assert done.returncode == 1
    assert str(admin.path_of(server)) in done.stderr
    assert "is the server running" in done.stderr
    server.write(main="admin off;")
    done = ctl(server, "status", socket=False)
    assert done.returncode == 1
    assert "admin off" in done.stderr


# -- -s reload -------------------------------------------------------------------


@pytest.mark.quick
def test_s_reload_waits_for_the_verdict(hello):
    done = hello.run("-s", "reload")
    assert done.returncode == 0
    assert "generation 2 serves" in done.stdout
    assert admin.get(hello, "/v1/status")["generation"] == 2


@pytest.mark.quick
def test_s_reload_exits_with_the_verdict(hello):
    """What is found out only by the server: an address that is in use."""
    with hello.connect() as connection:
        local = connection.socket.getsockname()[1]
        hello.write(f"""
            server {{ listen 127.0.0.1:PORT; listen 127.0.0.1:{local};
                      return 200 "new\\n"; }}""")
        done = hello.run("-s", "reload")
    assert done.returncode == 1
    assert f"cannot listen on 127.0.0.1:{local}" in done.stderr
    assert hello.get().body == b"hello world\n"


@pytest.mark.quick
def test_s_reload_without_the_socket_only_signals(server):
    server.write(main="admin off;")
    server.start()
    done = server.run("-s", "reload")
    assert done.returncode == 0
    assert "error log" in done.stderr
    server.wait_log("generation 2 serves")


def test_s_reload_does_not_wait_for_a_helper_that_is_stuck(hello):
    hello.may_alert = True  # of being stuck
    helper = admin.get(hello, "/v1/status")["admin_pid"]
    os.kill(helper, signal.SIGSTOP)
    done = hello.run("-s", "reload")
    os.kill(helper, signal.SIGCONT)
    assert done.returncode == 0
    assert "error log" in done.stderr
    hello.wait_log("generation 2 serves")


# -- top -------------------------------------------------------------------------


@pytest.mark.quick
def test_top_once_prints_a_table(hello):
    done = run(hello, "top", "--once")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "generation 1" in lines[0] and "2 of 2 workers serve" in lines[0]
    assert lines[2].split() == [
        "WORKER", "PID", "GROUP", "STATE", "GEN", "CONNS", "REQUESTS/s", "CPU%",
        "RSS", "LAG", "AGE"]
    assert lines[3].split()[9].endswith("ms")
    assert [line.split()[1] for line in lines[3:5]] == [
        str(pid) for pid in hello.workers()]
    assert lines[5].split()[0] == "all"


def test_top_shows_rates(hello):
    def rate() -> float:
        with subprocess.Popen(
                [str(BINARY), "top", "--once", "--socket",
                 str(admin.path_of(hello))], stdout=subprocess.PIPE,
                text=True) as top:
            while top.poll() is None:
                hello.get()
            lines = top.stdout.read().splitlines()
        return float(lines[-1].split()[2])

    # It looks at half a second, in which we may have stood still.
    wait_until(lambda: rate() > 0, "a rate")


def test_top_on_a_terminal_ends_with_q(hello):
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm"
        os.execv(BINARY, [str(BINARY), "top", "--socket",
                          str(admin.path_of(hello))])
    shown = b""
    end = time.monotonic() + PATIENCE
    while b"WORKER" not in shown and time.monotonic() < end:
        shown += os.read(terminal, 4096)
    assert b"2 of 2 workers serve" in shown
    os.write(terminal, b"q")
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:
        pass  # its end
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_top_says_when_the_server_goes(hello):
    with subprocess.Popen(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(hello)),
             "events", "--since=0"], stdout=subprocess.PIPE,
            text=True) as events:
        assert "setup" in events.stdout.readline()
        hello.signal(signal.SIGTERM)
        assert events.wait(PATIENCE) == 0
    assert hello.process.wait(PATIENCE) == 0
    done = run(hello, "top", "--once")
    assert done.returncode == 1
    assert "cannot ask" in done.stderr
