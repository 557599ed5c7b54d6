"""Worker groups in a configuration, and the programs that they run."""

from __future__ import annotations

import shutil
import socket

import pytest

import processes
import wire

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")

# Says which worker answers.
ANSWER = """
const cluster = require('cluster');
require('http').createServer((request, response) => {
    response.setHeader('Connection', 'close');
    response.end(String(cluster.worker.id));
}).listen(process.env.LISTEN, '127.0.0.1');
"""


def node_program(server, text: str, name: str = "app.js") -> None:
    (server.folder / name).write_text(text)


def group(
        server, name: str, port: int, settings: str, program: str = "app.js") -> str:
    """A block whose Node program stands in the server's folder."""
    folder = "" if "cwd" in settings else f"cwd {server.folder};"
    return f"""
        worker_group {name} {{
            exec node {server.folder}/{program};
            protocol node;
            env LISTEN={port};
            {folder}
            {settings}
        }}"""


def node_workers(server) -> list[int]:
    """The pids of living Node workers, oldest first."""
    return processes.children(server.pid, "node")


def builtin_workers(server) -> list[int]:
    return processes.children(server.pid, "cohort: worker")


def who(port: int, host: str = "127.0.0.1") -> str:
    """The body of one answer, on a connection of its own."""
    with socket.create_connection((host, port), wire.TIMEOUT) as connection:
        connection.sendall(
            b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := connection.recv(65536):
            data += piece
    return data.partition(b"\r\n\r\n")[2].decode()


def answers(port: int) -> bool:
    try:
        return who(port) != ""
    except ConnectionError:
        return False
