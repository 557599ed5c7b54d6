"""Node and cohort in one cluster: Node programs as our workers, ours as those
of a real Node primary."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

import processes
from cluster import (
    WORKER, Printed, Primary, Worker, answer, connect, make_primary, spread)
from conftest import PATIENCE, wait_until

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node")


# -- Node programs as workers of ours --------------------------------------------

@pytest.fixture
def node(make_primary, tmp_path):
    """A primary whose workers run a Node program; returns both."""

    def make(program: str, policy: str = "round_robin", **options) -> Primary:
        file = tmp_path / "worker.js"
        file.write_text(program)
        primary = make_primary(exec=None, **options)
        primary.policy(policy)
        primary.ask("setup exec node", "^setup: 0")
        primary.ask("setup protocol node", "^setup: 0")
        primary.ask(f"setup args {file}", "^setup: 0")
        return primary

    return make


ANSWER = """
const cluster = require('cluster');
require('net').createServer(
    c => c.end(cluster.worker.id + '\\n')).listen(0, '127.0.0.1');
process.on('message', m => process.send(m));
"""


def listening_port(primary: Primary, id: int = 1) -> int:
    return int(primary.wait(rf"^cluster listening {id} \S+ \S+ (-?\d+)")[1])


def test_a_node_program_is_ready_when_it_listens_and_not_by_a_timer(node):
    primary = node("""
        const server = require('net').createServer(c => c.end());
        process.on('message', m => {
            if (m === 'listen') {
                server.listen(0, '127.0.0.1');
            }
            process.send(m);
        });""")
    worker = primary.fork()
    worker.ask("hello", "hello")
    assert not primary.find("ready 1")
    worker.tell("listen")
    listening_port(primary)
    told = [one[0] for one in primary.find(r"^\w+ (online|ready|listening) 1")]
    assert told[:5] == ["worker online 1", "cluster online 1",
                        "worker ready 1", "cluster ready 1",
                        "worker listening 1"]


@pytest.mark.parametrize("policy", ["round_robin", "shared"])
def test_node_programs_share_a_port(node, policy):
    primary = node(ANSWER, policy)
    primary.fork()
    primary.fork()
    port = listening_port(primary, 1)
    assert listening_port(primary, 2) == port
    counts = spread(port, 40)
    assert set(counts) <= {1, 2}
    if policy == "round_robin":
        assert counts == {1: 20, 2: 20}
    primary.tell("all")
    primary.wait("^all gone")
    assert len(primary.find("^cluster exit . code 0 signal 0 disconnect vol")) == 2


def test_node_programs_get_and_send_messages(node):
    primary = node(ANSWER)
    primary.fork()
    primary.tell('send 1 {"a":[1,"two"]}')
    primary.wait(r'^cluster message 1 {"a":\[1,"two"\]}')


def test_the_programs_of_nodes_documentation_run_unchanged(node, free_port):
    port = free_port()
    primary = node(f"""
        const cluster = require('cluster');
        const http = require('http');
        if (cluster.isPrimary) {{
            cluster.fork();
        }} else {{
            http.createServer((req, res) => {{
                res.writeHead(200);
                res.end('hello world\\n');
            }}).listen({port});
        }}""")
    primary.fork()
    listening_port(primary)
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert b"hello world" in client.makefile("rb").read()


@pytest.mark.parametrize("listen,pattern", [
    ("listen(0)", r"6 - \d+"), ("listen('PATH')", r"unix PATH -1"),
    ("listen(0, '::1')", r"6 ::1 \d+"),
    ("listen({port: 0, host: '127.0.0.1', exclusive: false})",
     r"4 127.0.0.1 \d+")])
def test_node_programs_listen_as_they_like(node, tmp_path, listen, pattern):
    path = str(tmp_path / "socket")
    primary = node("require('net').createServer()."
                   + listen.replace("PATH", path))
    primary.fork()
    primary.wait("^cluster listening 1 " + pattern.replace("PATH", path))


def test_node_programs_have_several_servers_and_ports_zero(node):
    primary = node("""
        const net = require('net');
        for (let i = 0; i < 3; i++) net.createServer().listen(0, '127.0.0.1');
        """)
    primary.fork()
    primary.fork()
    primary.wait("^cluster listening . 4 127.0.0.1", 6)
    ports = {id: sorted(
        int(one[1]) for one in
        primary.find(rf"^cluster listening {id} 4 127.0.0.1 (\d+)"))
        for id in (1, 2)}
    assert ports[1] == ports[2]
    assert len(set(ports[1])) == 3


def test_node_programs_listen_on_the_primarys_descriptor(node, free_port):
    port = free_port()
    primary = node(ANSWER.replace(
        "listen(0, '127.0.0.1')", "listen({fd: +process.env.FD})"))
    number = primary.ask(f"open {port}", r"^opened (\d+)")[1]
    primary.fork(f"FD={number}")
    primary.wait("^cluster listening 1")
    assert answer(port) == 1


def test_node_programs_see_nothing_of_what_made_them_workers(node):
    primary = node("""
        process.send(Object.keys(process.env).filter(
            name => /^(NODE_CHANNEL|NODE_UNIQUE|COHORT_W|COHORT_C)/.test(name)));
        """)
    primary.fork()
    primary.wait(r"^cluster message 1 \[\]$")


def test_an_exclusive_listen_of_node_does_not_ask_the_primary(node):
    primary = node("""
        const server = require('net').createServer();
        server.listen({port: 0, host: '127.0.0.1', exclusive: true},
            () => process.send(server.address().port));
        """)
    primary.fork()
    primary.fork()
    ports = [primary.wait(rf"^cluster message {id} (\d+)")[1] for id in (1, 2)]
    assert ports[0] != ports[1]
    assert not primary.find("^cluster listening")


def test_a_failed_listen_of_node_does_not_spoil_the_next(node, free_port):
    """On Node itself the second has another ordinal, and fails."""
    port = free_port()
    primary = node(f"""
        const server = require('net').createServer(c => c.end('1\\n'));
        const listen = () => server.listen({port}, '127.0.0.1');
        server.on('error', e => process.send(e.code));
        process.on('message', listen);
        listen();
        """)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        primary.fork()
        primary.wait('^cluster message 1 "EADDRINUSE"')
    primary.tell('send 1 "again"')
    primary.wait(f"^cluster listening 1 4 127.0.0.1 {port}")
    assert answer(port) == 1


def test_clients_that_a_leaving_node_worker_has_made_are_not_closed(node):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        primary = node(f"""
            const cluster = require('cluster');
            require('net').connect({other.getsockname()[1]}, '127.0.0.1');
            process.on('message', () => cluster.worker.disconnect());
            """)
        worker = primary.fork()
        client = other.accept()[0]
        primary.tell('send 1 "go"')
        worker.wait_disconnect()
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(10)
        assert not primary.find("^cluster exit")
        client.close()
        assert worker.wait_exit() == "code 0 signal 0 disconnect voluntary"


def test_node_workers_end_with_the_primary(node):
    primary = node(ANSWER)
    workers = [primary.fork() for _ in range(2)]
    primary.process.kill()
    for worker in workers:
        wait_until(lambda: not processes.is_alive(worker.pid), "its end")


def test_node_programs_share_udp_sockets(node):
    primary = node("""
        const socket = require('dgram').createSocket('udp4');
        socket.on('message', (m, r) => socket.send('pong', r.port, r.address));
        socket.bind(0, '127.0.0.1');
        """)
    primary.fork()
    primary.fork()
    port = int(primary.wait(
        r"^cluster listening 1 udp4 127.0.0.1 (\d+)")[1])
    primary.wait(rf"^cluster listening 2 udp4 127.0.0.1 {port}")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"ping", ("127.0.0.1", port))
        assert client.recv(10) == b"pong"


def test_a_bind_error_reaches_node(node, free_port):
    port = free_port()
    primary = node(f"""
        const server = require('net').createServer();
        server.on('error', e => process.send(e.code + ' ' + e.port));
        server.listen({port}, '127.0.0.1');
        """)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        primary.fork()
        primary.wait(f'^cluster message 1 "EADDRINUSE {port}"')


def test_a_full_node_worker_lets_others_have_the_connection(node):
    primary = node("""
        const cluster = require('cluster');
        const server = require('net').createServer(
            c => c.write(cluster.worker.id + '\\n'));
        server.maxConnections = 2;
        server.listen(0, '127.0.0.1');
        """)
    primary.fork()
    primary.fork()
    port = listening_port(primary, 1)
    listening_port(primary, 2)
    clients = [connect(port) for _ in range(4)]
    served = [client.recv(10) for client in clients]
    assert sorted(served) == [b"1\n", b"1\n", b"2\n", b"2\n"]
    waiting = connect(port)
    waiting.settimeout(PATIENCE)
    clients[0].close()
    assert waiting.recv(10) == served[0]


def test_connections_of_a_dead_node_worker_go_to_the_others(node, free_port):
    port = free_port()
    primary = node(ANSWER.replace("listen(0", f"listen({port}"))
    first = primary.fork()
    listening_port(primary, 1)
    primary.fork()
    listening_port(primary, 2)
    os.kill(first.pid, signal.SIGSTOP)
    clients = [connect(port) for _ in range(6)]
    time.sleep(0.2)
    os.kill(first.pid, signal.SIGKILL)
    for client in clients:
        client.settimeout(PATIENCE)
        assert client.recv(10) == b"2\n"


def test_a_connection_that_workers_die_of_is_dropped_and_told(node):
    primary = node(ANSWER + """
        process.prependListener('internalMessage', message => {
            if (message.act === 'newconn') {
                process.kill(process.pid, 'SIGKILL');
            }
        });""")
    for id in range(1, 5):
        primary.fork()
        port = listening_port(primary, id)
    with connect(port) as client:
        primary.wait(f"^cluster drop 1 of port {port}$")
        assert client.recv(10) == b""
    primary.wait("^cluster exit", 3)
    primary.ask("workers", "^workers 1:")
    told = [line for line in primary.lines if "closing" in line]
    assert len(told) == 1 and "3 workers died before they took it" in told[0]


def test_node_workers_leave_as_they_do_under_node(node):
    program = ANSWER + "process.on('message', m => {s});"
    for code, how in [
            ("process.exit(7)", "code 7 signal 0 self accidental"),
            ("process.disconnect()", "code 0 signal 0 self accidental"),
            ("cluster.worker.disconnect()",
             "code 0 signal 0 disconnect voluntary"),
            ("cluster.worker.kill()",
             "code 0 signal 0 disconnect voluntary")]:
        primary = node(program.replace("{s}", code))
        worker = primary.fork()
        listening_port(primary, worker.id)
        primary.tell(f'send {worker.id} "go"')
        assert worker.wait_exit() == how


def test_primary_hang_up_makes_a_node_worker_exit_0(node):
    primary = node(ANSWER)
    worker = primary.fork()
    listening_port(primary)
    primary.tell("hang_up 1")
    assert worker.wait_exit() == "code 0 signal 0 self accidental"


def test_node_programs_that_inspect_get_ports_of_their_own(node, free_port):
    port = free_port()
    primary = node("process.send(process.execArgv.join(' '))")
    primary.ask(f"setup inspect_port {port}", "^setup: 0")
    primary.fork()
    primary.wait('^cluster message 1 ""')
    primary.ask("setup exec_args --inspect", "^setup: 0")
    primary.fork()
    primary.wait(
        f'^cluster message 2 "--inspect --inspect-port={port + 1}"')


def test_nodes_internal_messages_are_not_told(node):
    primary = node("""
        process.send({cmd: 'NODE_SECRET'});
        process.send({cmd: 'NODE'});
        """)
    primary.fork()
    primary.wait('^cluster message 1 {"cmd":"NODE"}')
    assert not primary.find("NODE_SECRET")


def test_sockets_of_node_workers_reach_the_primary(node):
    primary = node("""
        const server = require('net').createServer(s =>
            process.send('a socket', s)).listen(0, '127.0.0.1');
        """)
    primary.fork()
    with connect(listening_port(primary)) as client:
        client.settimeout(PATIENCE)
        assert client.recv(100) == b"from the primary\n"
        primary.wait('^cluster message 1 "a socket" with a handle')


@pytest.mark.parametrize("setting", ["serialization binary"])
def test_what_node_programs_cannot_do_is_refused(node, setting):
    node(ANSWER).ask(f"setup {setting}", "^setup: -22")


@pytest.mark.parametrize("policy", ["least_conn", "reuseport"])
def test_policies_that_node_programs_cannot_have_are_refused(
        make_primary, policy):
    primary = make_primary(exec=None)
    primary.policy(policy)
    primary.ask("setup protocol node", "^setup: -22")


def test_tickets_of_the_first_https_worker_are_for_all(node, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "1", "-subj", "/CN=localhost", "-keyout", tmp_path / "key",
         "-out", tmp_path / "certificate"], check=True, capture_output=True)
    primary = node(f"""
        const fs = require('fs');
        const server = require('https').createServer({{
            key: fs.readFileSync('{tmp_path}/key'),
            cert: fs.readFileSync('{tmp_path}/certificate'),
        }}, (q, r) => r.end('x'));
        server.listen(0, '127.0.0.1', () => process.send(
            server.getTicketKeys().toString('hex')));
        """)
    primary.fork()
    primary.fork()
    keys = [primary.wait(rf'^cluster message {id} "(\w+)"')[1]
            for id in (1, 2)]
    assert keys[0] == keys[1]


def test_node_and_cohort_workers_share_one_address(node, free_port):
    port = free_port()
    primary = node(ANSWER.replace("listen(0", f"listen({port}"))
    primary.fork()
    listening_port(primary, 1)
    primary.ask("setup protocol cohort", "^setup: 0")
    primary.ask(f"setup exec {WORKER}", "^setup: 0")
    primary.ask("setup args x", "^setup: 0")
    primary.fork().listen(f"127.0.0.1:{port}")
    assert spread(port, 20) == {1: 10, 2: 10}


# -- ours as workers of Node -------------------------------------------------------

NODE_PRIMARY = """
const cluster = require('cluster');
process.execPath = process.argv[2];
cluster.schedulingPolicy =
    process.argv[3] === 'none' ? cluster.SCHED_NONE : cluster.SCHED_RR;
cluster.setupPrimary({exec: 'unused', args: [], execArgv: []});
const say = (...words) => console.log(words.join(' '));
for (let i = 0; i < 2; i++) cluster.fork();
cluster.on('online', w => say('online', w.id));
cluster.on('listening', (w, a) =>
    say('listening', w.id, a.address, a.port, a.addressType));
cluster.on('message', (w, m) => say('message', w.id, JSON.stringify(m)));
cluster.on('disconnect', w => say('disconnect', w.id));
cluster.on('exit', (w, code, signal) =>
    say('exit', w.id, code, signal, w.exitedAfterDisconnect));
require('readline').createInterface({input: process.stdin}).on('line', l => {
    const [id, ...words] = l.split(' ');
    if (l === 'disconnect') cluster.disconnect();
    else if (cluster.workers[id]) cluster.workers[id].send(words.join(' '));
}).on('close', () => process.exit());
"""


class NodePrimary(Printed):
    def __init__(self, file, policy: str) -> None:
        file.write_text(NODE_PRIMARY)
        super().__init__(subprocess.Popen(
            [NODE, str(file), str(WORKER), policy], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        self.wait("^online", 2)

    def tell(self, line: str) -> None:
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()


@pytest.fixture(params=["rr", "none"])
def node_primary(request, tmp_path):
    one = NodePrimary(tmp_path / "primary.js", request.param)
    yield one
    one.process.kill()
    one.process.wait()
    assert "Sanitizer" not in one.text()


def test_our_program_is_a_worker_of_node(node_primary):
    for id in (1, 2):
        node_primary.tell(f"{id} listen 127.0.0.1:0")
    port = int(node_primary.wait(r"^listening 1 127.0.0.1 (\d+) 4")[1])
    node_primary.wait(rf"^listening 2 127.0.0.1 {port} 4")
    assert set(spread(port, 40)) <= {1, 2}
    node_primary.tell("1 show self")
    node_primary.wait('message 1 "self 1 primary 0 worker 1')
    node_primary.tell("1 show env")
    node_primary.wait(r'message 1 "env \(null\)\|\(null\)\|\(null\)')
    node_primary.tell("disconnect")
    for id in (1, 2):
        node_primary.wait(f"^exit {id} 0  true")


def test_under_node_it_listens_on_all_and_on_paths(node_primary, tmp_path):
    node_primary.tell("1 listen 0")
    port = int(node_primary.wait(r"^listening 1  (\d+) 4")[1])
    assert answer(port) == 1
    node_primary.tell(f"1 listen unix:{tmp_path}/socket")
    node_primary.wait(f"^listening 1 {tmp_path}/socket -1 -1")


def test_under_node_a_bind_error_is_the_workers(node_primary, free_port):
    port = free_port()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        for count in (1, 2):  # and the next one is not one too many for Node
            node_primary.tell(f"1 listen 127.0.0.1:{port}")
            node_primary.wait('message 1 "error Address already in use', count)
    node_primary.tell(f"1 listen 127.0.0.1:{port}")
    node_primary.wait(f"^listening 1 127.0.0.1 {port} 4")
    assert answer(port) == 1


def test_under_node_it_does_not_ask_twice_for_an_address(
        node_primary, free_port):
    port = free_port()
    for words in (f"listen 127.0.0.1:{port}",) * 2 + ("hello",):
        node_primary.tell(f"1 {words}")
    node_primary.wait('message 1 "listen: Address already in use')
    node_primary.wait('message 1 "hello')
    node_primary.wait(f"^listening 1 127.0.0.1 {port} 4")
    assert answer(port) == 1


@pytest.mark.parametrize("words,how", [
    ("disconnect", "0  true"), ("kill", "0  true"), ("exit 7", "7  false"),
    ("hang_up", "0  false")])
def test_under_node_it_leaves_as_node_workers_do(node_primary, words, how):
    node_primary.tell(f"2 {words}")
    node_primary.wait(f"^exit 2 {how}")


COUNTING_PRIMARY = """
const cluster = require('cluster');
process.execPath = process.argv[2];
cluster.setupPrimary({exec: 'unused', args: [], execArgv: []});
const worker = cluster.fork();
const say = (...words) => console.log(words.join(' '));
const server = require('net').createServer(socket => {
    socket.on('error', () => {});
    worker.send('keep', socket);
});
worker.on('message', message => say('message', JSON.stringify(message)));
worker.on('online', () => server.listen(
    0, '127.0.0.1', () => say('port', server.address().port)));
require('readline').createInterface({input: process.stdin}).on('line', line => {
    if (line === 'count') server.getConnections((e, n) => say('count', n));
    else if (line === 'close') server.close(() => say('closed'));
    else worker.send(line);
});
"""


def test_under_node_sockets_of_its_server_are_counted(tmp_path):
    file = tmp_path / "primary.js"
    file.write_text(COUNTING_PRIMARY)
    primary = Printed(subprocess.Popen(
        [NODE, str(file), str(WORKER)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))

    def tell(line: str) -> None:
        primary.process.stdin.write(line + "\n")
        primary.process.stdin.flush()

    try:
        port = int(primary.wait(r"^port (\d+)")[1])
        with socket.create_connection(("127.0.0.1", port)):
            primary.wait("kept it")
            tell("count")
            primary.wait("^count 1$")
            tell("close")
            tell("show self")  # a round trip, after which it is still open
            primary.wait("self 1 primary 0")
            assert not primary.find("^closed")
            tell("let_go")
            primary.wait("^closed$")
    finally:
        primary.process.kill()
        primary.process.wait()


def test_under_node_its_end_ends_ours(node_primary):
    family = processes.descendants(node_primary.process.pid)
    assert len(family) == 2
    node_primary.process.kill()
    wait_until(lambda: not any(map(processes.is_alive, family)), "their end")
