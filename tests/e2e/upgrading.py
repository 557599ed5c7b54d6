"""A server whose binary on disk can be replaced, and that is replaced itself."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess

import admin
import processes
import wire
from conftest import BINARY, PATIENCE, Server, wait_until


class Upgrading(Server):
    """Runs a copy of the binary; the primary of now is the one that the pid file
    names."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__(folder)
        self.binary = folder / "cohort"
        self.old_pid_file = folder / "cohort.pid.oldbin"
        shutil.copy(BINARY, self.binary)

    def command(self, *arguments: str) -> list[str]:
        return [str(self.binary), *super().command(*arguments)[1:]]

    def install(self, source: pathlib.Path | str | None = None) -> None:
        """Replace the binary as a package would: by another file; source: what
        is in it, or the file to copy."""
        new = self.folder / "cohort.new"
        if isinstance(source, str):
            new.write_text(source, encoding="utf-8")
            new.chmod(0o755)
        else:
            shutil.copy(source or BINARY, new)
        new.rename(self.binary)

    def ctl(self, *words: str) -> subprocess.CompletedProcess[str]:
        """By the binary of the tests, whatever is installed."""
        return subprocess.run(
            [str(BINARY), "ctl", "--socket", str(admin.path_of(self)), *words],
            capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)

    @property
    def primary(self) -> int:
        """Of whoever has the pid file; 0: nobody."""
        try:
            return int(self.pid_file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return 0

    def wait_primary(self, other_than: int) -> int:
        """Another one has the names."""
        def has_names() -> int:
            pid = self.primary
            return pid if pid != other_than and self.asked() == pid else 0

        return wait_until(has_names, "another primary")

    def asked(self) -> int:
        """Who answers on the admin socket; 0: nobody, or the helper of one that
        has just left."""
        try:
            answer = admin.ask(self, "GET", "/v1/status")
        except (OSError, wire.Closed):
            return 0
        return json.loads(answer.body)["pid"] if answer.status == 200 else 0

    def begin(self) -> int:
        """USR2; the new primary, which serves and has the names."""
        old = self.primary
        os.kill(old, signal.SIGUSR2)
        return self.wait_primary(old)

    def wait_gone(self, pid: int) -> None:
        if self.process and pid == self.process.pid:
            self.process.wait(PATIENCE)
        wait_until(lambda: not processes.is_alive(pid), f"process {pid} to leave")

    def stop(self) -> None:
        """TERM to all primaries, and everything must be gone."""
        if self.process is None:
            return
        primaries = {pid for pid in [self.pid, self.primary, *self.found()]
                     if pid and processes.is_alive(pid)}
        family = [p for pid in primaries
                  for p in [pid, *processes.descendants(pid)]]
        for pid in primaries:
            with contextlib.suppress(ProcessLookupError):  # on its way out
                os.kill(pid, signal.SIGTERM)
        wait_until(lambda: self.process.poll() is not None and
                   not any(map(processes.is_alive, family)),
                   "all processes to leave")
        self.process = None
        self.output.close()
        if not self.may_alert:
            assert not self.alerts(), self.alerts()

    def found(self) -> list[int]:
        """Primaries of this folder that nobody else names."""
        return [pid for pid in processes.pids_of(str(self.binary))
                if "primary" in processes.title(pid)]
