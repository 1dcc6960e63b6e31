"""Service logs and log forwarding with real services, real sockets, and receivers that behave well, badly, or are the real thing."""

import gzip
import http.server
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
from conftest import UnixConnection, until

LINES = 200_000


# --- Helpers ---------------------------------------------------------------------------------------------------------


class Receiver:
    """An HTTP server that keeps the headers and (unpacked) bodies it gets, over TLS with a context for that. `answers` are
    statuses, or functions of the handler; then 204."""

    def __init__(self, answers=(), context=None):
        self.bodies, self.taken, self.headers, self.answers = [], [], [], list(answers)
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                receiver.headers.append(self.headers)
                receiver.bodies.append(body)
                answer = receiver.answers.pop(0) if receiver.answers else 204
                if callable(answer):
                    return answer(self)
                if answer == 204:
                    receiver.taken.append(body)
                self.send_response(answer)
                if answer == 429:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        if context:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def messages(self, bodies=None):
        found = []
        for body in self.taken if bodies is None else bodies:
            for stream in json.loads(body)["streams"]:
                found += [v[1] for v in stream["values"]]
        return found

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class SyslogServer:
    """Takes syslog over TCP, or TLS with a context for that, and keeps every byte."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        if context:
            self.listener = context.wrap_socket(self.listener, server_side=True)
        self.port = self.listener.getsockname()[1]
        self.data = bytearray()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except ssl.SSLError:
                continue  # no certificate that we take
            except OSError:
                return
            while piece := connection.recv(1 << 20):
                self.data += piece

    def frames(self):
        """(service, message) of each frame that is there; the last one may still be coming."""
        found, data, at = [], bytes(self.data), 0
        while (blank := data.find(b" ", at)) > 0:
            end = blank + 1 + int(data[at:blank])
            if end > len(data):
                break
            head, message = data[blank + 1 : end].split(b"] ", 1)
            found.append((head.split()[3].decode(), message))
            at = end
        return found

    def messages(self):
        return [message.decode() for _, message in self.frames()]


class Follower:
    """Reads GET /v1/logs?follow=true in a thread."""

    def __init__(self, daemon, query=""):
        self.connection = UnixConnection(daemon.socket, 120)
        self.connection.request("GET", f"/v1/logs?follow=true&{query}")
        self.response = self.connection.getresponse()
        self.lines, self.ended, self.error = [], threading.Event(), None
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.response:
                self.lines.append(line)
        except Exception as e:
            self.error = e
        self.ended.set()

    def messages(self):
        return [json.loads(line)["message"] for line in self.lines]


def plan(services, targets=None):
    layer = {"services": {n: {"override": "replace", "startup": "enabled", "command": c} for n, c in services.items()}}
    if targets:
        layer["log-targets"] = {n: {"override": "replace", "services": ["all"], **t} for n, t in targets.items()}
    return json.dumps(layer)


def script(daemon, name, text):
    path = daemon.folder / name
    path.write_text(text)
    return f"sh {path}"


def after(go, text):
    """Shell that waits for a file and then runs TEXT."""
    return f"while [ ! -e {go} ]; do sleep 0.02; done; {text}; exec sleep 1000"


def entries(daemon, query="n=-1"):
    status, body = daemon.request("GET", "/v1/logs?" + query)
    assert status == 200
    return [json.loads(line) for line in body.splitlines()] if body else []


def loki(receiver, **fields):
    return {"type": "loki", "location": f"http://127.0.0.1:{receiver.port}/push", **fields}


@pytest.fixture
def receivers():
    made = []

    def make(*args, **options):
        made.append(Receiver(*args, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


# --- Reading ---------------------------------------------------------------------------------------------------------


def test_a_burst_reaches_everybody_whole_and_in_order(daemon, receivers):
    """200,000 lines as fast as a program writes them: Loki, syslog and a follower get every one, once, in order."""
    http_target, syslog = receivers(), SyslogServer()
    targets = {"lk": loki(http_target), "sl": {"type": "syslog", "location": f"tcp://127.0.0.1:{syslog.port}"}}
    go = daemon.folder / "go"
    command = script(daemon, "burst.sh", after(go, f"seq -f 'line %06.0f of the burst' 1 {LINES}; echo end"))
    daemon.layer("001-logs.yaml", plan({"burst": command}, targets))
    daemon.start()
    follower = Follower(daemon)
    go.touch()
    until(lambda: follower.lines and b'"end"' in follower.lines[-1], "the follower to get the end", 120)
    until(lambda: http_target.taken and b'"end"' in http_target.taken[-1], "Loki to get the end", 120)
    until(lambda: syslog.data.endswith(b" end"), "syslog to get the end", 120)
    expected = [f"line {i:06} of the burst" for i in range(1, LINES + 1)] + ["end"]
    assert follower.messages() == expected
    assert http_target.messages() == expected
    assert syslog.messages() == expected
    assert "dropped" not in daemon.log()


def test_a_hundred_services_at_once_lose_nothing(daemon, receivers):
    """Each writes 400 lines as fast as it can: a follower and a target get them all, those of each service in order. (What a
    program writes in blocks may come in two pieces when it has to wait long for the processor.)"""
    target = receivers()
    go = daemon.folder / "go"
    count = 400
    path = daemon.folder / "burst.sh"
    path.write_text(after(go, f"seq -f \"$1 %04.0f\" 1 {count}"))
    names = [f"s{i:02}" for i in range(100)]
    daemon.layer("001-logs.yaml", plan({n: f"sh {path} {n}" for n in names}, {"lk": loki(target)}))
    daemon.start()
    until(lambda: all(s["current"] == "active" for s in daemon.get("/v1/services")), "all services to run", 60)
    follower = Follower(daemon)
    go.touch()
    wanted = {name: "".join(f"{name} {i:04}" for i in range(1, count + 1)) for name in names}
    size = sum(map(len, wanted.values()))
    # First what costs little to look at: this process is the receiver, too.
    until(lambda: len(follower.lines) >= 100 * count, "the follower to get all", 120)
    until(lambda: daemon.get("/v1/log-targets")[0]["entries-sent"] >= 100 * count, "the target to get all", 120)
    until(lambda: sum(map(len, follower.messages())) >= size and sum(map(len, target.messages())) >= size, "the last pieces", 120)
    assert by_service(map(json.loads, follower.lines)) == wanted
    sent = [{"service": s["stream"]["pebble_service"], "message": v[1]} for body in target.taken for s in json.loads(body)["streams"] for v in s["values"]]
    assert by_service(sent) == wanted
    assert all(s["details"]["log-entries-lost"] == 0 for s in daemon.get("/v1/services"))


def by_service(found):
    """All messages of each service as one text."""
    messages = {}
    for entry in found:
        messages.setdefault(entry["service"], []).append(entry["message"])
    return {service: "".join(some) for service, some in messages.items()}


def test_what_is_lost_is_counted_where_it_can_be_seen(daemon):
    """A follower that never reads and a target that is down cost lines: those of the service and of the target are told."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    go = daemon.folder / "go"
    targets = {"down": {"type": "loki", "location": f"http://127.0.0.1:{port}/"}}
    daemon.layer("001-logs.yaml", plan({"a": script(daemon, "a.sh", after(go, f"seq {LINES}; echo end"))}, targets))
    daemon.start()
    stuck = UnixConnection(daemon.socket)
    stuck.request("GET", "/v1/logs?follow=true")
    assert stuck.getresponse().status == 200
    go.touch()
    until(lambda: entries(daemon, "n=1") and entries(daemon, "n=1")[0]["message"] == "end", "all output to be read")
    until(lambda: daemon.get("/v1/log-targets")[0]["entries-dropped"] > 0, "the target's queue to overflow")
    target = daemon.get("/v1/log-targets")[0]
    assert (target["name"], target["status"], target["entries-sent"]) == ("down", "down", 0)
    assert "connection refused" in target["last-error"]
    assert target["entries-dropped"] + target["queued-entries"] >= LINES + 1
    details = daemon.service("a")["details"]
    assert details["log-lines-overwritten"] == LINES + 1 - len(entries(daemon))  # pieces are of live readers alone
    # The entries that the target will never get, and those that the follower didn't take.
    assert details["log-entries-lost"] > target["entries-dropped"]
    assert daemon.log().count("Follower is too slow") == 1
    assert daemon.log().count('Target "down": queue full, dropping the oldest logs') == 1
    stuck.close()


def test_binary_output_and_very_long_lines(daemon):
    """Whatever bytes a service writes, each line of the answer is JSON of at most 5120 bytes, and nothing that fits is lost."""
    data = daemon.folder / "data"
    data.write_bytes(bytes(range(256)) * 40 + b"\n" + b"\0" * 20000 + b"\n" + "€".encode() * 9000 + b"\n")
    long = "i=0; while [ $i -lt 16 ]; do head -c 65536 /dev/zero | tr '\\0' x; i=$((i+1)); done; echo; echo after"
    commands = {"binary": f"sh -c 'cat {data}; exec sleep 1000'", "long": script(daemon, "long.sh", long + "; exec sleep 1000")}
    daemon.layer("001-logs.yaml", plan(commands))
    daemon.start()
    until(lambda: [e for e in entries(daemon, "n=1&services=long") if e["message"] == "after"], "the end of the 1 MiB line")
    until(lambda: entries(daemon, "n=1&services=binary") and entries(daemon, "n=1&services=binary")[0]["message"].endswith("€"), "the last line")
    status, body = daemon.request("GET", "/v1/logs?n=-1")
    assert status == 200
    assert max(map(len, body.splitlines(keepends=True))) <= 5120
    found = [json.loads(line) for line in body.splitlines()]
    joined = "".join(e["message"] for e in found if e["service"] == "binary")
    assert joined == "".join(part.decode(errors="replace") for part in data.read_bytes().split(b"\n"))
    tail = "".join(e["message"] for e in found if e["service"] == "long" and e["message"].startswith("x"))
    assert len(tail) > 100_000 and set(tail) == {"x"}


def test_live_readers_get_every_byte(daemon):
    """Binary output, a line of 1 MiB, and 10,000 lines of which the last has no end: nothing is missing at a follower or a target."""
    syslog, go = SyslogServer(), daemon.folder / "go"
    data = {"binary": bytes(range(256)) * 40, "long": b"x" * (1 << 20), "lines": "\n".join(f"line {i}" for i in range(10_000)).encode()}
    for name, content in data.items():
        (daemon.folder / name).write_bytes(content)
    commands = {name: script(daemon, f"{name}.sh", after(go, f"cat {daemon.folder / name}").removesuffix("; exec sleep 1000")) for name in data}
    targets = {"sl": {"type": "syslog", "location": f"tcp://127.0.0.1:{syslog.port}"}}
    layer = json.loads(plan(commands, targets))
    for service in layer["services"].values():
        service["on-success"] = "ignore"
    daemon.layer("001-logs.yaml", json.dumps(layer))
    daemon.start()
    follower = Follower(daemon)
    until(lambda: all(s["current"] == "active" for s in daemon.get("/v1/services")), "all to run")
    go.touch()
    plain = {name: content.replace(b"\n", b"") for name, content in data.items()}
    text = {name: content.decode(errors="replace") for name, content in plain.items()}
    sent = lambda name: b"".join(message for service, message in syslog.frames() if service == name)  # noqa: E731
    for name in data:
        until(lambda: len(sent(name)) >= len(plain[name]), f"all of {name} to reach syslog")
        assert sent(name) == plain[name]
    until(lambda: sum(map(len, follower.messages())) >= sum(map(len, text.values())), "all to reach the follower")
    assert by_service(map(json.loads, follower.lines)) == text


def test_followers_begin_at_once_get_late_services_and_end_properly(daemon):
    daemon.layer("001-logs.yaml", plan({"a": "sh -c 'trap \"echo bye; exit 0\" TERM; echo up; sleep 1000 & wait'"}))
    daemon.start()
    until(lambda: entries(daemon), "the first line")
    follower = Follower(daemon)  # returns with the head, though there is nothing to send
    assert follower.response.status == 200
    daemon.add_layer("late", plan({"late": "sh -c 'printf \"prompt> \"; exec sleep 1000'"}))
    daemon.services_action("start", ["late"])
    until(lambda: "prompt> " in follower.messages(), "the prompt of a service that started later")
    assert daemon.stop() == 0
    assert follower.ended.wait(30)
    assert follower.error is None
    assert "bye" in follower.messages()


def test_verbose_output_comes_in_whole_lines_and_holds_up_nobody(daemon):
    """Two services that write at the same time never mix inside a line; a stdout that nobody reads blocks nothing."""
    write = "import os,sys\nfor i in range(3000): os.write(1, (sys.argv[1]*60+str(i)).encode()); os.write(1, b'\\n')\nos.write(1, b'end\\n')"
    path = daemon.folder / "write.py"
    path.write_text(write + "\nimport time; time.sleep(1000)")
    daemon.layer("001-logs.yaml", plan({n: f"python3 {path} {n}" for n in "ab"}))
    daemon.start("--verbose")
    until(lambda: daemon.out_path.read_text().count("] end\n") == 2, "the output of both")
    for line in daemon.out_path.read_text().splitlines():
        match = re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \[(.)\] (.*)", line)
        assert match and set(match[2]) <= set(match[1] + "0123456789") | set("end"), line


def test_a_stuck_stdout_blocks_nothing(daemon):
    go = daemon.folder / "go"
    daemon.layer("001-logs.yaml", plan({"a": script(daemon, "a.sh", after(go, f"seq {LINES * 5}; echo end"))}))
    reading, writing = os.pipe()
    with open(daemon.log_path, "ab") as log:
        daemon.process = subprocess.Popen([daemon.binary, "run", "-v"], env=daemon.env, stdin=subprocess.DEVNULL, stdout=writing, stderr=log)
    os.close(writing)
    until(daemon.answers, "the daemon to answer")
    go.touch()
    until(lambda: [e for e in entries(daemon, "n=1") if e["message"] == "end"], "all output to be read")
    assert daemon.stop() == 0
    os.close(reading)


# --- Forwarding ------------------------------------------------------------------------------------------------------


def test_loki_that_fails_in_every_way_gets_everything_in_the_end(daemon, receivers):
    released = threading.Event()

    def closing(handler):
        handler.close_connection = True
        handler.connection.close()

    def hanging(handler):
        released.wait(60)
        closing(handler)

    def slow(handler):
        """Takes what it gets, byte by byte."""
        receiver.taken.append(receiver.bodies[-1])
        for byte in b"HTTP/1.1 204 No Content\r\n\r\n":
            handler.wfile.write(bytes([byte]))
            time.sleep(0.02)

    def half(handler):
        handler.wfile.write(b"HTTP/1.1 204 No Con")
        closing(handler)

    receiver = receivers([503, 429, closing, 500, hanging, half, slow])
    go = daemon.folder / "go"
    daemon.layer("001-logs.yaml", plan({"a": script(daemon, "a.sh", after(go, "seq 1 350"))}, {"lk": loki(receiver)}))
    daemon.start()
    go.touch()
    until(lambda: len(receiver.bodies) == 5, "five attempts, though the service is silent")
    # Nobody waits for a target that hangs.
    began = time.monotonic()
    daemon.add_layer("more", plan({"b": "sleep 1000"}))
    daemon.services_action("start", ["b"])
    assert time.monotonic() - began < 9
    released.set()
    until(lambda: len(receiver.messages()) >= 350, "everything to arrive")
    assert receiver.messages() == [str(i) for i in range(1, 351)]
    log = daemon.log()
    for reason in ("server returned HTTP 503 Service Unavailable", "server returned HTTP 429 Too Many Requests", "server returned HTTP 500"):
        assert reason in log, log


def test_a_plan_change_sends_nothing_twice_and_moves_targets_at_once(daemon, receivers):
    first, second = receivers(), receivers()
    go = daemon.folder / "go"
    daemon.layer("001-logs.yaml", plan({"a": script(daemon, "a.sh", "echo one; " + after(go, "echo two"))}, {"lk": loki(first)}))
    daemon.start()
    until(lambda: first.messages() == ["one"], "the first line")
    daemon.add_layer("moved", json.dumps({"log-targets": {"lk": {"override": "merge", "location": f"http://127.0.0.1:{second.port}/"}}}))
    go.touch()
    until(lambda: second.messages(), "the second line")
    assert (first.messages(), second.messages()) == (["one"], ["two"])


def certificate(folder, name):
    """A certificate for 127.0.0.1 that is its own authority: (certificate, key)."""
    pair = str(folder / f"{name}.crt"), str(folder / f"{name}.key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
                    "-out", pair[0], "-keyout", pair[1]], check=True, capture_output=True, timeout=60)  # fmt: skip
    return pair


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_targets_with_their_own_authority_that_want_a_client_certificate(daemon, receivers, tmp_path):
    """Nothing arrives before the plan has all that the receivers want; then everything does, packed and with the tenant's header."""
    server, client = certificate(tmp_path, "server"), certificate(tmp_path, "client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*server)
    context.load_verify_locations(client[0])
    context.verify_mode = ssl.CERT_REQUIRED
    receiver, syslog = receivers(context=context), SyslogServer(context)
    targets = {
        "lk": loki(receiver, location=f"https://127.0.0.1:{receiver.port}/push", headers={"X-Scope-OrgID": "tenant"}, compression="gzip"),
        "sl": {"type": "syslog", "location": f"tls://127.0.0.1:{syslog.port}"},
    }
    daemon.layer("001-logs.yaml", plan({"a": "sh -c 'seq 1 300; exec sleep 1000'"}, targets))
    daemon.start()
    unknown = "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    until(lambda: daemon.log().count(unknown) >= 2, "both to be refused")
    authority, identity = {"ca-file": server[0]}, {"cert-file": client[0], "key-file": client[1]}
    daemon.add_layer("ca", json.dumps({"log-targets": {"lk": {"override": "merge", "tls": authority}, "sl": {"override": "merge", "tls": authority | identity}}}))
    until(lambda: re.search(r'"lk": Post "https://[^ ]*: (?!tls: failed)', daemon.log()), "Loki to want a certificate")
    daemon.add_layer("client", json.dumps({"log-targets": {"lk": {"override": "merge", "tls": identity}}}))
    expected = [str(i) for i in range(1, 301)]
    until(lambda: receiver.messages() == expected, "everything to reach Loki")
    until(lambda: syslog.data.endswith(b" 300"), "the end to reach syslog")
    assert syslog.messages() == expected
    for headers in receiver.headers:
        assert (headers["Content-Encoding"], headers["X-Scope-OrgID"]) == ("gzip", "tenant")

    def metrics():
        return daemon.request("GET", "/v1/metrics?extended=true")[1].decode().splitlines()

    until(lambda: 'pebble_log_target_entries_sent_total{target="lk"} 300' in metrics(), "the count of entries")
    assert {'pebble_log_target_up{target="lk"} 1', 'pebble_log_target_entries_dropped_total{target="lk"} 0', 'pebble_log_target_queue_bytes{target="lk"} 0'} <= set(metrics())


def test_last_words_arrive_and_the_end_does_not_wait_for_targets(daemon, receivers):
    good = receivers()
    silent = socket.create_server(("127.0.0.1", 0))  # takes connections and never answers
    targets = {"good": loki(good), "silent": {"type": "loki", "location": f"http://127.0.0.1:{silent.getsockname()[1]}/"}}
    command = "sh -c 'trap \"echo bye; printf unfinished; exit 0\" TERM; echo up; sleep 1000 & wait'"
    daemon.layer("001-logs.yaml", plan({"a": command}, targets))
    daemon.start()
    until(lambda: good.messages() == ["up"], "the first line")
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 15
    assert good.messages() == ["up", "bye", "unfinished"]
    silent.close()


def test_opentelemetry_bodies_are_valid(daemon, receivers):
    service = pytest.importorskip("opentelemetry.proto.collector.logs.v1.logs_service_pb2")
    from google.protobuf.json_format import Parse

    receiver = receivers()
    target = {"type": "opentelemetry", "location": f"http://127.0.0.1:{receiver.port}", "labels": {"owner": "$OWNER", "b": "c"}}
    layer = json.loads(plan({"a": "sh -c 'echo \"<one> é\"; echo; printf \"\\377\\000x\"; exec sleep 1000'"}, {"ot": target}))
    layer["services"]["a"]["environment"] = {"OWNER": "alice"}
    daemon.layer("001-logs.yaml", json.dumps(layer))
    daemon.start()
    parse = lambda: [Parse(body, service.ExportLogsServiceRequest()) for body in receiver.taken]  # noqa: E731
    records = lambda: [r for q in parse() for s in q.resource_logs[0].scope_logs for r in s.log_records]  # noqa: E731
    until(lambda: len(records()) == 3, "three records")
    assert [r.body.string_value for r in records()] == ["<one> é", "", "\ufffd\x00x"]
    assert all(abs(r.time_unix_nano / 1e9 - time.time()) < 3600 for r in records())
    resource = parse()[0].resource_logs[0].resource
    assert [(a.key, a.value.string_value) for a in resource.attributes] == [("service.name", "a"), ("b", "c"), ("owner", "alice")]


@pytest.mark.skipif(not shutil.which("rsyslogd"), reason="rsyslogd is not installed")
def test_rsyslogd_understands_both_transports(daemon):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    out = daemon.folder / "syslog.out"
    (daemon.folder / "rsyslog.conf").write_text(
        f"""
global(workDirectory="{daemon.folder}")
module(load="imtcp")
module(load="imudp")
input(type="imtcp" port="{port}" address="127.0.0.1" ruleset="all")
input(type="imudp" port="{port}" address="127.0.0.1" ruleset="all")
template(name="fields" type="string" string="%inputname%|%pri%|%app-name%|%structured-data%|%msg%\\n")
ruleset(name="all") {{ action(type="omfile" file="{out}" template="fields") }}
"""
    )
    server = subprocess.Popen(["rsyslogd", "-n", "-f", daemon.folder / "rsyslog.conf", "-i", daemon.folder / "rsyslog.pid"])
    try:
        until(lambda: connects(port), "rsyslogd to listen")
        targets = {kind: {"type": "syslog", "location": f"{kind}://127.0.0.1:{port}", "labels": {"owner": 'a "quoted" ]'}} for kind in ("tcp", "udp")}
        daemon.layer("001-logs.yaml", plan({"a": "sh -c 'echo one; echo \"two é\"; exec sleep 1000'"}, targets))
        daemon.start()
        until(lambda: out.exists() and out.read_text().count("\n") == 4, "four messages")
        data = '[pebble@28978 owner="a \\"quoted\\" \\]"]'
        assert sorted(out.read_text().splitlines()) == [f"im{k}|13|a|{data}|{m}" for k in ("tcp", "udp") for m in ("one", "two é")]
    finally:
        server.terminate()
        server.wait()


def connects(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
