"""A worker group under load: of a program of the library, in every policy."""

import pytest

import test_groups_listen_fds
from conftest import Server, wait_until
from counting import POLICIES, Counting, assert_nothing_lost
from figures import rounds
from test_groups_cohort import block, programs
from test_upgrade import upgrade, upgrading  # noqa: F401

# Ends when the others are there.
FAILS = """
    worker_group fails { exec /bin/sleep 0.3; protocol cohort; processes 1; }"""


# Answers each client once. Told to leave, it finishes what it has. It has the
# socket as it came.
FINISHES = test_groups_listen_fds.GRACEFUL.replace(
    "listener.setblocking(False)\n", ""
).replace(
    "HTTP/1.0 200 OK\\r\\n\\r\\n",
    "HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: 12\\r\\n\\r\\n"
).replace("text.encode()", "b'hello world\\n'")


class Group:
    """What Counting asks, in place of the server."""

    def __init__(self, server: Server, port: int) -> None:
        self.folder, self.port = server.folder, port


def count(server: Server, port: int) -> Counting:
    return Counting(Group(server, port), keep=8, close=24)


def settings(policy: str, number: int) -> str:
    """Each number another declaration."""
    return (f"processes {1 + number % 3}; scheduling_policy {policy}; "
            f"env NUMBER={number};")


def test_reloads_from_one_policy_to_another_lose_nothing(server, free_port):
    port = free_port()
    server.write(main=block(port, settings("reuseport", 0)))
    server.start()
    times = rounds(8, 60)
    with count(server, port) as load:
        for number in range(1, times + 1):
            policy = POLICIES[(number * 3 + number // 4) % 4]
            server.write(main=block(port, settings(policy, number)))
            assert server.run("-s", "reload").returncode == 0
            load.wait_more(rounds(300, 1000))
        tally = load.stop(f"{times} reloads of a group")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_reloads_that_fail_lose_nothing(server, free_port, policy):
    port = free_port()
    server.may_alert = True
    server.write(main=block(port, settings(policy, 1)))
    server.start()
    before = programs(server)
    times = rounds(2, 20)
    with count(server, port) as load:
        for number in range(2, times + 2):
            server.write(
                main=block(port, settings(policy, number)) + FAILS)
            assert server.run("-s", "reload").returncode == 1
            load.wait_more(rounds(300, 1000))
        tally = load.stop(f"{times} reloads of a group that fail, {policy}")
    assert_nothing_lost(tally)
    wait_until(lambda: programs(server) == before, "the dropped ones to end")


def move(server, port, policy, main, group, what, wait=lambda: None) -> None:
    """From the built-in workers to group(n), which wait() sees, and back."""
    def write_main() -> None:
        server.write(f"""
            server {{
                listen 127.0.0.1:{port} policy={policy};
                return 200 "hello world\\n";
            }}
            server {{ listen 127.0.0.1:PORT; return 200 main; }}""", main)

    write_main()
    server.start()
    with count(server, port) as load:
        for number in range(rounds(3, 20)):
            server.write(main=main + group(number))
            assert server.run("-s", "reload").returncode == 0
            wait()
            load.wait_more(rounds(300, 1000))
            write_main()
            assert server.run("-s", "reload").returncode == 0
            load.wait_more(rounds(300, 1000))
        tally = load.stop(f"an address goes to {what} and back, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_that_moves_loses_nothing(server, free_port, policy):
    port = free_port()
    move(server, port, policy,
         f"scheduling_policy {policy}; worker_processes 3;",
         lambda number: block(port, settings(policy, number)), "a group")


@pytest.mark.parametrize("policy", POLICIES)
def test_an_address_that_programs_are_given_loses_nothing(
        server, free_port, policy):
    """Of socket activation."""
    port = free_port()
    given = test_groups_listen_fds.block(
        server, f"processes 1; listen 127.0.0.1:{port};", program=FINISHES)
    move(server, port, policy, "worker_processes 3;", lambda number: given,
         "programs", lambda: wait_until(
             lambda: test_groups_listen_fds.programs(server), "one"))


@pytest.mark.parametrize("policy", POLICIES)
def test_upgrades_lose_nothing(upgrading, free_port, policy):  # noqa: F811
    port = free_port()
    upgrading.write(main=block(
        port, f"processes 2; scheduling_policy {policy};"))
    upgrading.start()
    times = rounds(3, 40)
    with count(upgrading, port) as load:
        for _ in range(times):
            upgrade(upgrading)
            load.wait_more(rounds(300, 1000))
        tally = load.stop(f"{times} upgrades with a group, {policy}")
    assert_nothing_lost(tally)
