"""How each server is set up, configured and started."""

from __future__ import annotations

import dataclasses
import os
import pwd
import resource
import shutil
import string
from collections.abc import Callable
from pathlib import Path

from lab import FILE_NAME, HERE, Lab
from processes import BenchError, Session

CONNECTIONS = 19000  # what servers are told to have room for
DESCRIPTORS = 20000  # what their workers are told to allow themselves

# The arguments of a server's program, and its additions to the environment.
Started = tuple[list[str], dict[str, str]]


@dataclasses.dataclass(frozen=True)
class Setup:
    """One server, set up for one scenario."""

    name: str  # as tables show it
    kind: str  # key of COMMANDS
    workers: int = 1
    policy: str = ""  # cohort, node-cluster: how connections reach workers
    deferred: bool = False  # TCP_DEFER_ACCEPT
    access_log: str = "off"  # cohort, nginx: the directive's arguments
    single_process: bool = False
    close: bool = False  # limit: close each connection after its answer
    file: bool = False  # limit: answer with the file


def plain(*kinds: str) -> list[Setup]:
    """Servers with nothing special about them."""
    return [Setup(kind, kind) for kind in kinds]


class Template(string.Template):
    """@{name}: a dollar is a variable in most of these languages."""

    delimiter = "@"


def render(template: str, directory: Path, **values: object) -> Path:
    """Fill in a configuration of peers/, and say where it was put."""
    text = (HERE / "peers" / template).read_text("utf-8")
    path = directory / template
    path.write_text(Template(text).substitute(values), "utf-8")
    return path


def common_values(setup: Setup, lab: Lab, port: int) -> dict[str, object]:
    """What most configurations ask for."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    descriptors = min(DESCRIPTORS, allowed)
    user = pwd.getpwuid(os.geteuid()).pw_name
    return {
        "access_log": setup.access_log,
        "connections": min(CONNECTIONS, descriptors - 500),
        "deferred": " deferred" if setup.deferred else "",
        "descriptors": descriptors,
        "descriptor_pairs": (descriptors - 500) // 2,
        "master_process": "off" if setup.single_process else "on",
        "policy": (
            f"scheduling_policy {setup.policy};" if setup.policy else ""
        ),
        "port": port,
        "root": lab.root,
        "user": user,
        "user_line": f"user: {user}" if os.geteuid() == 0 else "",
        "workers": setup.workers,
    }


def cohort_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """cohort takes nginx's command line."""
    values = common_values(setup, lab, port)
    path = render("cohort.conf", directory, **values)
    return ["-p", str(directory), "-c", str(path)], {}


def nginx_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """nginx looks for its compiled-in error log unless -e names another."""
    values = common_values(setup, lab, port)
    path = render("nginx.conf", directory, **values)
    return ["-p", str(directory), "-e", "stderr", "-c", str(path)], {}


def h2o_command(setup: Setup, lab: Lab, directory: Path, port: int) -> Started:
    """h2o in the foreground, as it starts by default."""
    values = common_values(setup, lab, port)
    return ["-c", str(render("h2o.conf", directory, **values))], {}


def haproxy_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """haproxy in the foreground."""
    values = common_values(setup, lab, port)
    return ["-db", "-f", str(render("haproxy.cfg", directory, **values))], {}


def lighttpd_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """lighttpd in the foreground; its modules may lie with the peers."""
    values = common_values(setup, lab, port)
    command = ["-D", "-f", str(render("lighttpd.conf", directory, **values))]
    modules = lab.peers / "usr/lib/lighttpd"
    return command + (["-m", str(modules)] if modules.exists() else []), {}


def caddy_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """caddy, kept from writing into the user's home."""
    values = common_values(setup, lab, port)
    path = render("Caddyfile", directory, **values)
    command = ["run", "--adapter", "caddyfile", "--config", str(path)]
    home = {"HOME": str(directory), "XDG_DATA_HOME": str(directory)}
    return command, {**home, "XDG_CONFIG_HOME": str(directory)}


def node_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """One Node process, or the cluster example of Node's manual."""
    cluster = setup.kind == "node-cluster"
    script = HERE / "node" / ("server.js" if cluster else "alone.js")
    environment = {
        "BENCH_PORT": str(port),
        "BENCH_WORKERS": str(setup.workers),
        "NODE_CLUSTER_SCHED_POLICY": setup.policy or "rr",
    }
    preload = str(HERE / "node" / "preload.js")
    return ["--require", preload, str(script)], environment


def limit_command(
    setup: Setup, lab: Lab, directory: Path, port: int
) -> Started:
    """The raw epoll server of limit.c."""
    command = ["--port", str(port), "--workers", str(setup.workers)]
    if setup.deferred:
        command.append("--deferred")
    if setup.close:
        command.append("--close")
    if setup.file:
        command += ["--file", str(lab.root / "files" / FILE_NAME)]
    return command, {}


COMMANDS: dict[str, Callable[[Setup, Lab, Path, int], Started]] = {
    "cohort": cohort_command,
    "nginx": nginx_command,
    "h2o": h2o_command,
    "haproxy": haproxy_command,
    "lighttpd": lighttpd_command,
    "caddy": caddy_command,
    "node": node_command,
    "node-cluster": node_command,
    "limit": limit_command,
}


@dataclasses.dataclass(frozen=True)
class Tool:
    """Something that starts a server in order to watch it."""

    command: list[str]
    is_beside: bool  # a process of its own, which ends when the server does


class Server:
    """A running server; a context manager, so that it never stays behind."""

    def __init__(
        self, lab: Lab, setup: Setup, tool: Tool | None = None
    ) -> None:
        binary = lab.binary(setup.kind)
        if binary is None:
            raise BenchError(f"{setup.name} is not there")
        self.setup = setup
        self.tool = tool or Tool([], False)
        self.port = next(lab.ports)
        self.directory = lab.new_directory(setup.name)
        arguments, environment = COMMANDS[setup.kind](
            setup, lab, self.directory, self.port
        )
        self.session = Session(
            [*self.tool.command, str(binary), *arguments],
            lab.server_cpu,
            self.directory,
            {**lab.environment(), **environment},
        )

    def __enter__(self) -> Server:
        try:
            self.session.wait_for_port(self.port)
        except BaseException:
            self.session.stop(spare_leader=self.tool.is_beside)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.session.stop(spare_leader=self.tool.is_beside)
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, path: str = "/") -> str:
        """Where a path of it is."""
        return f"http://127.0.0.1:{self.port}{path}"
