"""Processes that a program of the library forks while it serves."""

import os
import signal

import admin
import processes
from trouble import trouble  # noqa: F401


def test_they_keep_standard_input(trouble):  # noqa: F811
    """Also where an address is covered by another one, and has no socket."""
    trouble.write(http=f"server {{ listen *:{trouble.port}; return 204; }}")
    trouble.start()
    admin.get(trouble, "/v1/status")
    trouble.signal(signal.SIGHUP)
    trouble.wait_log("generation 2 serves")
    before = os.readlink(f"/proc/{trouble.pid}/fd/0")
    for pid in processes.children(trouble.pid):
        assert os.readlink(f"/proc/{pid}/fd/0") == before
