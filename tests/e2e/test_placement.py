"""Where workers run: CPUs, priority, core files, folder; seen through /proc."""

import contextlib
import os
import pathlib
import re
import signal

import pytest

import processes
from conftest import wait_until

CPUS = sorted(os.sched_getaffinity(0))
needs_two_cpus = pytest.mark.skipif(len(CPUS) < 2, reason="one CPU alone")


def mask(*cpus):
    return format(sum(1 << cpu for cpu in cpus), "b")


def affinities(server):
    """Of those that are not about to go."""
    found = []
    for pid in server.workers():
        with contextlib.suppress(ProcessLookupError):
            found.append(sorted(os.sched_getaffinity(pid)))
    return found


def nice(pid):
    return os.getpriority(os.PRIO_PROCESS, pid)


def core_limit(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = re.search(r"Max core file size +(\S+) +(\S+)", text)
    return found and found.groups()  # of one that is going there is no text


@pytest.mark.quick
@needs_two_cpus
def test_each_worker_gets_its_mask(server):
    server.write(main="worker_processes 2; worker_cpu_affinity "
                      f"{mask(CPUS[1])} {mask(CPUS[0], CPUS[1])};")
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "2 workers")
    assert affinities(server) == [[CPUS[1]], CPUS[:2]]
    assert sorted(os.sched_getaffinity(server.pid)) == CPUS


def test_one_mask_is_no_masks(server):
    server.write(main="worker_processes 2; worker_cpu_affinity "
                      f"{mask(CPUS[0])};")
    assert '1 mask in "worker_cpu_affinity" for 2 workers: ' in \
        server.run("-t").stderr


@needs_two_cpus
def test_the_last_mask_is_for_the_rest_and_the_load_says_so(server):
    server.write(main="worker_processes 3; worker_cpu_affinity "
                      f"{mask(CPUS[0])} {mask(CPUS[1])};")
    assert "2 masks" in server.run("-t").stderr
    server.start()
    wait_until(lambda: len(server.workers()) == 3, "3 workers")
    assert affinities(server) == [[CPUS[0]], [CPUS[1]], [CPUS[1]]]


@needs_two_cpus
@pytest.mark.parametrize("policy", ["round_robin", "least_conn", "shared",
                                    "reuseport"])
def test_auto_gives_each_worker_a_cpu_and_its_successor_the_same(
        server, policy):
    server.write(main=f"worker_processes {len(CPUS)}; worker_cpu_affinity auto;"
                      f"scheduling_policy {policy};")
    server.start()
    wait_until(lambda: len(server.workers()) == len(CPUS), "all workers")
    expected = [[cpu] for cpu in CPUS]
    assert affinities(server) == expected
    server.may_alert = True
    killed = server.workers()[1]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: killed not in server.workers() and
               sorted(affinities(server)) == expected, "its successor")
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: generation 2 serves")
    wait_until(lambda: affinities(server) == expected, "the new generation")
    for _ in range(20):
        assert server.get().status == 200


@needs_two_cpus
def test_auto_keeps_to_its_mask(server):
    server.write(main="worker_processes 2;"
                      f"worker_cpu_affinity auto {mask(CPUS[1])};")
    server.start()
    wait_until(lambda: len(server.workers()) == 2, "2 workers")
    assert affinities(server) == [[CPUS[1]], [CPUS[1]]]


def test_a_cpu_that_is_not_there_stops_nobody(server):
    server.may_alert = True
    server.write(main="worker_processes 1;"
                      f"worker_cpu_affinity 1{'0' * 1023};")
    server.start()
    server.wait_log(r"\[alert\].*cannot bind to the CPUs")
    assert server.get().status == 200


@pytest.mark.quick
@pytest.mark.parametrize("value, words", [
    ("2", 'invalid character "2"'), ("000", "no CPU in this mask"),
    ("auto 1 1", "one mask at most"),
    ("2 1 000", 'invalid character "2"'), ("2 1 000", "no CPU in this mask"),
    ("1" * 1025, "up to 1024 CPUs")])
def test_masks_that_are_none(server, value, words):
    server.write(main=f"worker_cpu_affinity {value};")
    done = server.run("-t")
    assert done.returncode == 1
    assert words in done.stderr


def test_priority(server):
    server.write(main="worker_priority 5;")
    server.start()
    assert nice(server.workers()[0]) == 5
    assert nice(server.pid) == nice(os.getpid())


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
def test_a_higher_priority_is_set_before_rights_are_dropped(server):
    server.write(main="worker_priority -5;")
    server.start()
    assert nice(server.workers()[0]) == -5


@pytest.mark.parametrize("value", ["21", "-21", "high", "-"])
def test_priorities_that_are_none(server, value):
    server.write(main=f"worker_priority {value};")
    done = server.run("-t")
    assert done.returncode == 1
    assert '"worker_priority" takes -20 (first) to 20 (last)' in done.stderr


def test_core_files_are_as_large_as_allowed(server):
    server.write(main="worker_rlimit_core 1m;")
    server.start()
    assert core_limit(server.workers()[0]) == ("1048576", "1048576")
    server.write(main="worker_rlimit_core 0;")
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: generation 2 serves")
    wait_until(lambda: [core_limit(p) for p in server.workers()] ==
               [("0", "0")] * 2, "the new limit")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root")
@pytest.mark.parametrize("size, owner", [("1m", "nobody"), ("0", "root")])
def test_only_who_asks_for_core_files_can_be_dumped(server, size, owner):
    """/proc/PID belongs to root where a process cannot."""
    os.chmod(server.folder, 0o755)
    server.write(main=f"user nobody nogroup; worker_rlimit_core {size};")
    server.start()
    assert pathlib.Path(f"/proc/{server.workers()[0]}/fd").owner() == owner


def test_the_working_directory_is_where_workers_are(server):
    folder = server.folder / "cores"
    folder.mkdir()
    (server.folder / "html").mkdir()
    (server.folder / "html" / "index.html").write_text("index")
    server.write("server { listen 127.0.0.1:PORT; root html; }",
                 main="working_directory cores;")
    server.start()
    for pid in server.workers():
        assert os.readlink(f"/proc/{pid}/cwd") == str(folder)
    assert os.readlink(f"/proc/{server.pid}/cwd") == os.getcwd()
    assert server.get("/").body == b"index"
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: generation 2 serves")
    assert server.get("/").body == b"index"
    assert processes.is_alive(server.pid)


def test_a_working_directory_that_is_not_there_stops_nobody(server):
    server.may_alert = True
    server.write(main="working_directory gone;")
    server.start()
    server.wait_log(r"\[alert\].*working_directory .*gone: No such file")
    assert server.get().status == 200
