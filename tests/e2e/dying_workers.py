"""Servers whose workers die, or are held up, on their way in (dying.c)."""

from __future__ import annotations

import contextlib
import os
import pathlib
import subprocess
from collections.abc import Iterator

from conftest import Server

HERE = pathlib.Path(__file__).parent


def prepare(server: Server) -> Server:
    """Not yet started: by start_dying(server.start). Then workers die while
    the file last_words says anything."""
    library = server.folder / "dying.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library),
                    str(HERE / "dying.c")], check=True)
    server.last_words = server.folder / "last_words"
    server.start_dying = lambda start: start(
        env={"LD_PRELOAD": str(library), "DYING": str(server.last_words)})
    return server


@contextlib.contextmanager
def held_up(server: Server) -> Iterator[None]:
    """Workers that are forked meanwhile are not ready before the end."""
    os.mkfifo(server.last_words)
    try:
        yield
    finally:
        # Waits for the first one; others find no file, or its end.
        writer = os.open(server.last_words, os.O_WRONLY)
        server.last_words.unlink()
        os.close(writer)
