"""Worker groups without built-in workers beside them."""

import os
import signal
import subprocess

import pytest

import admin
import processes
from cluster import EXAMPLES
from conftest import BINARY, wait_until


def block(name: str, port: int, count: int) -> str:
    return f"""
        worker_group {name} {{
            exec {EXAMPLES}/cluster_hello;
            args 127.0.0.1:{port};
            protocol cohort;
            processes {count};
        }}"""


def start(server, main: str):
    server.write(http=" ", main=main)
    server.spawn()
    server.wait_log("generation 1 serves group")
    wait_until(lambda: admin.accepts(admin.path_of(server)), "the admin socket")


def programs(server) -> int:
    return len(processes.children(server.pid, "cluster_hello"))


def test_signals_scale_the_only_one(server, free_port):
    start(server, block("app", free_port(), 2) + "worker_processes_max 4;")
    for number, goals in [(signal.SIGTTIN, (3, 4)), (signal.SIGTTOU, (3, 2, 1))]:
        for goal in goals:
            server.signal(number)
            wait_until(lambda: programs(server) == goal, f"{goal} workers")
    server.signal(signal.SIGTTOU)
    server.wait_log("not scaling app: it has 1 workers of 1 to 4")
    server.signal(signal.SIGTTIN)
    wait_until(lambda: programs(server) == 2, "2 workers")


def test_of_several_a_signal_chooses_none(server, free_port):
    start(server, block("one", free_port(), 1) + block("two", free_port(), 2))
    server.signal(signal.SIGTTIN)
    server.wait_log("which of the worker groups to scale: use cohort ctl scale "
                    "NAME N")
    assert programs(server) == 3


def test_status_counts_them_and_tells_where_they_listen(server, free_port):
    port, other = free_port(), free_port()
    start(server, block("app", port, 3) + f"""
        worker_group given {{
            exec /bin/sleep 1000;
            protocol listen_fds;
            listen 127.0.0.1:{other};
            processes 1;
        }}""")
    for generation in (1, 2):
        status = admin.get(server, "/v1/status")
        assert status["listeners"] == [
            {"address": f"127.0.0.1:{port}", "policy": "round_robin",
             "group": "app"},
            {"address": f"127.0.0.1:{other}", "policy": "shared",
             "group": "given"}]
        assert status["generations"] == [
            {"generation": generation, "state": "serving", "workers": 4}]
        shown = subprocess.run(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(server)),
             "status"], capture_output=True, text=True, timeout=60)
        assert f"listens on   127.0.0.1:{port} (round_robin, group app)\n" \
            in shown.stdout
        assert f"generations  {generation} serving with 4 workers\n" \
            in shown.stdout
        done = server.run("-s", "reload")  # both are kept
        assert done.returncode == 0, done.stderr
        wait_until(lambda: len(
            admin.get(server, "/v1/status")["generations"]) == 1,
            "the old generation to go")


@pytest.mark.parametrize("count, line", [
    (1, "kill -TTIN"), (2, "/cohort ctl scale NAME N -p ")])
def test_the_first_words_say_what_scales_them(tmp_path, free_port, count, line):
    groups = "".join(
        block(name, free_port(), 1) for name in ("one", "two")[:count])
    with open(tmp_path / "output", "w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [str(BINARY), "-p", str(tmp_path), "-g", "user root root;" + groups
             if os.getuid() == 0 else groups],
            cwd=tmp_path, stdout=output, stderr=subprocess.STDOUT,
            env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
        try:
            printed = wait_until(lambda: (
                text := (tmp_path / "output").read_text(encoding="utf-8"))
                and "Ctrl-C" in text and text, "its first words")
        finally:
            process.terminate()
            process.wait(20)
    assert line in printed
    assert ("-TTIN" in printed) == (count == 1)
