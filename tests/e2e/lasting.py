"""How long something lasts, though we may not run for a while either."""

from __future__ import annotations

import time
from collections.abc import Callable

from conftest import wait_until


def seconds_while(condition: Callable[[], object], what: str,
                  since: float | None = None) -> float:
    """For how long it was seen to be so, since then or from now on: what is
    over when we look again may have been so for long."""
    began = last = time.monotonic() if since is None else since

    def is_over() -> bool:
        nonlocal last
        now = time.monotonic()
        if condition():
            last = now
            return False
        return True

    wait_until(is_over, what)
    return last - began
