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


# "Jump here", as the processor reads it.
JUMPS = {"x86_64": b"\xeb\xfe", "aarch64": b"\x00\x00\x00\x14"}


def make_spin(pid: int) -> bool:
    """A sleeping process does nothing else any more as soon as something wakes
    it up; False: that cannot be done here."""
    jump = JUMPS.get(os.uname().machine)
    try:
        with open(f"/proc/{pid}/syscall", encoding="ascii") as call:
            counter = int(call.read().split()[-1], 16)
        with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
            memory.seek(counter)
            return jump is not None and memory.write(jump) == len(jump)
    except (OSError, ValueError):
        return False
