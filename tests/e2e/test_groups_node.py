"""What Node programs do with their servers, as a worker group."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

import processes
from conftest import wait_until
from groups import (
    ANSWER, answers, group, needs_node, node_program, node_workers, who)

pytestmark = needs_node


def test_a_program_that_forks_when_it_is_the_primary_serves_at_once(
        server, free_port):
    port = free_port()
    node_program(server, """
        const cluster = require('node:cluster');
        const http = require('node:http');
        if (cluster.isPrimary) {
            for (const _ of require('node:os').cpus()) cluster.fork();
            cluster.on('exit', worker => console.log('died', worker.id));
        } else {
            http.createServer((request, response) => {
                response.setHeader('Connection', 'close');
                response.end(`${process.pid}`);
            }).listen(process.env.LISTEN);
        }""")
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    assert {who(port), who(port)} == {str(pid) for pid in node_workers(server)}
    for pid in node_workers(server):
        assert not processes.children(pid)


def test_several_servers_of_one_program(server, free_port):
    port, other = free_port(), free_port()
    node_program(server, ANSWER + f"""
        require('net').createServer(c => c.end('net')).listen(
            {other}, '127.0.0.1');""")
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    assert {who(port), who(port)} == {"1", "2"} or answers(port)
    with socket.create_connection(("127.0.0.1", other)) as connection:
        assert connection.recv(10) == b"net"


def test_port_0_is_one_port_for_all(server, free_port):
    node_program(server, """
        const fs = require('fs');
        const id = require('cluster').worker.id;
        const server = require('net').createServer(c => c.end(String(id)));
        server.listen(0, '127.0.0.1', () =>
            fs.writeFileSync(`port${id}`, String(server.address().port)));""")
    server.write(main=group(server, "app", 0, "processes 2;"))
    server.start()
    files = wait_until(
        lambda: len(found := sorted(server.folder.glob("port*"))) == 2 and
        all(file.read_text() for file in found) and found, "two ports")
    ports = {file.read_text() for file in files}
    assert len(ports) == 1
    seen = set()
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", int(*ports))) as connection:
            seen.add(connection.recv(10))
    assert len(seen) == 2


def test_a_unix_socket_goes_with_its_group(server):
    node_program(server, """
        require('net').createServer(c => c.end('unix')).listen('app.sock');""")
    server.write(main=group(server, "app", 0, "processes 2;"))
    server.start()
    path = server.folder / "app.sock"
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        assert connection.recv(10) == b"unix"
    server.write()
    server.signal(signal.SIGHUP)
    wait_until(lambda: not node_workers(server), "it to leave")
    wait_until(lambda: not path.exists(), "the socket's file to go")


def test_udp_is_shared(server, free_port):
    port = free_port()
    node_program(server, """
        const udp = require('dgram').createSocket('udp4');
        udp.on('message', (text, from) => udp.send(text, from.port, from.address));
        udp.bind(Number(process.env.LISTEN), '127.0.0.1');""")
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"echo", ("127.0.0.1", port))
        assert client.recv(10) == b"echo"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")
def test_https_resumes_a_session_in_another_worker(server, free_port):
    port = free_port()
    key, certificate = server.folder / "key.pem", server.folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
         str(key), "-out", str(certificate), "-days", "2", "-subj",
         "/CN=localhost"], check=True, capture_output=True)
    key.chmod(0o644)
    node_program(server, """
        const fs = require('fs');
        require('https').createServer(
            {key: fs.readFileSync('key.pem'), cert: fs.readFileSync('cert.pem')},
            (request, response) => {
                response.setHeader('Connection', 'close');
                response.end(String(require('cluster').worker.id));
            }).listen(process.env.LISTEN, '127.0.0.1');""")
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session, workers = None, []
    for _ in range(4):
        with socket.create_connection(("127.0.0.1", port)) as plain, \
                context.wrap_socket(plain, session=session) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            data = b""
            while piece := connection.recv(4096):
                data += piece
            workers.append(data[-1:])
            if session:
                assert connection.session_reused
            session = connection.session
    assert len(set(workers)) == 2


def test_shared_lets_them_accept_by_themselves(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(
        server, "app", port,
        "processes 2; scheduling_policy shared; worker_watchdog off;"))
    server.start()
    stopped = node_workers(server)[0]
    os.kill(stopped, signal.SIGSTOP)
    try:
        assert len({who(port) for _ in range(4)}) == 1
    finally:
        os.kill(stopped, signal.SIGCONT)


def test_a_worker_may_leave_by_itself(server, free_port):
    port = free_port()
    node_program(server, ANSWER + """
        process.on('SIGUSR2', () => cluster.worker.kill());""")
    server.write(main=group(server, "app", port, "processes 2; respawn always;"))
    server.start()
    before = node_workers(server)
    os.kill(before[0], signal.SIGUSR2)
    wait_until(lambda: before[0] not in node_workers(server) and
               len(node_workers(server)) == 2, "another one")


def test_a_running_request_is_finished_over_a_reload(server, free_port):
    port = free_port()
    slow = ANSWER.replace(
        "response.end(String(cluster.worker.id));",
        "setTimeout(() => response.end('late'), 1500);")
    node_program(server, slow)
    server.write(main=group(server, "app", port, "processes 1;"))
    server.start()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        before = node_workers(server)
        server.write(main=group(server, "app", port, "processes 1; env NEW=1;"))
        server.signal(signal.SIGHUP)
        server.wait_log("reload: generation 2 serves")
        data = b""
        while piece := connection.recv(4096):
            data += piece
        assert data.endswith(b"late")
    wait_until(lambda: not set(before) & set(node_workers(server)), "the old one")
    server.wait_log(r"exited with code 0, worker \d+")


def test_the_inspector_gets_the_next_port(server, free_port):
    port, inspector = free_port(), free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, f"""
        processes 1; exec_args --inspect; inspect_port {inspector};
        silent on;"""))
    server.start()
    server.wait_log(rf"app worker \d+: Debugger listening on ws://127.0.0.1:{inspector}/")


def test_nothing_is_left_when_the_primary_is_killed(server, free_port):
    port = free_port()
    node_program(server, ANSWER)
    server.write(main=group(server, "app", port, "processes 2;"))
    server.start()
    family = node_workers(server)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(processes.is_alive, family)), "their end")
    server.process.wait()
    server.process = None
