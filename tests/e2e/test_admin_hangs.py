"""An admin helper that does not run, or does not come back to its loop, is told of,
killed and started anew, as worker_watchdog says."""

import os
import signal
import time

import pytest

import admin
import processes
import tracing
from conftest import PATIENCE, wait_until


def _helper(server):
    return wait_until(lambda: processes.children(server.pid, "admin"),
                      "the helper")[0]


def _stop(pid):
    os.kill(pid, signal.SIGSTOP)
    wait_until(lambda: processes.is_stopped(pid), "it to stand still")


def _wait_another(server, helper):
    server.wait_log(rf"the admin helper \(process {helper}\) ended with signal "
                    r"9; the next one starts in 0 ms")
    assert admin.get(server, "/v1/status")["state"] == "serving"
    assert _helper(server) != helper


def _started(server, watchdog):
    server.write(main=f"worker_watchdog {watchdog};")
    server.start()
    server.may_alert = True
    helper = _helper(server)
    assert admin.get(server, "/v1/status")["state"] == "serving"  # it runs
    return helper


def test_one_that_is_stopped_is_followed_by_another(server):
    helper = _started(server, "2s")
    _stop(helper)
    server.wait_log(rf"\[alert\].*the admin helper \(process {helper}\) is "
                    r"stuck: it is stopped \(by SIGSTOP or a terminal\)")
    _wait_another(server, helper)


def test_one_that_does_not_come_back_to_its_loop_is_too(server):
    helper = _started(server, "2s")
    wait_until(lambda: processes.is_asleep(helper), "it to have nothing to do")
    if not tracing.make_spin(helper):
        pytest.skip("cannot be made to spin here")
    server.wait_log(rf"\[alert\].*the admin helper \(process {helper}\) is "
                    r"stuck: it has not come back to its event loop for 2000 ms")
    _wait_another(server, helper)
    assert server.get().status == 200


def test_one_after_the_other_is(server):
    for _ in range(3):
        helper = _helper(server) if server.process else _started(server, "1s")
        _stop(helper)
        _wait_another(server, helper)


def test_a_reload_waits_for_it_no_longer_than_that(server):
    helper = _started(server, "2s")
    _stop(helper)
    answer = admin.ask(server, "POST", "/v1/reload")
    assert answer.status == 200, answer.body
    assert not processes.is_alive(helper)


def test_one_that_goes_on_in_time_is_kept(server):
    helper = _started(server, "60s")
    _stop(helper)
    server.wait_log(r"the admin helper .* is stuck: it is stopped")
    os.kill(helper, signal.SIGCONT)
    assert admin.get(server, "/v1/status")["state"] == "serving"
    server.wait_log(rf"the admin helper \(process {helper}\) goes on")
    assert _helper(server) == helper


def test_one_that_is_traced_is_told_of_and_left(server):
    helper = _started(server, "1s")
    if not tracing.attach(helper):
        pytest.skip("may not trace here")
    server.wait_log(rf"the admin helper \(process {helper}\) is stuck: a "
                    r"debugger has stopped it, so it is left")
    time.sleep(3)  # more than 2.5 times the limit
    assert processes.is_alive(helper)
    tracing.kill(helper)
    _wait_another(server, helper)


def test_off_leaves_it_alone_until_a_reload_says_otherwise(server):
    helper = _started(server, "off")
    _stop(helper)
    time.sleep(3)  # some looks, if there were any
    assert processes.is_stopped(helper)
    assert "stuck" not in server.log()
    server.write(main="worker_watchdog 1s;")
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: generation 2 serves")
    _wait_another(server, helper)


def test_a_reload_may_leave_it_alone(server):
    helper = _started(server, "1s")
    server.write(main="worker_watchdog off;")
    server.signal(signal.SIGHUP)
    server.wait_log(r"reload: generation 2 serves")
    _stop(helper)
    time.sleep(3)
    os.kill(helper, signal.SIGCONT)
    assert admin.get(server, "/v1/status")["state"] == "serving"
    assert "stuck" not in server.log()


def test_one_that_does_nothing_is_well(server):
    helper = _started(server, "1s")
    time.sleep(4)  # more than 2.5 times the limit
    assert _helper(server) == helper
    assert "stuck" not in server.log()


@pytest.mark.parametrize("number", [signal.SIGQUIT, signal.SIGTERM])
def test_one_that_is_stopped_keeps_no_server_from_ending(server, number):
    helper = _started(server, "off")
    _stop(helper)
    server.signal(number)
    assert server.process.wait(PATIENCE) == 0
    assert not processes.is_alive(helper)
