"""HTTP as clients really speak it, and clients that mean harm: each costs only itself."""

import contextlib
import json
import resource
import socket
import threading

import pytest
from conftest import SANITIZED, until

HEALTHY = b'{"type":"sync","status-code":200,"status":"OK","result":{"healthy":true}}'


class Raw:
    """A socket to the daemon, with bytes as they are."""

    def __init__(self, daemon):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(daemon.socket))

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def head(self):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self.socket.recv(1)
            if not piece:
                return data
            data += piece
        return data

    def reply(self, method="GET"):
        """Status, headers (in order), body."""
        head = self.head().decode()
        if not head:
            return None
        first, *lines = head.rstrip().split("\r\n")
        headers = [tuple(line.split(": ", 1)) for line in lines]
        named = {k.lower(): v for k, v in headers}
        body = b""
        if method != "HEAD":
            if "content-length" in named:
                body = self.exactly(int(named["content-length"]))
            elif named.get("transfer-encoding") == "chunked":
                while size := int(self.line(), 16):
                    body += self.exactly(size)
                    self.line()
                self.line()
            else:
                while piece := self.socket.recv(65536):
                    body += piece
        return int(first.split()[1]), headers, body

    def line(self):
        data = b""
        while not data.endswith(b"\n"):
            data += self.socket.recv(1)
        return data

    def exactly(self, size):
        data = b""
        while len(data) < size:
            piece = self.socket.recv(size - len(data))
            assert piece
            data += piece
        return data

    def ended(self):
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def close(self):
        self.socket.close()


@pytest.fixture
def raw(daemon):
    daemon.start("--hold")
    made = []

    def connect():
        made.append(Raw(daemon))
        return made[-1]

    yield connect
    for one in made:
        one.close()


def test_headers_in_their_order(raw):
    connection = raw()
    connection.send("GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    status, headers, body = connection.reply()
    assert (status, body) == (200, HEALTHY)
    assert [name for name, _ in headers] == ["Content-Type", "Date", "Content-Length"]
    assert dict(headers)["Content-Type"] == "application/json"


def test_larger_replies_are_chunked(raw, daemon):
    layer = "services:\n" + "".join(f"  svc{i}:\n    override: replace\n    command: sleep {i}\n" for i in range(100))
    daemon.add_layer("many", layer)
    connection = raw()
    connection.send("GET /v1/services HTTP/1.1\r\nHost: x\r\n\r\n")
    _, headers, body = connection.reply()
    assert dict(headers)["Transfer-Encoding"] == "chunked"
    assert len(json.loads(body)["result"]) == 100
    old = raw()
    old.send("GET /v1/services HTTP/1.0\r\n\r\n")
    _, headers, body = old.reply()
    assert "Transfer-Encoding" not in dict(headers)
    assert len(json.loads(body)["result"]) == 100
    assert old.ended()


def test_pipelined_requests_are_answered_in_order(raw):
    connection = raw()
    notice = '{"action":"add","type":"custom","key":"example.com/x"}'
    connection.send(
        "GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n"
        f"POST /v1/notices HTTP/1.1\r\nHost: x\r\nContent-Length: {len(notice)}\r\n\r\n{notice}"
        "HEAD /v1/changes HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /v1//changes?a=b HTTP/1.1\r\nHost: x\r\n\r\n"
        "GET /v1/nope HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    assert connection.reply()[2] == HEALTHY
    assert json.loads(connection.reply()[2])["result"] == {"id": "1"}
    assert connection.reply("HEAD")[0] == 405
    status, headers, body = connection.reply()
    assert (status, dict(headers)["Location"], body) == (301, "/v1/changes?a=b", b"")
    assert connection.reply()[0] == 404


def test_a_body_that_is_left_unread(raw):
    small = raw()
    small.send(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000 + b"GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
    assert small.reply()[0] == 200
    assert small.reply()[0] == 200
    large = raw()
    large.send(b"GET /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
    status, headers, _ = large.reply()
    assert (status, dict(headers).get("Connection")) == (200, "close")


def test_limits_of_heads_and_bodies(raw):
    long_line = raw()
    long_line.send(b"GET /v1/health?" + b"y" * 900_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert long_line.reply()[0] == 200
    too_long = raw()
    with contextlib.suppress(ConnectionError):  # the rest of the head may meet a closed connection
        too_long.send(b"GET /v1/health?" + b"y" * 3_000_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert too_long.reply()[0] == 431
    large_body = raw()
    large_body.send(b"POST /v1/signals HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
    status, _, body = large_body.reply()
    assert status == 413
    assert "bytes or less" in json.loads(body)["result"]["message"]


@pytest.mark.parametrize(
    "text,status",
    [
        ("GET /v1/health HTTP/1.1\r\n\r\n", 400),
        ("GET /v1/health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("garbage\r\n\r\n", 400),
        ("\x16\x03\x01\x02", 400),
        ("GET /v1/he%zz HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("POST /v1/notices HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("GET /v1/health HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        ("GET /v1/health HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST /v1/notices HTTP/1.1\r\nHost: x\r\nExpect: magic\r\nContent-Length: 3\r\n\r\n", 417),
    ],
)
def test_malformed_requests(raw, text, status):
    connection = raw()
    connection.send(text)
    assert connection.reply()[0] == status
    assert connection.ended()


def test_stalled_and_hostile_clients_disturb_nobody(raw, daemon):
    stalled = [raw() for _ in range(200)]
    for i, connection in enumerate(stalled):
        if i % 4 == 1:
            connection.send("GET /v1/hea")
        if i % 4 == 2:
            connection.send("POST /v1/notices HTTP/1.1\r\nHost: x\r\nContent-Length: 54\r\n\r\n{")
        if i % 4 == 3:
            connection.send("POST /v1/notices HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{")
    daemon.add_layer("many", "services:\n" + "".join(f"  s{i}:\n    override: replace\n    command: sleep 1\n" for i in range(2000)))
    never_reads = raw()
    for _ in range(50):
        never_reads.send("GET /v1/plan?format=yaml HTTP/1.1\r\nHost: x\r\n\r\n")
    for _ in range(20):
        assert daemon.request("GET", "/v1/health", timeout=5)[0] == 200
        assert daemon.request("GET", "/v1/changes", timeout=5)[0] == 200
    stalled[1].send("lth HTTP/1.1\r\nHost: x\r\n\r\n")
    assert stalled[1].reply()[0] == 200


def test_thousands_of_idle_connections(daemon):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3000
    if hard != resource.RLIM_INFINITY and hard < wanted + 200:
        pytest.skip(f"only {hard} descriptors")
    daemon.start("--hold")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    try:
        idle = [Raw(daemon) for _ in range(wanted)]
        assert daemon.request("GET", "/v1/health")[0] == 200
        daemon.services_action("replan")
        for connection in idle:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert daemon.stop() == 0


def test_out_of_descriptors_the_daemon_goes_on(daemon):
    limit = 64
    daemon.layer("001-base.yaml", "services:\n  a:\n    override: replace\n    command: sleep 1000\n    startup: enabled\n")
    daemon.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    crowd = []
    for _ in range(200):
        try:
            crowd.append(Raw(daemon))
        except OSError:
            break
    for connection in crowd:
        connection.close()
    until(lambda: daemon.request("GET", "/v1/health")[0] == 200, "the API to answer again")
    assert daemon.services_action("restart", ["a"])["status"] == "Done"
    assert daemon.stop() == 0


def test_a_crowd_takes_no_descriptors_from_supervision(daemon, tmp_path):
    limit = 80
    runs = tmp_path / "runs"
    runs.touch()
    daemon.layer(
        "001-base.yaml",
        "services:\n  a:\n    override: replace\n    command: sh -c 'echo run; sleep 1.1'\n    backoff-delay: 10ms\n    startup: enabled\n"
        f"checks:\n  fine:\n    override: replace\n    period: 500ms\n    threshold: 1\n    exec: {{command: sh -c 'echo run >> {runs}'}}\n",
    )
    daemon.start("--verbose", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    crowd = [Raw(daemon) for _ in range(limit)]
    with contextlib.ExitStack() as stack:
        for connection in crowd:
            stack.callback(connection.close)
        status, headers, body = crowd[-1].reply()
        assert status == 503 and ("Content-Type", "application/json") in headers
        assert json.loads(body)["result"] == {"message": "too many open connections"}
        until(lambda: "connections: too few descriptors left" in daemon.log(), "the refusals to be logged")
        # While they hold on to theirs, services restart and checks pass.
        seen = daemon.out_path.read_text().count("run")
        until(lambda: daemon.out_path.read_text().count("run") >= seen + 2, "the service to run again")
        checked = len(runs.read_text())
        until(lambda: len(runs.read_text()) > checked, "the check to run")
    until(lambda: daemon.request("GET", "/v1/health")[0] == 200, "the API to answer again")
    assert "too many open files" not in daemon.log()


def test_idle_clients_cost_little_memory(daemon):
    if SANITIZED:
        pytest.skip("sanitizers keep freed memory")
    wanted = 1500
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted + 200:
        pytest.skip(f"only {hard} descriptors")
    daemon.start("--hold")

    assert daemon.request("GET", "/v1/services")[0] == 200
    before = daemon.resident()
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted + 200), hard))
    try:
        idle = [Raw(daemon) for _ in range(wanted)]
        for connection in idle:
            connection.send("GET /v1/services HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.reply()[0] == 200
        assert (daemon.resident() - before) / wanted < 8 * 1024
        for connection in idle:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_large_bodies_leave_no_memory_behind(daemon):
    if SANITIZED:
        pytest.skip("sanitizers keep freed memory")
    daemon.start("--hold")
    assert daemon.request("GET", "/v1/services")[0] == 200
    before = daemon.resident()
    for _ in range(3):
        body = {"action": "add", "type": "custom", "key": "example.com/large", "ignored": "x" * 20_000_000}
        assert daemon.request("POST", "/v1/notices", body)[0] == 200
    assert daemon.resident() - before < 4 * 1024 * 1024


def test_long_polls_end_when_the_client_or_the_daemon_does(raw, daemon):
    gone = raw()
    gone.send("GET /v1/notices?timeout=1h&keys=a.b/never HTTP/1.1\r\nHost: x\r\n\r\n")
    gone.close()
    until(lambda: "GET /v1/notices?timeout=1h&keys=a.b/never" in daemon.log(), "the vanished client's request to end")
    open_polls = [raw() for _ in range(20)]
    for connection in open_polls:
        connection.send("GET /v1/notices?timeout=1h&keys=a.b/never HTTP/1.1\r\nHost: x\r\n\r\n")
    assert daemon.stop() == 0


def test_many_clients_at_once(raw, daemon):
    results = []

    def client():
        connection = Raw(daemon)
        for _ in range(200):
            connection.send("GET /v1/health HTTP/1.1\r\nHost: x\r\n\r\n")
            results.append(connection.reply()[2] == HEALTHY)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3200 and all(results)
