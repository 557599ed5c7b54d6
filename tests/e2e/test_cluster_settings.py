"""The cluster's settings: merged, checked, used by later forks."""

from __future__ import annotations

import json
import os
import pathlib
import time
import urllib.request

import pytest

import processes
from cluster import PRIMARY, WORKER, connect, make_primary, primary
from conftest import wait_until

pytestmark = pytest.mark.quick


def test_exec_is_this_program_by_default_and_main_runs_again(make_primary):
    primary = make_primary("some", "words", exec=None)
    primary.tell("fork")
    primary.wait('^cluster message 1 "words some words"')


def test_exec_is_looked_up_in_path(make_primary):
    primary = make_primary(
        exec=None, env={"PATH": f"{WORKER.parent}:{os.environ['PATH']}"})
    primary.ask("setup exec cluster_worker", "^setup: 0")
    primary.fork().ask("hello", "hello")


def test_exec_args_stand_before_args(primary):
    primary.ask("setup exec_args --first", "^setup: 0")
    primary.ask("setup args --second third", "^setup: 0")
    primary.fork()
    primary.wait('^cluster message 1 "word third"')
    words = [one[1] for one in primary.find('^cluster message 1 "word (.*)"')]
    assert words == ["--first", "--second", "third"]


def test_setup_merges_and_only_later_forks_see_it(primary):
    primary.ask("setup args --use https", "^setup: 0")
    primary.fork()
    primary.wait('^cluster message 1 "word https"')
    primary.ask("setup args --use http", "^setup: 0")
    primary.fork()
    primary.wait('^cluster message 2 "word http"')
    primary.ask("settings", rf"^settings exec {WORKER} --use http ")


def test_cwd_is_the_workers_folder(primary, tmp_path):
    primary.ask(f"setup cwd {tmp_path}", "^setup: 0")
    primary.fork().ask("show cwd", f"cwd {tmp_path}")


def test_a_bad_serialization_is_refused_whole(primary):
    primary.ask("setup serialization 9", "^setup: -22")
    primary.ask("settings", "serialization 1 ")


def test_not_silent_workers_write_where_the_primary_does(make_primary):
    primary = make_primary(exec="/bin/sh")
    primary.ask("setup args -c echo${IFS}from${IFS}the${IFS}worker", "^setup: 0")
    primary.tell("fork")
    primary.wait("^from the worker$")


def test_silent_pipes_the_standard_streams(make_primary):
    primary = make_primary(exec="/bin/sh")
    primary.ask("setup args -c echo${IFS}hidden;exec${IFS}sleep${IFS}9",
                "^setup: 0")
    primary.ask("setup silent yes", "^setup: 0")
    primary.tell("fork")
    wait_until(lambda: primary.ask("stdio 1 1", "^stdio: ").string ==
               "stdio: hidden", "the worker's output")
    assert not primary.find("^hidden")
    primary.ask("stdio 1 3", "^stdio: none")


def test_a_stdio_list_replaces_silent_and_may_be_long(
        make_primary, tmp_path):
    log = tmp_path / "log"
    primary = make_primary(exec="/bin/sh")
    primary.ask(
        "setup args -c echo${IFS}one;echo${IFS}two>&4;echo${IFS}three>&5;"
        "exec${IFS}sleep${IFS}9", "^setup: 0")
    primary.ask(f"setup stdio null {log} inherit ipc pipe {log}", "^setup: 0")
    primary.tell("fork")
    wait_until(lambda: log.exists() and log.read_text() == "one\nthree\n",
               "both lines in the file")
    primary.ask("stdio 1 4", "^stdio: two")


def test_stdio_may_lend_a_descriptor(make_primary):
    primary = make_primary(exec="/bin/sh")
    primary.ask("setup args -c echo${IFS}lent>&3", "^setup: 0")
    primary.ask("setup stdio null null null fd:1 ipc", "^setup: 0")
    primary.tell("fork")
    primary.wait("^lent$")


def test_the_channel_may_be_any_descriptor(primary):
    primary.ask("setup stdio ipc inherit inherit", "^setup: 0")
    primary.fork().ask("hello", "hello")


def test_a_program_listens_on_what_it_was_given_whatever_is_set_up_then(
        make_primary, free_port):
    """In the same turn, before it is known that the program runs."""
    port = free_port()
    primary = make_primary(exec="/bin/sleep")
    number = primary.ask(f"open {port} listen", r"^opened (\d+)")[1]
    primary.ask("setup args 1000", "^setup: 0")
    primary.ask("setup protocol listen_fds", "^setup: 0")
    primary.ask(f"setup stdio null inherit inherit fd:{number}", "^setup: 0")
    primary.tell(
        f"fork\nsetup stdio null inherit inherit\nclose {number}")
    primary.wait(f"^cluster listening 1 4 127.0.0.1 {port} fd -1$")
    assert primary.find("^cluster ready 1$")


@pytest.mark.parametrize("entries", [
    "inherit inherit inherit", "inherit ipc ipc", "fd:-1 ipc"])
def test_a_bad_stdio_list_is_refused_whole(primary, entries):
    primary.ask(f"setup stdio {entries}", "^setup: -22")
    primary.fork().ask("hello", "hello")


def test_a_stdio_file_that_cannot_be_opened_forks_nothing(primary):
    primary.ask("setup stdio inherit /does/not/exist inherit ipc", "^setup: 0")
    primary.ask("fork", "^fork: No such file")
    primary.ask("workers", "^workers 0:")


def test_a_fork_in_want_of_descriptors_says_so_and_leaves_nothing(primary):
    """Channel, its memory, the report, the process: each may fail alone."""
    primary.fork()
    before = processes.descriptors(primary.pid)
    for free in range(20):
        start = len(primary.lines)
        with processes.starved(primary.pid, free):
            primary.ask("fork", r"^fork: Too many open files|^forked \d+")
        if primary.find("^forked", start):
            break
        assert len(primary.find(
            "cannot .* worker.*: Too many open|cannot make a process: Too many",
            start)) == 1
        assert processes.descriptors(primary.pid) == before
    assert 3 < free < 19
    primary.ask("workers", "^workers 2:")
    primary.fork().ask("hello", "hello")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become others")
@pytest.mark.parametrize("user,group,ids", [
    ("65534", "65534", "65534 65534"), ("nobody", "", r"65534 65534"),
    ("65534", "daemon", "65534 1")])
def test_uid_and_gid_by_number_and_name(make_primary, user, group, ids):
    primary = make_primary(exec="/bin/sh")
    primary.ask("setup args -c id${IFS}-u;id${IFS}-g", "^setup: 0")
    primary.ask(f"setup user {user}", "^setup: 0")
    if group:
        primary.ask(f"setup group {group}", "^setup: 0")
    primary.tell("fork")
    for number in ids.split():
        primary.wait(f"^{number}$", ids.split().count(number))


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become others")
def test_supplementary_groups(make_primary):
    primary = make_primary(exec="/bin/sh")
    primary.ask("setup args -c id${IFS}-G", "^setup: 0")
    primary.ask("setup user 65534", "^setup: 0")
    primary.ask("setup group 65534", "^setup: 0")
    primary.ask("setup groups 1 bin", "^setup: 0")
    primary.tell("fork")
    primary.wait("^65534 1 2$")


@pytest.mark.skipif(os.getuid() != 0, reason="only root has it to lose")
def test_without_the_privilege_it_is_an_error_and_nothing_runs(make_primary):
    primary = make_primary(exec=None, wrapper=[
        "setpriv", "--bounding-set=-setuid,-setgid"])
    primary.ask("setup exec /bin/echo", "^setup: 0")
    primary.ask("setup args it runs", "^setup: 0")
    primary.ask("setup user 65534", "^setup: 0")
    primary.tell("fork")
    primary.wait("^cluster error 1 .*: Operation not permitted")
    primary.wait("^cluster disconnect 1")
    assert not primary.find("^it runs")


@pytest.mark.parametrize("setting", [
    "user nobody-of-that-name", "group none-of-that-name",
    "user 99999999999", "groups 1 none-of-that-name"])
def test_an_unknown_user_or_group_is_refused_whole(primary, setting):
    primary.ask(f"setup {setting}", "^setup: -22")
    member, *_, name = setting.split()
    assert primary.find(
        f'cannot set up workers: {member} names "{name}", which does not exist')
    primary.fork().ask("hello", "hello")


def test_the_inspect_port_answers_with_the_inner_state(primary, free_port):
    port = free_port()
    primary.ask(f"setup inspect_port {port}", "^setup: 0")
    workers = [primary.fork(), primary.fork()]
    at = workers[0].listen()
    for i, worker in enumerate(workers):
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port + i}/", timeout=10) as response:
            state = json.load(response)
        assert state["worker"] == worker.id
        assert state["pid"] == worker.pid
        assert [one["port"] for one in state["listenings"]] == \
            ([at] if i == 0 else [])


def test_the_inspect_port_is_silent_while_there_are_no_descriptors(
        primary, free_port):
    port = free_port()
    primary.ask(f"setup inspect_port {port}", "^setup: 0")
    worker = primary.fork()
    worker.ask("hello", "hello")
    with processes.starved(worker.pid, 0):
        client = connect(port)
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        before = processes.cpu_time(worker.pid)
        time.sleep(0.5)
        assert processes.cpu_time(worker.pid) - before < 0.1
    with client:
        assert client.recv(100).startswith(b"HTTP/1.0 200 ")


def test_the_inspect_port_behind_the_last_one_is_1024(make_primary):
    """Workers that are replaced again and again do not run out of ports."""
    primary = make_primary(exec="/bin/echo")
    primary.ask("setup protocol node", "^setup: 0")
    primary.ask("setup exec_args --inspect", "^setup: 0")
    primary.ask("setup inspect_port 65534", "^setup: 0")
    for port in (65534, 65535, 1024, 1025):
        primary.tell("fork")
        primary.wait(f"^--inspect --inspect-port={port}$")


def test_a_port_function_that_gives_no_port_forks_nothing(primary):
    primary.ask("setup inspect_port function", "^setup: 0")
    primary.ask("fork", "^fork: Invalid argument")


def test_a_port_function_is_asked_for_each_worker(primary, free_port):
    port = free_port()
    primary.ask(f"setup inspect_port function {port}", "^setup: 0")
    for i in range(2):
        worker = primary.fork()
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port + 2 * i}/", timeout=10) as response:
            assert json.load(response)["worker"] == worker.id


def test_an_inspect_port_out_of_range_is_refused(primary):
    primary.ask("setup inspect_port 70000", "^setup: -22")


def test_windows_hide_is_accepted(primary):
    primary.ask("setup windows_hide yes", "^setup: 0")
