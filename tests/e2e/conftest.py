"""What every end-to-end test uses: a server of its own, on ports of its own."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

import processes
import wire

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("COHORT_BINARY", ROOT / "build" / "cohort"))
IS_SANITIZED = "sanit" in os.environ.get("COHORT_FLAVOUR", "")
# Directives of the main context for every server, e.g. "worker_sandbox on;".
EVERYWHERE = os.environ.get("COHORT_MAIN", "")
PATIENCE = 30 if IS_SANITIZED else 10  # seconds until an event must have come


def wait_until(
    condition: Callable[[], object], what: str, patience: float = PATIENCE
) -> object:
    """Poll until condition() is true and return its value; fail after patience."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            pytest.fail(f"waited {patience} s in vain for: {what}")
        time.sleep(0.005)


class Ports:
    """Free ports on loopback, below the kernel's own range, apart for each
    process of pytest that runs on this machine, of this run or another."""

    def __init__(self) -> None:
        self._first = 10000 + 1000 * self._claim()
        self._next = os.getpid() % 1000

    def _claim(self) -> int:
        """The thousand whose name nobody else has, until we end."""
        for number in range(20):
            self._name = socket.socket(socket.AF_UNIX)
            try:
                self._name.bind(f"\0cohort-test-ports-{number}")
            except OSError:
                self._name.close()
                continue
            return number
        raise RuntimeError("twenty others run tests here")

    def take(self) -> int:
        for _ in range(1000):
            port = self._first + self._next % 1000
            self._next += 1
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
            return port
        raise RuntimeError("no free port left")


_PORTS = Ports()


@pytest.fixture
def free_port() -> Callable[[], int]:
    return _PORTS.take


class Server:
    """One running cohort: its process, its folder, its log."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.port = _PORTS.take()
        self.configuration = folder / "cohort.conf"
        self.log_file = folder / "error.log"
        self.pid_file = folder / "cohort.pid"
        self.process: subprocess.Popen[str] | None = None
        self.may_alert = False  # set by tests that provoke an [alert]
        self.alert_allowed: re.Pattern[str] | None = None

    # -- the configuration ---------------------------------------------------

    def write(self, http: str = "", main: str = "", events: str = "") -> None:
        """Write a configuration: http is what stands in the http block, PORT in
        it becomes this server's port; main stands outside."""
        if not http:
            http = """
                server {
                    listen 127.0.0.1:PORT;
                    location / { return 200 "hello world\\n"; }
                }"""
        if "worker_processes" not in main:
            main += "\nworker_processes 2;"
        if os.getuid() == 0 and "user " not in main:
            main += "\nuser root root;"  # pytest's folders are root's alone
        if "daemon" not in main:
            main += "\ndaemon off;"
        if "error_log" not in main:
            main += f"\nerror_log {self.log_file} info;"
        if "pid " not in main:
            main += f"\npid {self.pid_file};"
        if "access_log" not in http:
            http = "access_log off;\n" + http
        for directive in filter(None, map(str.strip, EVERYWHERE.split(";"))):
            if directive.split()[0] not in main:
                main += f"\n{directive};"
        text = f"{main}\nevents {{ {events} }}\nhttp {{\n{http}\n}}\n"
        new = self.configuration.with_suffix(".new")
        new.write_text(text.replace("PORT", str(self.port)))
        new.rename(self.configuration)  # whole, for who is just reading it

    # -- its life --------------------------------------------------------------

    def command(self, *arguments: str) -> list[str]:
        return [
            str(BINARY), "-p", str(self.folder), "-c", str(self.configuration),
            "-e", str(self.log_file), *arguments,
        ]

    def run(self, *arguments: str, **options) -> subprocess.CompletedProcess[str]:
        """Run the program to its end (-t, -s, bad configurations)."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True,
            timeout=60, stdin=subprocess.DEVNULL, **options)

    def start(self, *arguments: str, env: dict[str, str] | None = None) -> "Server":
        """Start in the foreground and wait until it serves."""
        self.spawn(*arguments, env=env)
        self.wait_ready()
        return self

    def spawn(self, *arguments: str, env: dict[str, str] | None = None,
              wrapper: tuple[str, ...] = (), pass_fds: tuple[int, ...] = ()
              ) -> None:
        """Start, by way of a wrapper that executes what it is given."""
        self.output = open(self.folder / "output", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*wrapper, *self.command(*arguments)], stdin=subprocess.DEVNULL,
            stdout=self.output, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **(env or {})}, pass_fds=pass_fds)

    def wait_ready(self) -> None:
        """The pid file appears when all sockets are bound; then the workers."""
        assert self.process

        def is_ready() -> bool:
            if self.process.poll() is not None:
                pytest.fail(
                    f"cohort ended with {self.process.returncode}:\n"
                    + self.printed() + self.log())
            return self.pid_file.exists() and bool(self.workers())

        wait_until(is_ready, "the pid file and a worker")

    def printed(self) -> str:
        return (self.folder / "output").read_text(encoding="utf-8")

    def stop(self) -> None:
        """TERM, and everything must be gone; no alert may be in the log."""
        if self.process is None:
            return
        family = [self.pid, *processes.descendants(self.pid)]
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                pytest.fail("the primary did not leave after TERM")
        wait_until(lambda: not any(map(processes.is_alive, family)),
                   "all processes to leave")
        self.process = None
        self.output.close()
        if not self.may_alert:
            assert not self.alerts(), self.alerts()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    # -- looking at it -----------------------------------------------------------

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def workers(self) -> list[int]:
        """The pids of living workers, oldest first."""
        return processes.children(self.pid, "worker")

    def templates(self) -> list[int]:
        return processes.children(self.pid, "template")

    def log(self) -> str:
        try:
            return self.log_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def alerts(self) -> list[str]:
        found = re.findall(r".*\[(?:alert|emerg)\].*", self.log() + self.printed())
        found += re.findall(r".*(?:AddressSanitizer|runtime error).*",
                            self.log() + self.printed())
        return found

    def wait_log(self, pattern: str, count: int = 1) -> str:
        """Wait until pattern stands count times in the log; the last match."""
        found = wait_until(
            lambda: (hits := re.findall(pattern, self.log())) and
            len(hits) >= count and hits,
            f"{pattern!r} in the log, {count} times")
        return found[-1]

    # -- talking to it -------------------------------------------------------------

    def connect(self) -> wire.Connection:
        return wire.Connection("127.0.0.1", self.port)

    def get(self, path: str = "/", **headers: str) -> wire.Response:
        """One GET on a connection of its own."""
        with self.connect() as connection:
            return connection.get(path, **headers)

    def raw(self, data: bytes) -> bytes:
        """Send bytes, half-close, and read until the server closes."""
        with self.connect() as connection:
            connection.send(data)
            connection.half_close()
            return connection.read_all()


@pytest.fixture
def server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server that is not yet started; stopped and checked at the end."""
    one = Server(tmp_path)
    yield one
    one.stop()


@pytest.fixture
def make_server(tmp_path: pathlib.Path) -> Iterator[Callable[[], Server]]:
    """Several of them in one test."""
    made: list[Server] = []

    def make() -> Server:
        folder = tmp_path / f"server{len(made)}"
        folder.mkdir()
        made.append(Server(folder))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def hello(server: Server) -> Server:
    """Two workers that answer hello world."""
    server.write()
    return server.start()


@pytest.fixture(scope="session")
def shared_hello(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One hello world for tests that only send requests."""
    one = Server(tmp_path_factory.mktemp("hello"))
    one.write()
    one.start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def shared_echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Answers with the path and arguments that it was asked for."""
    one = Server(tmp_path_factory.mktemp("echo"))
    one.write("""
        server {
            listen 127.0.0.1:PORT;
            location / { return 200 "$request_uri"; }
            location /uri/ { return 200 "$uri"; }
            location /host { return 200 "$host"; }
        }""")
    one.start()
    yield one
    one.stop()
