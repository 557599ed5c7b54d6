"""The binary is upgraded, and taken back, under load."""

import os
import signal

import pytest

import between
import figures
import inside
from conftest import wait_until
from counting import POLICIES, Counting, assert_nothing_lost, write_hello
from figures import rounds
from upgrading import Upgrading


@pytest.fixture
def upgrading(tmp_path):
    one = Upgrading(tmp_path)
    yield one
    one.stop()


def start(server, policy):
    write_hello(server, f"scheduling_policy {policy}; worker_processes 2;")
    server.start()


def upgrade(server):
    old = server.primary
    done = server.ctl("upgrade")
    assert done.returncode == 0, done.stderr
    server.wait_primary(old)
    server.wait_gone(old)


@pytest.mark.parametrize("policy", POLICIES)
def test_upgrades_in_one_step(upgrading, policy):
    start(upgrading, policy)
    times = rounds(2, 20)
    with Counting(upgrading, with_wrk=True) as load:
        for _ in range(times):
            upgrade(upgrading)
            load.wait_more(rounds(500, 2500))
        tally = load.stop(f"{times} upgrades, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_upgrades_that_are_taken_back(upgrading, policy):
    start(upgrading, policy)
    old = upgrading.primary
    times = rounds(1, 10)
    with Counting(upgrading, with_wrk=True) as load:
        for number in range(times):
            new = upgrading.begin()
            load.wait_more(rounds(200, 1000))
            os.kill(new, signal.SIGQUIT if number % 2 else signal.SIGTERM)
            upgrading.wait_gone(new)
            wait_until(lambda: upgrading.primary == old, "the old pid file")
            load.wait_more(200)
        tally = load.stop(f"{times} upgrades taken back, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_an_upgrade_in_two_steps(upgrading, policy):
    start(upgrading, policy)
    old = upgrading.primary
    with Counting(upgrading, with_wrk=True) as load:
        upgrading.begin()
        load.wait_more(200)
        os.kill(old, signal.SIGWINCH)
        load.wait_more(200)
        os.kill(old, signal.SIGQUIT)
        upgrading.wait_gone(old)
        load.wait_more(200)
        tally = load.stop(f"an upgrade in two steps, {policy}")
    assert_nothing_lost(tally)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_new_primary_that_is_killed(upgrading, policy):
    """The old one goes on, and the new one's workers answer what they have: gone is
    what the killed process alone had, accepted and not handed over."""
    start(upgrading, policy)
    upgrading.may_alert = True
    old = upgrading.primary
    new = upgrading.begin()
    with Counting(upgrading) as load:
        load.wait_more(500)
        inside.stop(new)  # so that what it has can be counted
        [within] = between.connections(
            new, upgrading.port, load.process.pid)
        os.kill(new, signal.SIGKILL)
        upgrading.wait_gone(new)
        wait_until(lambda: upgrading.primary == old, "the old pid file")
        load.wait_more(500)
        upgrade(upgrading)
        load.wait_more(500)
        case = f"the new primary killed, {policy}"
        tally = load.stop(case)
    figures.show(case, f"{within} connections were inside it")
    assert tally["refused"] == tally["wrong"] == 0, tally
    assert tally["complained"] + tally["closed"] <= within, tally


def test_a_broken_binary_loses_nothing(upgrading):
    start(upgrading, POLICIES[0])
    old = upgrading.primary
    upgrading.may_alert = True
    times = rounds(5, 30)
    with Counting(upgrading, with_wrk=True) as load:
        for _ in range(times):
            upgrading.install("#!/bin/sh\nexit 3\n")
            assert upgrading.ctl("upgrade").returncode == 1
            load.wait_more(100)
        tally = load.stop(f"{times} upgrades to a broken binary")
    assert upgrading.primary == old
    assert_nothing_lost(tally)
