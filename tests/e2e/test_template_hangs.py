"""A template that does not run, or does not come back, keeps nobody waiting for
ever: no worker, no end, no reload and no upgrade."""

import os
import signal
import time

import pytest

import admin
import processes
import tracing
from conftest import PATIENCE, wait_until
from upgrading import Upgrading


def _stop(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(pid), "it to stand still")


def _stopped_template(server):
    """The only one, which does not run any more."""
    template = server.templates()[0]
    _stop(template)
    return template


def _wait_replaced(server, worker):
    wait_until(lambda: len(server.workers()) == 2 and
               worker not in server.workers(), "another worker")
    assert server.get().status == 200


# --- forks ----------------------------------------------------------------------


@pytest.mark.parametrize("limits", [
    "worker_watchdog 2s;",
    "worker_watchdog off; reload_timeout 2s;",
])
def test_one_that_is_stopped_is_replaced_when_it_should_fork(server, limits):
    server.write(main=limits)
    server.start()
    server.may_alert = True
    template, worker = _stopped_template(server), server.workers()[0]
    os.kill(worker, signal.SIGKILL)
    server.wait_log(
        rf"\[alert\].*the template of generation 1 \(process {template}\) has "
        r"not forked a worker that it was asked for for \d+ ms: it is stopped "
        r"\(by SIGSTOP or a terminal\); ending it")
    server.wait_log(r"the template of generation 1 is there again")
    _wait_replaced(server, worker)
    assert not processes.is_alive(template)


def test_one_that_spins_is_replaced_when_it_should_fork(server):
    server.write(main="worker_watchdog off; reload_timeout 3s;")
    server.start()
    server.may_alert = True
    template, worker = server.templates()[0], server.workers()[0]
    wait_until(lambda: processes.is_asleep(template), "it to wait")
    if not tracing.make_spin(template):
        pytest.skip("cannot be made to spin here")
    os.kill(worker, signal.SIGKILL)
    server.wait_log(rf"\(process {template}\) has not forked a worker that it "
                    r"was asked for for \d+ ms: it hangs; ending it")
    _wait_replaced(server, worker)


def test_one_that_goes_on_in_time_is_kept(server):
    server.write(main="worker_watchdog 60s;")
    server.start()
    server.may_alert = True  # of the worker
    template, worker = _stopped_template(server), server.workers()[0]
    os.kill(worker, signal.SIGKILL)
    time.sleep(3)  # some looks
    os.kill(template, signal.SIGCONT)
    _wait_replaced(server, worker)
    assert server.templates() == [template]


def test_one_that_is_traced_is_left_alone(server):
    server.write(main="worker_watchdog 2s; reload_timeout 2s;")
    server.start()
    server.may_alert = True
    template, worker = server.templates()[0], server.workers()[0]
    if not tracing.attach(template):
        pytest.skip("may not trace here")
    os.kill(worker, signal.SIGKILL)
    server.wait_log(r"has not forked .*: a debugger has stopped it, so it is left")
    time.sleep(3)  # two looks more, or three
    assert processes.is_alive(template)
    assert server.log().count("a debugger") == 1
    tracing.kill(template)
    _wait_replaced(server, worker)


def test_a_pause_of_the_whole_machine_kills_no_template(server):
    server.write(main="worker_watchdog off; reload_timeout 3s;")
    server.start()
    server.may_alert = True  # of the worker
    template, worker = _stopped_template(server), server.workers()[0]
    os.kill(worker, signal.SIGKILL)
    server.wait_log(r"worker process \d+ exited on signal 9")
    _stop(server.pid)
    time.sleep(5)  # the pause
    os.kill(server.pid, signal.SIGCONT)
    os.kill(template, signal.SIGCONT)
    _wait_replaced(server, worker)
    assert server.templates() == [template]


# --- loads ----------------------------------------------------------------------


def test_one_that_does_not_load_again_is_followed_by_another(server):
    part, slow = server.folder / "part.conf", server.folder / "slow.conf"
    part.write_text("# nothing\n")
    server.write(main="worker_watchdog off; reload_timeout 5s;"
                      f"include {part};")
    server.start()
    server.may_alert = True
    admin.get(server, "/v1/status")  # the helper is there, too
    worker, before = server.workers()[0], processes.children(server.pid)
    os.mkfifo(slow)
    slow.rename(part)  # the next one waits there
    os.kill(server.templates()[0], signal.SIGKILL)
    loading = wait_until(
        lambda: [child for child in processes.children(server.pid)
                 if child not in before], "the next template")[0]
    _stop(loading)
    slow.write_text("# nothing\n")
    slow.rename(part)  # and the one after it does not
    assert "is there again" not in server.log()
    os.kill(worker, signal.SIGKILL)
    server.wait_log(
        rf"the template of generation 1 \(process {loading}\) has not loaded "
        r"its configuration again for \d+ ms: it is stopped")
    server.wait_log(rf"\(process {loading}\) ended with signal 9 before it "
                    r"could be used; the next one starts in 0 ms")
    server.wait_log(r"the template of generation 1 is there again")
    _wait_replaced(server, worker)


# --- the end --------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
@pytest.mark.parametrize("watchdog", ["10s", "off"])
def test_one_that_is_stopped_keeps_no_server_from_ending(
        server, number, watchdog):
    server.write(main=f"worker_watchdog {watchdog};")
    server.start()
    server.may_alert = True
    template = _stopped_template(server)
    server.signal(number)
    assert server.process.wait(PATIENCE) == 0
    assert not processes.is_alive(template)
    if number == signal.SIGQUIT:
        assert f"(process {template}) has not left for" in server.log()


def test_not_even_while_it_should_fork(server):
    """The worker that nobody has made is gone, too."""
    server.write(main="worker_processes 1;")
    server.start()
    server.may_alert = True
    _stopped_template(server)
    os.kill(server.workers()[0], signal.SIGKILL)
    wait_until(lambda: not server.workers(), "it to be gone")
    server.signal(signal.SIGQUIT)
    assert server.process.wait(PATIENCE) == 0


def test_one_that_is_stopped_leaves_no_old_generation_behind(hello):
    hello.may_alert = True
    _stopped_template(hello)
    hello.signal(signal.SIGHUP)
    hello.wait_log(r"reload: generation 2 serves")
    wait_until(lambda: [one["generation"] for one in
                        admin.get(hello, "/v1/status")["generations"]] == [2],
               "the old generation to be gone")
    assert len(hello.templates()) == 1


def test_one_that_is_stopped_does_not_keep_the_old_primary(tmp_path):
    upgrading = Upgrading(tmp_path)
    upgrading.write()
    upgrading.start()
    upgrading.may_alert = True
    try:
        old = upgrading.primary
        _stopped_template(upgrading)
        assert upgrading.ctl("upgrade").returncode == 0
        upgrading.wait_gone(old)
        assert upgrading.ctl("upgrade").returncode == 0
    finally:
        upgrading.stop()
