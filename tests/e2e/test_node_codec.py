"""The Node codec against the real Node, each way: a primary of ours with Node
programs as workers, and a worker of ours under Node's own primary."""

from __future__ import annotations

import collections
import contextlib
import json
import os
import pathlib
import re
import resource
import select
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

import processes
from conftest import BINARY, PATIENCE, wait_until

PROGRAMS = pathlib.Path(os.environ.get("COHORT_BUILD", BINARY.parent)) / "tests/embed"

pytestmark = [
    pytest.mark.quick,
    pytest.mark.skipif(not shutil.which("node"), reason="there is no node here"),
]

HELLO = """
require('http').createServer((request, response) => {
  response.writeHead(200, {connection: 'close'});
  response.end('' + process.pid);
}).listen(LISTEN);
"""


class Primary:
    """A running node_primary: what it printed, and commands for it."""

    def __init__(
        self, script: pathlib.Path, count: int, policy: str, window: int,
        environment: dict[str, str], descriptors: tuple[int, ...],
    ) -> None:
        self.lines: list[str] = []
        self.errors = script.with_suffix(".log")
        with open(self.errors, "w", encoding="utf-8") as errors:
            self.process = subprocess.Popen(
                [PROGRAMS / "node_primary", policy, str(window), str(count),
                 "node", str(script)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                text=True, cwd=script.parent, pass_fds=descriptors,
                env={**os.environ, **environment})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def tell(self, command: str) -> None:
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def said(self, pattern: str) -> list[str]:
        """What stands in the group, or the whole, of each line that matches."""
        found = [re.fullmatch(pattern, line) for line in list(self.lines)]
        return [match.group(match.lastindex or 0) for match in found if match]

    def wait(self, pattern: str, count: int = 1) -> list[str]:
        try:
            return wait_until(
                lambda: len(self.said(pattern)) >= count and self.said(pattern),
                f"{count} x {pattern!r}")
        except BaseException:
            print("\n".join(self.lines), self.log())
            raise

    def log(self) -> str:
        return self.errors.read_text(encoding="utf-8")

    def pid(self, worker: int) -> int:
        return int(self.wait(rf"fork {worker} (\d+)")[0])

    def stop(self) -> None:
        for pid in self.said(r"fork \d+ (\d+)"):
            if processes.parent(int(pid)) == self.process.pid:
                with contextlib.suppress(ProcessLookupError):  # just gone
                    os.kill(int(pid), signal.SIGCONT)
        self.process.stdin.close()
        try:
            assert self.process.wait(PATIENCE) == 0, self.log()
        finally:
            self.process.kill()
            self._reader.join(PATIENCE)
            self.process.stdout.close()


@pytest.fixture
def primary(tmp_path: pathlib.Path) -> Iterator[Callable[..., Primary]]:
    """Start a primary of ours with workers that run this JavaScript."""
    started: list[Primary] = []

    def start(
        script: str, count: int = 2, policy: str = "rr", window: int = 1,
        descriptors: tuple[int, ...] = (), **environment: str,
    ) -> Primary:
        path = tmp_path / f"program{len(started)}.js"
        path.write_text(script, encoding="utf-8")
        started.append(
            Primary(path, count, policy, window, environment, descriptors))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def hello(listen: object) -> str:
    return HELLO.replace("LISTEN", str(listen))


def ask(address: int | str, timeout: float = PATIENCE) -> str:
    """One request on a connection of its own; the body of the answer."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as one:
        one.settimeout(timeout)
        one.connect(
            address if isinstance(address, str) else ("127.0.0.1", address))
        one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answer = b""
        while some := one.recv(65536):
            answer += some
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    if b"chunked" in head:
        body = body.split(b"\r\n")[1]
    return body.decode()


def test_round_robin_is_even(primary, free_port):
    port = free_port()
    one = primary(hello(f"{port}, '127.0.0.1'"))
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    counts = collections.Counter(int(ask(port)) for _ in range(20))
    assert counts == {one.pid(1): 10, one.pid(2): 10}
    assert one.said("query .*") == [
        f"query {worker} 127.0.0.1:{port}:4:undefined:0"
        for worker in map(int, one.said(r"query (\d) .*"))]
    order = [line.split()[0] for line in one.lines if line.split()[1] == "1"]
    assert order == ["fork", "online", "query", "listening"]


def test_shared_socket_is_accepted_from_by_each(primary, free_port):
    port = free_port()
    one = primary(hello(f"{port}, '127.0.0.1'"), policy="shared")
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    for stopped, serving in ((1, 2), (2, 1)):
        os.kill(one.pid(stopped), signal.SIGSTOP)
        assert int(ask(port)) == one.pid(serving)
        os.kill(one.pid(stopped), signal.SIGCONT)


def test_script_with_both_branches_is_a_worker(primary, free_port):
    port = free_port()
    one = primary(f"""
        const cluster = require('cluster');
        if (cluster.isPrimary) {{ process.exit(9); }}
        process.send({{id: cluster.worker.id, env: process.env.NODE_UNIQUE_ID}});
        {hello(f"{port}, '127.0.0.1'")}""")
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    assert sorted(one.said(r"message \d (.*)")) == ['{"id":1}', '{"id":2}']


def test_port_zero_is_the_same_for_all(primary):
    one = primary("""
        const net = require('net');
        const server = net.createServer(c => c.end('a'));
        server.listen(0, '127.0.0.1', () => {
          const other = net.createServer(c => c.end('b'));
          other.listen(0, '127.0.0.1', () =>
            process.send([server.address().port, other.address().port]));
        });""")
    one.wait(r"message \d .*", 2)
    pairs = [json.loads(text) for text in one.said(r"message \d (.*)")]
    assert pairs[0] == pairs[1]
    assert pairs[0][0] != pairs[0][1]
    assert set(one.said(r"query \d (.*)")) == {
        "127.0.0.1:0:4:undefined:0", "127.0.0.1:0:4:undefined:1"}


def test_unix_path(primary, tmp_path):
    one = primary(hello("'a.sock'"))
    path = str(tmp_path / "a.sock")
    one.wait(rf"listening \d {path} -1", 2)
    assert {int(ask(path)) for _ in range(4)} == {one.pid(1), one.pid(2)}
    assert set(one.said(r"query \d (.*)")) == {f"{path}:-1:-1:undefined:0"}


def test_listen_fd_is_the_primarys(primary):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        number = listener.fileno()
        one = primary(
            hello("{fd: %d}" % number), count=1, descriptors=(number,))
        one.wait(r"listening 1 null -?\d+")
        assert int(ask(listener.getsockname()[1])) == one.pid(1)
        assert one.said(r"query 1 (.*)") == [f"null:null:null:{number}:0"]


def test_bind_error_reaches_the_worker(primary):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        one = primary(f"""
            require('net').createServer().on('error', error =>
              process.send(error)).listen({port}, '127.0.0.1');
            setInterval(() => 0, 1000);""", count=1)
        error = json.loads(one.wait(r"message 1 (.*)")[0])
    assert (error["code"], error["syscall"]) == ("EADDRINUSE", "bind")
    assert (error["address"], error["port"]) == ("127.0.0.1", port)


def test_full_worker_refuses_and_another_serves(primary, free_port):
    port = free_port()
    one = primary(f"""
        const server = require('net').createServer(c => c.write('' + process.pid));
        server.maxConnections = require('cluster').worker.id == 1 ? 1 : 100;
        server.listen({port}, '127.0.0.1');""")
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    connections = []
    counts: collections.Counter[int] = collections.Counter()
    for _ in range(8):
        connections.append(socket.create_connection(("127.0.0.1", port), PATIENCE))
        counts[int(connections[-1].recv(100))] += 1
    for connection in connections:
        connection.close()
    assert counts == {one.pid(1): 1, one.pid(2): 7}
    one.wait(r"refused 1 0")


def test_two_hundred_pipelined_connections(primary, free_port):
    port = free_port()
    one = primary(hello(f"{port}, '127.0.0.1'"), count=1, window=200)
    one.wait(rf"listening 1 127\.0\.0\.1 {port}")
    one.tell("accept off")
    clients = []
    for _ in range(200):
        clients.append(socket.create_connection(("127.0.0.1", port), PATIENCE))
        clients[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
    one.tell("accept on")
    for client in clients:
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.close()
    assert not one.said("refused.*")


def answered(clients: list[socket.socket]) -> list[socket.socket]:
    return select.select(clients, [], [], 0)[0]


def test_stopped_worker_holds_one_connection(primary, free_port):
    port = free_port()
    one = primary(hello(f"{port}, '127.0.0.1'"))
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    os.kill(one.pid(1), signal.SIGSTOP)
    clients = []
    for _ in range(12):
        clients.append(socket.create_connection(("127.0.0.1", port), PATIENCE))
        clients[-1].sendall(b"GET / HTTP/1.0\r\n\r\n")
    wait_until(lambda: len(answered(clients)) == 11, "all answers but one")
    served = answered(clients)
    [stuck] = set(clients) - set(served)
    for client in served:
        assert client.recv(100).startswith(b"HTTP/1.1 200")
    stuck.settimeout(1)
    with pytest.raises(TimeoutError):
        stuck.recv(100)
    os.kill(one.pid(1), signal.SIGCONT)
    stuck.settimeout(PATIENCE)
    assert stuck.recv(100).startswith(b"HTTP/1.1 200")
    for client in clients:
        client.close()


def test_worker_without_descriptors_loses_no_connection(primary, free_port):
    """It NACKs what it cannot receive; another worker gets the connection."""
    port = free_port()
    one = primary(hello(f"{port}, '127.0.0.1'"))
    one.wait(rf"listening \d 127\.0\.0\.1 {port}", 2)
    ask(port), ask(port)
    before = resource.prlimit(one.pid(1), resource.RLIMIT_NOFILE)
    resource.prlimit(one.pid(1), resource.RLIMIT_NOFILE, (3, before[1]))
    assert {int(ask(port)) for _ in range(4)} == {one.pid(2)}
    one.wait(r"refused 1 -24")
    resource.prlimit(one.pid(1), resource.RLIMIT_NOFILE, before)
    assert {int(ask(port)) for _ in range(4)} == {one.pid(1), one.pid(2)}


def test_disconnect_finishes_the_running_request(primary, free_port):
    port = free_port()
    one = primary(f"""
        require('http').createServer((request, response) => {{
          process.send('asked');
          setTimeout(() => response.end('late'), 700);
        }}).listen({port}, '127.0.0.1');""", count=1)
    one.wait(rf"listening 1 127\.0\.0\.1 {port}")
    answers: list[str] = []
    client = threading.Thread(target=lambda: answers.append(ask(port)))
    client.start()
    one.wait('message 1 "asked"')
    one.tell("disconnect 1")
    one.wait(rf"closed 127\.0\.0\.1:{port}:4:undefined:0")
    with pytest.raises(ConnectionRefusedError):
        ask(port)
    client.join(PATIENCE)
    assert answers == ["late"]
    one.wait("exit 1 0 0")
    assert one.said("disconnect 1 (.*)") == ["voluntary"]


def test_hang_up_without_notice_ends_the_worker(primary):
    one = primary("setInterval(() => 0, 1000); process.send('up')", count=1)
    one.wait('message 1 "up"')
    one.tell("hangup 1")
    one.wait("exit 1 0 0")
    assert one.said("disconnect 1 (.*)") == ["accidental"]


def test_worker_leaves_of_its_own_will(primary):
    one = primary("""
        require('net').createServer().listen(0, '127.0.0.1', () =>
          require('cluster').worker.disconnect());""", count=1)
    one.wait("exit 1 0 0")
    assert one.said("disconnect 1 (.*)") == ["voluntary"]
    assert one.said("closed .*") == ["closed 127.0.0.1:0:4:undefined:0"]


ECHO = """
process.on('message', (message, socket) => {
  process.send(message);
  if (socket) { socket.end('worker was here'); }
});
process.send('up');
"""


def test_messages_of_every_kind_both_ways(primary):
    one = primary(ECHO, count=1)
    one.wait('message 1 "up"')
    values = ['{"a":[1,2.5,null],"b":{"c":true}}', '"\\u00e9"', "7", "false",
              '{"cmd":"NODE_"}', '"\\u0000 \\ud800"', "18446744073709552000"]
    for value in values:
        one.tell(f"send 1 {value}")
    echoed = one.wait(r"message 1 (.*)", 1 + len(values))[1:]
    assert [json.loads(text) for text in echoed] == list(map(json.loads, values))


def test_a_message_of_a_mebibyte_but_no_more(primary):
    one = primary("""
        process.on('message', size => process.send('x'.repeat(size)));
        process.send('up');""", count=1)
    one.wait('message 1 "up"')
    one.tell(f"send 1 {2**20 - 2}")
    one.wait(f"message 1 {2**20} bytes")
    one.tell(f"send 1 {2**20 - 1}")
    one.wait("disconnect 1 accidental")
    one.wait("exit 1 0 0")
    assert "closing the channel to worker 1: its message is longer" in one.log()


def test_large_message_to_the_worker(primary):
    one = primary("""
        process.on('message', text => process.send(text.length));
        process.send('up');""", count=1)
    one.wait('message 1 "up"')
    for _ in range(3):
        one.tell(f'send 1 "{"x" * 1000000}"')
    assert one.wait(r"message 1 (\d+)", 3) == ["1000000"] * 3


def test_sockets_travel_both_ways(primary, free_port):
    port = free_port()
    one = primary(ECHO + f"""
        require('net').createServer({{pauseOnConnect: true}}, socket =>
          process.send('for you', socket)).listen({port}, '127.0.0.1');""", count=1)
    one.wait(rf"listening 1 127\.0\.0\.1 {port}")
    one.tell('pass 1 {"first":1}')
    one.tell("send 1 2")
    one.wait("came back worker was here")
    assert one.wait(r"message 1 (.*)", 3)[1:] == ['{"first":1}', "2"]
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as client:
        assert client.recv(100) == b"served by the primary\n"
    one.wait(r'message 1 "for you" \+socket')


def test_udp_is_always_shared(primary):
    one = primary("""
        const one = require('dgram').createSocket('udp4');
        one.on('message', (m, from) => one.send('' + process.pid, from.port));
        one.bind(0, '127.0.0.1', () => process.send(one.address().port));""")
    ports = {int(port) for port in one.wait(r"message \d (\d+)", 2)}
    assert len(ports) == 1
    assert set(one.said(r"query \d (.*)")) == {"127.0.0.1:0:udp4:-1:0"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"a", ("127.0.0.1", ports.pop()))
        assert int(client.recv(100)) in (one.pid(1), one.pid(2))


def test_ticket_keys_of_the_first_worker_are_for_all(primary):
    one = primary("""
        const server = require('tls').createServer();
        server.listen(0, '127.0.0.1', () =>
          process.send(server.getTicketKeys().toString('hex')));""")
    keys = one.wait(r'message \d "(.*)"', 2)
    assert len(keys[0]) == 96
    assert keys[0] == keys[1]


# --- a worker of ours, under Node ---------------------------------------------

NODE_PRIMARY = """
const cluster = require('cluster');
const http = require('http');
const [policy, program, mode] = process.argv.slice(2);
const events = [];
cluster.schedulingPolicy = policy == 'rr' ? cluster.SCHED_RR : cluster.SCHED_NONE;
cluster.setupPrimary({exec: '--', args: [mode], execArgv: []});
process.execPath = program;
cluster.on('fork', worker => events.push('fork ' + worker.id));
cluster.on('online', worker => events.push('online ' + worker.id));
cluster.on('message', (worker, message, socket) => {
  events.push('message ' + worker.id + ' ' + JSON.stringify(message));
  if (socket) { socket.end('from the worker'); }
  if (message.echo && ++echoed == 2) { end(); }
});
let left = 4; // an exit and a disconnect of each, in either order
cluster.on('disconnect', worker => {
  events.push('disconnect ' + worker.id);
  gone();
});
let echoed = 0;
function end() {
  for (const worker of Object.values(cluster.workers)) {
    if (mode == 'leaves') { worker.send('leave'); } else { worker.disconnect(); }
  }
}
cluster.on('exit', (worker, code, signal) => {
  events.push(['exit', worker.id, code, signal,
               worker.exitedAfterDisconnect].join(' '));
  gone();
});
function gone() {
  if (--left == 0) {
    console.log(JSON.stringify({events, seen}));
    process.exit(0);
  }
}
// A channel over which Node has passed a handle doesn't keep its event loop: if
// the exit is seen first, and nothing else did, it would end before the
// disconnect. Workers of ours leave quickly enough to show that.
setInterval(() => {}, 1000);
const seen = {};
function ask(port) {
  return new Promise((resolve, reject) => http.get(
    {host: '127.0.0.1', port, agent: false}, response => {
      let body = '';
      response.on('data', data => body += data);
      response.on('end', () => resolve(body.trim()));
    }).on('error', reject));
}
async function go(port) {
  for (let i = 0; i < 10; i++) {
    const body = await ask(port);
    seen[body] = (seen[body] || 0) + 1;
  }
  for (const worker of Object.values(cluster.workers)) {
    worker.send({echo: [1, '\\u00e9']});
  }
}
let listening = 0;
cluster.on('listening', (worker, address) => {
  events.push('listening ' + worker.id + ' ' + address.address + ' ' +
              address.addressType);
  if (++listening == 2) { go(address.port); }
});
cluster.fork();
cluster.fork();
"""


@pytest.fixture
def node_primary(tmp_path: pathlib.Path) -> Callable[..., dict]:
    """Run Node's own primary with two workers of ours, to its end."""
    script = tmp_path / "primary.js"
    script.write_text(NODE_PRIMARY, encoding="utf-8")

    def run(policy: str, mode: str = "plain") -> dict:
        done = subprocess.run(
            ["node", script, policy, PROGRAMS / "node_worker", mode],
            capture_output=True, text=True, timeout=2 * PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
        return json.loads(done.stdout)

    return run


def events_of(result: dict, worker: int) -> list[str]:
    return [event for event in result["events"]
            if event.split()[1] == str(worker)]


@pytest.mark.parametrize("policy", ["rr", "none"])
def test_worker_of_ours_under_node(node_primary, policy):
    result = node_primary(policy)
    for worker in (1, 2):
        events = events_of(result, worker)
        assert events[:5] == [
            f"fork {worker}",
            f"online {worker}",
            f'message {worker} {{"hello":{worker}}}',
            f"listening {worker} 127.0.0.1 4",
            f'message {worker} {{"echo":[1,"\u00e9"]}}',
        ]
        assert sorted(events[5:]) == [
            f"disconnect {worker}", f"exit {worker} 0  true"]
    assert sum(result["seen"].values()) == 10
    if policy == "rr":
        assert result["seen"] == {"worker 1": 5, "worker 2": 5}


def test_worker_of_ours_refuses_connections(node_primary):
    result = node_primary("rr", "refuses")
    assert result["seen"] == {"worker 2": 10}


def test_worker_of_ours_without_descriptors(node_primary):
    """Node loses a connection that a worker cannot receive; ours hands it back."""
    result = node_primary("rr", "starves")
    assert result["seen"] == {"worker 2": 10}


def test_worker_of_ours_leaves_of_its_own_will(node_primary):
    result = node_primary("rr", "leaves")
    assert "exit 1 0  true" in events_of(result, 1)[-2:]
    assert "exit 2 0  true" in events_of(result, 2)[-2:]


def test_worker_of_ours_sends_a_socket(node_primary):
    result = node_primary("rr", "passes")
    assert 'message 1 {"came":"from the worker"}' in result["events"]


def test_worker_of_ours_is_told_that_it_has_no_channel():
    done = subprocess.run(
        [PROGRAMS / "node_worker"], env={"NODE_UNIQUE_ID": "1"},
        capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 1
    assert "NODE_UNIQUE_ID is set, but NODE_CHANNEL_FD is not" in done.stderr
