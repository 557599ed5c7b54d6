"""Being the debugger of a process."""

import ctypes
import os
import signal

PTRACE_ATTACH = 16
WALL = 0x40000000  # also for children that are not ours


def attach(pid: int) -> bool:
    """It stands still from now on; False: that is not allowed here."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(PTRACE_ATTACH, pid, None, None) < 0:
        return False
    os.waitpid(pid, WALL)
    return True


def kill(pid: int) -> None:
    """End what we trace."""
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, WALL)
