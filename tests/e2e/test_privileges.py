"""What workers and the admin helper may still do once they serve."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import tempfile

import pytest

import admin
import processes
from conftest import BINARY, IS_SANITIZED, Server, wait_until

NOBODY = 65534
CAP_NET_BIND_SERVICE = 10
as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can")


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return dict(line.split(":\t", 1) for line in text.splitlines())


def capabilities(pid, kinds=("Inh", "Prm", "Eff", "Amb")):
    fields = status(pid)
    return {kind: int(fields[f"Cap{kind}"], 16) for kind in kinds}


def below(server):
    """Those who read what clients and operators send, when they do."""
    wait_until(lambda: admin.get(
        server, "/v1/status")["workers"]["serving"] >= 2, "both workers")
    found = [*server.workers(), *processes.children(server.pid, "admin")]
    assert len(found) >= 2
    return found


@pytest.fixture
def open_server():
    """A server, and a copy of the program, where everybody may enter."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cohort-"))
    folder.chmod(0o777)
    one = Server(folder)
    one.program = folder / "program"
    shutil.copy(BINARY, one.program)
    yield one
    one.stop()
    shutil.rmtree(folder)


@pytest.mark.quick
@as_root
@pytest.mark.parametrize("user", ["root root", "nobody nogroup"])
def test_nobody_below_the_primary_has_a_capability(open_server, user):
    open_server.write(main=f"user {user};")
    open_server.start()
    assert capabilities(open_server.pid)["Eff"] != 0
    for pid in below(open_server):
        assert set(capabilities(
            pid, ("Inh", "Prm", "Eff", "Bnd", "Amb")).values()) == {0}
        assert status(pid)["NoNewPrivs"] == "1"
    assert open_server.get().status == 200


@as_root
def test_groups_are_those_of_the_user(open_server):
    open_server.write(main="user nobody nogroup;")
    open_server.start()
    for pid in below(open_server):
        fields = status(pid)
        assert set(fields["Uid"].split()) == {str(NOBODY)}
        assert set(fields["Gid"].split()) == {str(NOBODY)}
        assert fields["Groups"].split() == [str(NOBODY)]


@as_root
def test_capabilities_that_a_service_manager_gave_stay_with_the_primary(
        open_server):
    """A port below 1024 without root: AmbientCapabilities= of systemd."""
    open_server.write()
    command = open_server.command()
    open_server.command = lambda: [
        "setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups",
        "--inh-caps", "-all,+net_bind_service",
        "--ambient-caps", "-all,+net_bind_service",
        str(open_server.program), *command[1:]]
    open_server.start()
    assert capabilities(open_server.pid)["Eff"] == 1 << CAP_NET_BIND_SERVICE
    for pid in below(open_server):
        assert set(capabilities(pid).values()) == {0}


@as_root
@pytest.mark.skipif(IS_SANITIZED, reason="the leak check traces the process")
def test_memory_of_workers_is_not_for_others_of_their_user(open_server):
    """What is not dumpable has its files in /proc owned by root."""
    open_server.write(main="user nobody nogroup;")
    open_server.start()
    for pid in below(open_server):
        assert pathlib.Path(f"/proc/{pid}/mem").stat().st_uid == 0


def local_sockets(pid):
    """The unix sockets that a process holds, by inode."""
    known = {line.split()[6] for line in pathlib.Path(
        "/proc/net/unix").read_text(encoding="utf-8").splitlines()[1:]}
    held = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found = re.fullmatch(r"socket:\[(\d+)\]", os.readlink(entry))
            if found and found[1] in known:
                held.add(found[1])
    return held


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_nobody_holds_the_channel_of_another(server, policy):
    """Else it would not end with its owner, and could be spoken on."""
    server.may_alert = True
    server.write(main=f"worker_processes 4; scheduling_policy {policy};")
    server.start()
    for _ in range(2):
        wait_until(lambda: admin.get(
            server, "/v1/status")["workers"]["serving"] == 4, "all workers")
        seen = set()
        for pid in (*server.workers(), *server.templates(), below(server)[-1]):
            mine = local_sockets(pid)
            assert mine and not mine & seen
            seen |= mine
        victim = server.workers()[0]
        os.kill(victim, signal.SIGKILL)
        server.wait_log(f"worker process {victim} exited on signal 9")
