"""worker_group: programs as workers of a server, beside its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess

import pytest

import processes
import wire
from conftest import BINARY, wait_until
from groups import (
    ANSWER, answers, builtin_workers, group, needs_node, node_program,
    node_workers, who)
from upgrading import Upgrading


# -- one group ---------------------------------------------------------------------

@needs_node
def test_node_workers_serve_beside_the_builtin_ones(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    assert [who(port) for _ in range(8)].count(who(port)) == 4
    assert server.get().body == b"hello world\n"
    assert len(node_workers(server)) == 2
    assert len(builtin_workers(server)) == 2


@needs_node
def test_words_folder_and_variables_reach_the_program(server, free_port):
    port = free_port()
    folder = server.folder / "below"
    folder.mkdir()
    node_program(server, """
        require('http').createServer((request, response) => {
            response.end(JSON.stringify([
                process.execArgv, process.argv.slice(2), process.cwd(),
                process.env.ONE, process.env.TWO]));
        }).listen(process.env.LISTEN, '127.0.0.1');""")
    server.write(main=group(server, "app", port, f"""
        processes 1;
        exec_args --no-warnings;
        args --use https "two words";
        cwd {folder};
        env ONE=1;
        env "TWO=a b";"""))
    server.start()
    assert who(port) == (
        '[["--no-warnings"],["--use","https","two words"],'
        f'"{folder}","1","a b"]')


@needs_node
def test_a_group_without_args_gets_none_of_the_servers_own(server, free_port):
    port = free_port()
    node_program(server, """
        require('http').createServer((request, response) => {
            response.end(JSON.stringify(process.argv.slice(2)));
        }).listen(process.env.LISTEN, '127.0.0.1');""")
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    assert who(port) == "[]"


@needs_node
def test_the_embedded_http_block_is_left_out_for_a_group_of_g(tmp_path, free_port):
    port = free_port()
    (tmp_path / "app.js").write_text(ANSWER)
    process = subprocess.Popen(
        [str(BINARY), "-p", str(tmp_path), "-g",
         "user root root; worker_group app { exec node app.js; protocol node; "
         f"processes 2; env LISTEN={port}; }}"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)})
    try:
        assert process.stdout
        for line in process.stdout:
            if b"serves group app with 2" in line:
                break
        else:
            pytest.fail("it did not start")
        assert {who(port), who(port)} == {"1", "2"}
        assert not processes.children(process.pid, "cohort: worker")
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert process.returncode == 0


# -- respawn -------------------------------------------------------------------------

@needs_node
def test_a_killed_worker_is_followed_by_another_one(server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    before = node_workers(server)
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: len(set(node_workers(server)) - set(before)) == 1,
               "a new worker")
    wait_until(lambda: who(port) not in {"1", "2"}, "an answer of it")


@needs_node
def test_nobody_is_refused_while_the_only_worker_is_followed(server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    for _ in range(3):
        killed = node_workers(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not processes.is_alive(killed), "its end")
        assert who(port).isdigit()


@needs_node
def test_when_nobody_follows_the_address_is_closed(server, free_port):
    port = free_port()
    server.may_alert = True
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1; respawn off;"))
    server.start()
    os.kill(node_workers(server)[0], signal.SIGKILL)
    wait_until(lambda: not answers(port), "the address to be closed")


@needs_node
def test_workers_that_die_at_once_are_started_more_and_more_slowly(
        server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    (server.folder / "start.sh").write_text(
        "[ ! -e broken ] || exit 3; exec node app.js")  # a short life, surely
    server.write(main=f"""
        worker_group app {{
            exec /bin/sh start.sh;
            protocol node;
            processes 1;
            cwd {server.folder};
            env LISTEN={port};
        }}""")
    server.start()
    (server.folder / "broken").touch()
    os.kill(node_workers(server)[0], signal.SIGTERM)
    server.may_alert = True
    server.wait_log(r"died too soon or too often: the next one waits for 200")
    (server.folder / "broken").unlink()
    wait_until(lambda: answers(port), "it to be back")


@needs_node
@pytest.mark.parametrize(
    "respawn, follows", [("on", False), ("always", True), ("off", False)])
def test_respawn_says_whether_one_that_left_by_itself_is_followed(
        server, free_port, respawn, follows):
    port = free_port()
    node_program(server, ANSWER + """
        process.on('SIGUSR2', () => require('cluster').worker.disconnect());""")
    server.write(main=group(server, "app", port, f"processes 1; respawn {respawn};"))
    server.start()
    os.kill(node_workers(server)[0], signal.SIGUSR2)
    server.wait_log(r"exited with code 0, worker \d+")
    if follows:
        wait_until(lambda: node_workers(server), "another one")
    else:
        server.signal(signal.SIGHUP)  # a round trip, in which none has come
        server.wait_log("reload: generation 2 serves")
        assert len(re.findall("group app, generation", server.log())) <= 2


# -- reload --------------------------------------------------------------------------

@needs_node
def test_a_reload_keeps_a_group_that_is_declared_alike(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    before = node_workers(server)
    server.signal(signal.SIGHUP)
    server.wait_log("reload: generation 2 serves")
    assert node_workers(server) == before


@needs_node
def test_a_reload_with_another_number_starts_only_those_that_miss(
        server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    before = node_workers(server)
    server.write(main=group(server, "app", port, "processes 3;"))
    server.signal(signal.SIGHUP)
    wait_until(lambda: len(node_workers(server)) == 3, "three workers")
    assert before[0] in node_workers(server)


@needs_node
def test_a_reload_replaces_a_changed_group_and_loses_no_request(
        server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    for round in range(3):
        before = node_workers(server)
        server.write(main=group(server, "app", port, f"processes 2; env ROUND={round};"))
        server.signal(signal.SIGHUP)
        done = f"reload: generation {round + 2} serves"
        while done not in server.log():
            assert who(port).isdigit()
        wait_until(lambda: not set(before) & set(node_workers(server)),
                   "the old ones to leave")
        assert len(node_workers(server)) == 2
        assert who(port).isdigit()


@needs_node
def test_a_reload_ends_a_group_that_is_not_there_any_more(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    server.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not node_workers(server), "the worker to leave")
    wait_until(lambda: not wire.is_open(port), "its address to be closed")
    assert server.get().status == 200


@needs_node
@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_what_waits_at_an_address_that_goes_is_still_served(
        server, free_port, policy):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(
        server, "app", port,
        f"processes 2; scheduling_policy {policy}; worker_watchdog off;"))
    server.start()
    for pid in node_workers(server):
        os.kill(pid, signal.SIGSTOP)
    waiting = [socket.create_connection(("127.0.0.1", port), timeout=20)
               for _ in range(10)]
    server.write()
    server.signal(signal.SIGHUP)
    server.wait_log("reload: generation 2 serves")
    for pid in node_workers(server):
        os.kill(pid, signal.SIGCONT)
    for connection in waiting:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        connection.close()
    wait_until(lambda: not node_workers(server), "the workers to leave")
    wait_until(lambda: not wire.is_open(port), "their address to be closed")


@needs_node
def test_a_group_whose_workers_cannot_start_fails_the_reload(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    before = node_workers(server)
    for wrong, why in (
            ("env BROKEN=1;", "of the group app ended with status 3"),
            ("cwd /does/not/exist;", "No such file or directory")):
        node_program(server, ANSWER + "if (process.env.BROKEN) process.exit(3);")
        server.write(main=group(server, "app", port, "processes 2;" + wrong))
        server.signal(signal.SIGHUP)
        server.wait_log(f"reload: kept generation 1: .*{why}")
        wait_until(lambda: node_workers(server) == before, "what was")
        assert who(port) in {"1", "2"}


# -- a start that fails ----------------------------------------------------------------

def test_a_program_that_is_not_there_fails_the_start_and_says_so(server):
    server.write(main="""
        worker_group app { exec /does/not/exist --word; }""")
    result = server.run()
    assert result.returncode == 1
    assert ("cannot start /does/not/exist: No such file or directory"
            in result.stderr)
    assert re.search(r"worker \d+ of the group app", result.stderr)


# -- addresses -------------------------------------------------------------------------

@needs_node
def test_an_address_of_the_builtin_service_is_not_had_twice(server):
    node_program(server, ANSWER)
    server.write(main=group(server, "app", server.port, "processes 1;"))
    result = server.run()
    assert result.returncode == 1
    assert re.search(
        f"127.0.0.1:{server.port}: it belongs to the worker group main",
        result.stderr + server.log())
    assert "EADDRINUSE" in result.stderr  # the program's own error


@needs_node
def test_an_address_of_another_group_is_not_had_twice(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    server.write(main=group(server, "app", port, "processes 1;") +
                 group(server, "other", port, "processes 1;"))
    server.signal(signal.SIGHUP)
    server.wait_log("it belongs to the worker group app")
    server.wait_log("reload: kept generation 1")
    assert who(port) == "1"


@needs_node
def test_the_builtin_service_does_not_take_an_address_of_a_group(
        server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    server.write(f"server {{ listen 127.0.0.1:{port}; }}",
                 main=group(server, "app", port, "processes 1;"))
    server.signal(signal.SIGHUP)
    server.wait_log("kept generation 1: .*it belongs to the worker group app")
    assert who(port) == "1"


@needs_node
def test_an_address_may_go_from_one_to_another_group(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    server.write(main=group(server, "other", port, "processes 1;"))
    server.signal(signal.SIGHUP)
    server.wait_log("reload: generation 2 serves .* group other with 1")
    wait_until(lambda: len(node_workers(server)) == 1, "the first to leave")
    assert who(port).isdigit()
    server.write(f"server {{ listen 127.0.0.1:{port}; return 200 main; }}")
    server.signal(signal.SIGHUP)
    server.wait_log("reload: generation 3 serves")
    wait_until(lambda: who(port) == "main", "the built-in service")


# -- a new binary ------------------------------------------------------------------------

@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


@needs_node
def test_a_new_binary_starts_the_groups_beside_the_old_ones(
        upgrading, free_port):
    port = free_port()
    node_program(upgrading, ANSWER)
    upgrading.write(main=group(upgrading, "app", port, "processes 2;"))
    upgrading.start()
    old = upgrading.primary
    upgrading.install()
    done = upgrading.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    new = upgrading.wait_primary(old)
    while processes.is_alive(old):
        assert who(port).isdigit()
    assert int(who(port)) > 4  # ids go on: 1 to 4 were the old ones
    assert len(processes.children(new, "node")) == 2
