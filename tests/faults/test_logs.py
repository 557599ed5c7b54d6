"""Logs that are rotated, full or on a full disk: no request waits, no line
is lost in silence."""

import os
import pathlib
import re
import resource
import signal
import subprocess

import pytest

import admin
import figures
import inside
import processes
from conftest import PATIENCE, wait_until
from counting import Counting, assert_nothing_lost, write_hello

LINE = re.compile(rb"^GET / 200 \d+ end$")


def logging_to(server, log, main=""):
    write_hello(server, main=main, http=f"""
        log_format short '$request_method $uri $status $request_length end';
        access_log {log} short buffer=4k flush=50ms;""")


def dropped_by_metrics(server, name="cohort_http_log_lines_dropped_total"):
    text = admin.ask(server, "GET", "/metrics").body.decode()
    return int(re.search(
        rf"^{re.escape(name)} (\d+)$", text, re.MULTILINE)[1])


def error_lines_dropped(server):
    """Those of the primary, those of workers."""
    return [dropped_by_metrics(
        server, f'cohort_error_log_lines_dropped_total{{process="{which}"}}')
            for which in ("primary", "worker")]


def quit(server):
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0


def test_rotation_loses_and_doubles_no_line(server):
    log = server.folder / "access.log"
    logging_to(server, log)
    server.start()
    times = figures.rounds(20, 100)
    with Counting(server) as load:
        for number in range(times):
            load.wait_more(50)
            log.rename(server.folder / f"access.log.{number}")
            if number % 2:
                assert admin.ask(server, "POST", "/v1/reopen").status == 200
            else:
                server.signal(signal.SIGUSR1)
            wait_until(log.exists, "the log to be opened anew")
        case = f"{times} rotations"
        tally = load.stop(case)
    quit(server)
    lines = [line for one in server.folder.glob("access.log*")
             for line in one.read_bytes().splitlines()]
    figures.show(case, f"{len(lines)} lines of {tally['answered']} requests")
    assert_nothing_lost(tally)
    assert len(lines) == tally["answered"]
    assert [line for line in lines if not LINE.match(line)] == []


def test_lines_are_whole_over_reloads_and_scaling(server):
    log = server.folder / "access.log"
    logging_to(server, log)
    server.start()
    with Counting(server) as load:
        for count in (4, 1, 3, 2):
            assert admin.ask(server, "PATCH", "/v1/groups/main",
                             {"processes": count}).status == 200
            assert admin.ask(server, "POST", "/v1/reload").status == 200
            load.wait_more(500)
        case = "log over reloads and scaling"
        tally = load.stop(case)
    quit(server)
    lines = log.read_bytes().splitlines()
    figures.show(case, f"{len(lines)} lines of {tally['answered']} requests")
    assert_nothing_lost(tally)
    assert len(lines) == tally["answered"]
    assert [line for line in lines if not LINE.match(line)] == []


@pytest.mark.parametrize("what", ["access", "error", "both"])
def test_a_log_that_is_always_full(server, what):
    if what == "access":
        logging_to(server, "/dev/full")
    elif what == "error":
        logging_to(server, server.folder / "access.log",
                   "error_log /dev/full info;")
    else:
        logging_to(server, "/dev/full", "error_log /dev/full info;")
    server.start()
    with Counting(server) as load:
        load.wait_more(2000)
        assert admin.ask(server, "POST", "/v1/reload").status == 200
        assert admin.ask(server, "POST", "/v1/reopen").status == 200
        load.wait_more(2000)
        tally = load.stop(f"/dev/full as {what} log")
    assert_nothing_lost(tally)
    if what == "access":
        server.wait_log(r"/dev/full.*lines dropped")
        assert error_lines_dropped(server) == [0, 0]
    else:
        server.raw(b"no request\r\n\r\n")  # that is told in the error log
        wait_until(lambda: min(error_lines_dropped(server)) > 0,
                   "dropped lines to be counted")
    assert (dropped_by_metrics(server) > 0) == (what != "error")


@pytest.fixture
def tiny_disk(tmp_path: pathlib.Path):
    """A disk of 256 KiB, until it is remounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(disk)],
        capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("may not mount a disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_disk_that_fills_up_and_is_freed(server, tiny_disk):
    """Every line is on the disk or said to be dropped; one may be cut."""
    log = tiny_disk / "access.log"
    logging_to(server, log)
    server.start()
    with Counting(server) as load:
        server.wait_log(r"access\.log.*took no more")
        load.wait_more(2000)
        with inside.stopped(load.process.pid):
            first = log.read_bytes()
            os.truncate(log, 0)
            # Or it would be full again if we did not run for a second.
            subprocess.run(["mount", "-o", "remount,size=64m", str(tiny_disk)],
                           check=False)
        load.wait_more(200)
        server.wait_log(r"access\.log.*is written again")
        case = "disk full and freed"
        tally = load.stop(case)
    counter = dropped_by_metrics(server)
    quit(server)
    dropped = sum(map(int, re.findall(
        r"is written again, (\d+) lines were dropped", server.log())))
    lines = first.splitlines() + log.read_bytes().splitlines()
    kept = sum(1 for line in lines if LINE.match(line))
    cut = sum(1 for line in lines if line and not LINE.match(line))
    figures.show(case, f"{kept} lines kept, {dropped} said to be dropped, {cut}"
                 f" cut, of {tally['answered']} requests")
    assert_nothing_lost(tally)
    assert cut <= 2  # once in each worker
    assert 0 <= tally["answered"] - kept - dropped <= cut
    assert counter == dropped


def test_files_that_may_grow_no_more(server):
    log = server.folder / "access.log"
    logging_to(server, log)
    server.start()
    family = [server.pid, *processes.descendants(server.pid)]
    for pid in family:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (20_000, -1))
    with Counting(server) as load:
        server.wait_log(r"access\.log.*took no more.*File too large")
        load.wait_more(1000)
        for pid in family:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (-1, -1))
        load.wait_more(200)
        server.wait_log(r"access\.log.*is written again")
        tally = load.stop("files that may grow no more")
    assert_nothing_lost(tally)
    assert all(map(processes.is_alive, family))


@pytest.mark.parametrize("what", ["access", "error"])
def test_a_pipe_whose_reader_goes(server, what):
    """Nobody is ended by it, the primary least of all."""
    fifo = server.folder / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    if what == "access":
        logging_to(server, fifo)
    else:
        logging_to(server, server.folder / "access.log",
                   f"error_log {fifo} debug;")
    server.start()
    with Counting(server) as load:
        load.wait_more(200)
        os.close(reader)
        for _ in range(3):
            assert admin.ask(server, "POST", "/v1/reload").status == 200
            load.wait_more(500)
        tally = load.stop(f"the reader of the {what} log goes")
    assert_nothing_lost(tally)
