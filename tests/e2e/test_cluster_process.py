"""The cluster's processes, policies and listening: what CLUSTER in Node's
documentation says under "how it works", a test per feature."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import time

import pytest

import processes
from cluster import (
    PRIMARY, WORKER, answer, connect, make_primary, primary, spread)
from conftest import IS_SANITIZED, PATIENCE, wait_until

pytestmark = pytest.mark.quick


def test_a_worker_is_a_child_process_with_a_channel(primary):
    worker = primary.fork()
    assert processes.parent(worker.pid) == primary.pid
    assert worker.ask("hello", "hello")


def test_a_program_has_as_many_workers_as_it_forks(primary):
    for _ in range(3):
        primary.fork()
    assert primary.ask("workers", "^workers").string == "workers 3: 1 2 3"


def test_roles_are_decided_before_main(primary):
    primary.wait("^primary 1 worker 0 self 0")
    assert primary.fork().ask("show self", "self 1 primary 0 worker 1 current 1")


def test_a_worker_cannot_be_a_primary(primary):
    assert primary.fork().ask("show primary", "primary Operation not permitted")


def test_the_role_variables_are_deleted_and_the_forks_own_ones_lose(primary):
    worker = primary.fork("COHORT_WORKER_ID=99", "EXTRA=more")
    worker.ask("show env", r"env \(null\)\|\(null\)\|\(null\)\|more")
    worker.ask("show self", "self 1 ")


def test_grandchildren_are_no_workers(primary):
    primary.fork().ask("grandchild", "grandchild 0")


@pytest.mark.parametrize("name", ["least_conn", "shared", "reuseport"])
def test_the_policy_is_frozen_by_the_first_fork(make_primary, name):
    primary = make_primary(exec=None)
    primary.policy(name)
    primary.tell(f"setup exec {WORKER}")
    primary.fork()
    primary.ask("policy round_robin", "^policy: -16")
    primary.ask("policy round_robin", f"^policy is {name}")


def test_the_policy_is_frozen_by_the_first_setup_too(make_primary):
    primary = make_primary(exec=None)
    primary.ask("setup silent no", "^setup: 0")
    primary.ask("policy shared", "^policy: -16")


def test_a_policy_that_does_not_exist_is_refused(make_primary):
    primary = make_primary(exec=None)
    primary.ask("policy 9", "^policy: -22")
    primary.ask("policy shared", "^policy is shared")


@pytest.mark.parametrize("value,name", [
    ("rr", "round_robin"), ("none", "shared"), ("least_conn", "least_conn"),
    ("", "round_robin"), ("nonsense", "round_robin")])
def test_the_policy_comes_from_the_environment(make_primary, value, name):
    primary = make_primary(exec=None, env={"COHORT_SCHED_POLICY": value})
    primary.ask("policy nothing", f"^policy is {name}")


def test_an_assigned_policy_outranks_the_environment(make_primary):
    primary = make_primary(exec=None, env={"COHORT_SCHED_POLICY": "none"})
    primary.policy("reuseport")


def test_400_connections_are_100_for_each_of_4_idle_workers(primary):
    workers = [primary.fork() for _ in range(4)]
    ports = {worker.listen() for worker in workers}
    assert len(ports) == 1
    counts = spread(ports.pop(), 400)
    assert sorted(counts.values()) == pytest.approx([100] * 4, abs=1)


def test_round_robin_is_for_paths_too(primary, tmp_path):
    for _ in range(2):
        primary.fork().listen(f"unix:{tmp_path}/socket")
    served = []
    for _ in range(10):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(f"{tmp_path}/socket")
            served.append(client.recv(10))
    assert sorted(served) == [b"1\n"] * 5 + [b"2\n"] * 5


def test_a_stopped_worker_keeps_no_connection_waiting(primary):
    first, second = primary.fork(), primary.fork()
    port = first.listen()
    second.listen()
    os.kill(first.pid, 19)
    try:
        assert spread(port, 20) == {second.id: 20}
    finally:
        os.kill(first.pid, 18)


@pytest.mark.parametrize("name", ["shared", "least_conn", "reuseport"])
def test_every_policy_serves_with_all_workers(make_primary, name):
    primary = make_primary(exec=None)
    primary.policy(name)
    primary.tell(f"setup exec {WORKER}")
    workers = [primary.fork() for _ in range(2)]
    ports = {worker.listen() for worker in workers}
    assert set(spread(ports.pop(), 60)) == {1, 2}
    assert not ports


def test_a_listen_may_have_a_policy_of_its_own(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "policy=shared")
    assert answer(port) == worker.id


def test_least_conn_prefers_who_has_less(make_primary):
    primary = make_primary(exec=None)
    primary.policy("least_conn")
    primary.tell(f"setup exec {WORKER}")
    holder, free = primary.fork(), primary.fork()
    port = holder.listen("127.0.0.1:0", "hold")
    held = [connect(port) for _ in range(4)]
    for one in held:
        assert one.recv(10) == b"1\n"
    free.listen()
    assert spread(port, 10) == {free.id: 10}


def test_listen_fd_means_the_primarys_descriptor(primary, free_port):
    port = free_port()
    number = primary.ask(f"open {port}", r"^opened (\d+)")[1]
    worker = primary.fork()
    worker.listen(f"fd:{number}")
    primary.wait(rf"^cluster listening {worker.id} 4 - {port} fd {number}")
    assert answer(port) == worker.id


@pytest.mark.parametrize("number,error", [
    (0, "Invalid argument"), (999, "Bad file descriptor")])
def test_listen_fd_on_what_cannot_listen_is_an_error(primary, number, error):
    worker = primary.fork()
    worker.tell(f"listen fd:{number}")
    primary.wait(f'message {worker.id} "error {error}')
    worker.ask("hello", "hello")


@pytest.mark.parametrize("options", ["", "udp"])
def test_listen_fd_gives_no_socket_of_another_kind_away(primary, options):
    """The channel of another worker is a descriptor of the primary, too."""
    worker = primary.fork()
    for number in range(3, 40):
        worker.tell(f"listen fd:{number} {options}")
    primary.wait(f'message {worker.id} "error ', 37)
    assert not primary.find(f'message {worker.id} "listens')
    before = processes.descriptors(primary.pid)
    worker.tell(f"listen fd:0 {options}")
    primary.wait(f'message {worker.id} "error ', 38)
    assert processes.descriptors(primary.pid) == before


def test_listen_on_an_own_handle_does_not_ask_the_primary(primary, free_port):
    port = free_port()
    worker = primary.fork()
    worker.listen(f"own:{port}")
    assert answer(port) == worker.id
    assert not primary.find("listening")


def test_port_zero_is_one_port_per_ordinal(primary):
    first, second = primary.fork(), primary.fork()
    ports = [first.listen(), first.listen()]
    assert ports[0] != ports[1]
    assert [second.listen(), second.listen()] == ports
    assert {answer(ports[1]) for _ in range(4)} == {1, 2}


def test_the_ordinal_begins_anew_when_all_are_closed(primary):
    first, second = primary.fork(), primary.fork()
    port = first.listen()
    second.listen()
    first.ask("close 0", "closed 0")
    assert first.listen() == port


def test_a_port_of_ones_own_is_made_from_the_id(primary, free_port):
    port = free_port()
    for _ in range(2):
        worker = primary.fork()
        assert worker.listen(f"127.0.0.1:{port + worker.id}") == port + worker.id
        assert answer(port + worker.id) == worker.id


def test_exclusive_binds_in_the_worker(primary, free_port):
    port = free_port()
    first, second = primary.fork(), primary.fork()
    assert first.listen(f"127.0.0.1:{port}", "exclusive") == port
    second.ask(f"listen 127.0.0.1:{port} exclusive",
               "listen: Address already in use")
    assert first.listen("127.0.0.1:0", "exclusive") != \
        second.listen("127.0.0.1:0", "exclusive")
    assert not primary.find("^cluster listening")


def test_exclusive_with_reuseport_shares_the_port(primary, free_port):
    port = free_port()
    for worker in (primary.fork(), primary.fork()):
        worker.listen(f"127.0.0.1:{port}", "exclusive policy=reuseport")
    assert set(spread(port, 60)) == {1, 2}


def test_the_backlog_is_the_largest_of_all_workers(primary):
    first, second = primary.fork(), primary.fork()
    port = first.listen("127.0.0.1:0", "backlog=8")
    assert backlog(port) == 8
    second.listen("127.0.0.1:0", "backlog=64")
    assert backlog(port) == 64
    primary.fork().listen("127.0.0.1:0", "backlog=16")
    assert backlog(port) == 64


def test_the_backlog_is_511_when_nobody_says_another(primary):
    assert backlog(primary.fork().listen()) == 511


def backlog(port: int) -> int:
    output = subprocess.run(
        ["ss", "-ltnH", f"sport = :{port}"], capture_output=True, text=True)
    return int(output.stdout.split()[2]) if output.returncode == 0 else -1


def test_a_full_worker_lets_others_have_the_connection(primary):
    full, free = primary.fork(), primary.fork()
    port = full.listen("127.0.0.1:0", "hold max=2")
    held = [connect(port) for _ in range(2)]
    for one in held:
        assert one.recv(10) == b"1\n"
    free.listen("127.0.0.1:0")
    assert spread(port, 10) == {free.id: 10}


def test_when_all_are_full_connections_wait_and_nobody_spins(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold max=1")
    first = connect(port)
    assert first.recv(10) == b"1\n"
    waiting = [connect(port) for _ in range(5)]
    before = processes_time(primary.pid)
    time.sleep(0.5)
    assert processes_time(primary.pid) - before < 0.1
    worker.tell("limit 0 100")
    for one in waiting:
        one.settimeout(PATIENCE)
        assert one.recv(10) == b"1\n"


def processes_time(pid: int) -> float:
    """CPU seconds used."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_limit_of_0_is_none(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold max=1")
    worker.tell("limit 0 0")
    worker.ask("hello", "hello")
    held = [connect(port) for _ in range(20)]
    for one in held:
        assert one.recv(10) == b"1\n"
        one.close()


def test_dropping_closes_what_is_too_much(primary):
    worker = primary.fork()
    port = worker.listen("127.0.0.1:0", "hold max=1 drop")
    first = connect(port)
    assert first.recv(10) == b"1\n"
    with connect(port) as second:
        assert second.recv(10) == b""
    primary.wait(f'message {worker.id} "drop 0')


def test_unix_sockets_have_their_mode_and_go_with_the_last_worker(
        primary, tmp_path):
    path = tmp_path / "socket"
    first, second = primary.fork(), primary.fork()
    assert first.listen(f"unix:{path}", "mode=0660") == -1
    second.listen(f"unix:{path}")
    primary.wait(rf"^cluster listening {first.id} unix {path} -1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        assert client.recv(10) in (b"1\n", b"2\n")
    first.tell("close 0")
    second.tell("close 0")
    wait_until(lambda: not path.exists(), "the socket's file to go")


def test_a_relative_unix_path_is_the_workers(make_primary, tmp_path):
    primary = make_primary()
    primary.ask(f"setup cwd {tmp_path}", "^setup: 0")
    primary.fork().listen("unix:here")
    assert (tmp_path / "here").is_socket()


def test_ipv6_only_leaves_ipv4_alone(primary):
    worker = primary.fork()
    both = worker.listen("[::]:0")
    only = worker.listen("[::]:0", "ipv6only")
    assert answer(both) == worker.id
    with pytest.raises(OSError):
        connect(only)
    with connect(only, "::1") as client:
        assert client.recv(10)


def test_a_port_alone_listens_on_all_addresses(primary):
    worker = primary.fork()
    port = worker.listen("0")
    assert answer(port) == worker.id
    with connect(port, "::1") as client:
        assert client.recv(10)
    primary.wait(rf"^cluster listening {worker.id} 6 - {port}")


def test_udp_is_one_socket_for_all(primary):
    first, second = primary.fork(), primary.fork()
    port = first.listen("127.0.0.1:0", "udp")
    assert second.listen("127.0.0.1:0", "udp") == port
    primary.wait(rf"^cluster listening 1 udp4 127.0.0.1 {port}")


def datagram(worker, port):
    """Who answers one: the id that the worker says."""
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"who", ("127.0.0.1", port))
        worker.tell("datagram 0")
        return int(client.recv(10))


def test_an_exclusive_udp_socket_is_the_workers_own(primary, free_port):
    port = free_port()
    first, second = primary.fork(), primary.fork()
    assert first.listen(f"127.0.0.1:{port}", "udp exclusive") == port
    second.ask(f"listen 127.0.0.1:{port} udp exclusive",
               "listen: Address already in use")
    assert datagram(first, port) == 1
    assert not primary.find("listening")


def test_exclusive_udp_sockets_share_a_port_with_reuseport(primary, free_port):
    port = free_port()
    for worker in (primary.fork(), primary.fork()):
        assert worker.listen(f"127.0.0.1:{port}",
                             "udp exclusive policy=reuseport") == port
    with socket.socket(type=socket.SOCK_DGRAM) as another:
        with pytest.raises(OSError):
            another.bind(("127.0.0.1", port))


def test_a_udp_socket_of_ones_own_is_adopted(primary, free_port):
    port = free_port()
    worker = primary.fork()
    assert worker.listen(f"own:{port}", "udp") == port
    assert datagram(worker, port) == 1
    worker.ask(f"listen tcp:{free_port()} udp", "listen: Invalid argument")


def test_a_bind_error_reaches_the_worker_and_the_primary_goes_on(
        primary, free_port):
    port = free_port()
    worker = primary.fork()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        worker.tell(f"listen 127.0.0.1:{port}")
        primary.wait(
            rf'message {worker.id} "error Address already in use: .*:{port}')
    assert worker.listen(f"127.0.0.1:{port}") == port


def test_the_last_worker_that_leaves_closes_the_port(primary):
    worker = primary.fork()
    port = worker.listen()
    worker.tell("close 0")
    worker.ask("hello", "hello")
    with pytest.raises(OSError):
        connect(port)


@pytest.mark.alone
def test_workers_die_with_the_primary(make_primary):
    """Within a second, also one that does not come back to its loop."""
    primary = make_primary()
    workers = [primary.fork() for _ in range(2)]
    workers[0].ask("spin", "spins")
    primary.process.kill()
    primary.process.wait()
    dead = time.monotonic()
    for worker in workers:
        wait_until(lambda: not processes.is_alive(worker.pid), "the worker's end")
    assert time.monotonic() - dead < (5 if IS_SANITIZED else 1)


def test_a_worker_has_time_for_its_last_words_when_the_primary_dies(
        make_primary, tmp_path):
    farewell = tmp_path / "farewell"
    primary = make_primary(env={"FAREWELL": str(farewell)})
    primary.fork().listen()
    primary.process.kill()
    wait_until(farewell.exists, "the last words")


def test_both_run_on_a_base_of_the_programs(make_primary):
    primary = make_primary(env={"OWN_BASE": "1"})
    workers = [primary.fork() for _ in range(2)]
    port = [worker.listen() for worker in workers][0]
    assert spread(port, 10) == {1: 5, 2: 5}
    workers[0].tell("disconnect")
    assert workers[0].wait_exit() == "code 0 signal 0 disconnect voluntary"
    primary.tell("all")
    primary.wait("^all gone")
    assert workers[1].wait_exit() == "code 0 signal 0 disconnect voluntary"
