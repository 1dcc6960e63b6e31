"""Checks, health and metrics, with real targets: slow ones, redirecting ones, ones that close, hang or speak TLS."""

import contextlib
import http.server
import json
import os
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import threading
import urllib.request

import pytest
from conftest import FULL, SANITIZED, free_port, until


class Target(socketserver.ThreadingTCPServer):
    """An HTTP target on 127.0.0.1 whose answers tests choose by path: `answers[path] = (status, headers, body)`."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, context=None):
        self.answers = {}
        self.paths = []
        self.release = threading.Event()
        target = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                target.paths.append(self.path)
                target.answer(self)

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.port = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def answer(self, handler):
        if handler.path == "/silent":
            self.release.wait(30)
            handler.close_connection = True
        elif handler.path == "/close":
            handler.close_connection = True
        else:
            status, headers, body = self.answers.get(handler.path, (200, {}, b""))
            handler.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

    def handle_error(self, *args):
        pass

    def url(self, path="/", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def close(self):
        self.release.set()
        self.shutdown()
        self.server_close()


@pytest.fixture
def target():
    with contextlib.closing(Target()) as made:
        yield made


def layer(checks, services=None):
    """Checks that run hourly unless they say otherwise."""
    return json.dumps({
        "checks": {n: {"override": "replace", "period": "1h", **c} for n, c in checks.items()},
        "services": {n: {"override": "replace", **v} for n, v in (services or {}).items()},
    })


def shell(script, **options):
    return {"exec": {"command": "sh -c " + json.dumps(script), **options}}


def refresh(daemon, name):
    status, reply = daemon.request("POST", "/v1/checks/refresh", {"name": name})
    assert status == 200, reply
    return reply["result"]


def info(daemon, name):
    return next(c for c in daemon.get("/v1/checks") if c["name"] == name)


def test_http_targets(daemon, target):
    daemon.start("--hold")
    target.answers = {
        "/moved": (302, {"Location": "/fine"}, b""),
        "/loop": (302, {"Location": "/loop"}, b""),
        "/bad": (500, {}, b"first\nsecond\n"),
    }
    closed = socket.create_server(("127.0.0.1", 0))
    urls = {n: target.url("/" + n) for n in ("fine", "moved", "loop", "bad", "close", "silent")}
    urls["refused"] = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    closed.close()
    daemon.add_layer("x", layer({n: {"startup": "disabled", "timeout": "500ms", "http": {"url": u}} for n, u in urls.items()}))
    errors = {n: refresh(daemon, n).get("error") for n in urls}
    assert errors == {
        "fine": None,
        "moved": None,
        "loop": 'Get "/loop": stopped after 10 redirects',
        "bad": "non-2xx status code 500; first\nsecond",
        "close": f'Get "{urls["close"]}": EOF',
        "silent": "check timed out after 500ms",
        "refused": f'Get "{urls["refused"]}": dial tcp {urls["refused"][7:-1]}: connect: connection refused',
    }
    assert target.paths.count("/loop") == 10


def certificate(folder, name, *options):
    """A self-signed certificate made by the openssl command: (certificate, key)."""
    pair = folder / f"{name}.crt", folder / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=x",
                    "-keyout", pair[1], "-out", pair[0], *options], check=True, capture_output=True)  # fmt: skip
    return pair


def expired_certificate(folder, san):
    """A certificate whose time has passed, signed by itself."""
    crt, key = certificate(folder, "expired", "-days", "1", "-addext", san)
    request, extensions, database = folder / "expired.csr", folder / "extensions", folder / "ca"
    extensions.write_text(f"[ca]\ndefault_ca=d\n[d]\ndatabase={database}\nserial={folder}/serial\nnew_certs_dir={folder}\ndefault_md=sha256\npolicy=p\n[p]\n[e]\n{san.replace('=', ' = ', 1)}\n")
    database.write_text("")
    (folder / "serial").write_text("01")
    subprocess.run(["openssl", "req", "-new", "-key", key, "-subj", "/CN=x", "-out", request], check=True, capture_output=True)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config", extensions, "-extensions", "e", "-in", request, "-keyfile", key, "-startdate", "200101000000Z",
                    "-enddate", "210101000000Z", "-out", crt, "-notext"], check=True, capture_output=True)  # fmt: skip
    return crt, key


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_tls_targets(daemon, tmp_path):
    san = "subjectAltName=IP:127.0.0.1"
    pairs = {
        "good": certificate(tmp_path, "good", "-addext", san),
        "other name": certificate(tmp_path, "other", "-addext", "subjectAltName=DNS:other.example,IP:127.9.9.9"),
        "unknown": certificate(tmp_path, "unknown", "-addext", san),
        "expired": expired_certificate(tmp_path, san),
    }
    roots = tmp_path / "roots.pem"
    roots.write_text("".join(pairs[n][0].read_text() for n in ("good", "other name", "expired")))
    daemon.env["SSL_CERT_FILE"] = str(roots)
    daemon.start("--hold")
    with contextlib.ExitStack() as stack:
        urls = {}
        for name, pair in pairs.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*pair)
            urls[name] = stack.enter_context(contextlib.closing(Target(context))).url("/x", "https")
        urls["plain"] = stack.enter_context(contextlib.closing(Target())).url("/x", "https")
        daemon.add_layer("x", layer({n: {"startup": "disabled", "http": {"url": u}} for n, u in urls.items()}))
        errors = {n: refresh(daemon, n).get("error", "").removeprefix(f'Get "{urls[n]}": ') for n in urls}
        failed = "tls: failed to verify certificate: x509: "
        assert errors["good"] == ""
        assert errors["other name"] == failed + "certificate is valid for 127.9.9.9, not 127.0.0.1"
        assert errors["unknown"] == failed + "certificate signed by unknown authority"
        assert errors["expired"].startswith(failed + "certificate has expired or is not yet valid: current time ")
        assert errors["expired"].endswith(" is after 2021-01-01T00:00:00Z")
        assert errors["plain"] == "tls: first record does not look like a TLS handshake"
        # A root that is added while the daemon runs is found.
        roots.write_text(roots.read_text() + pairs["unknown"][0].read_text())
        assert "error" not in refresh(daemon, "unknown")


def test_a_check_falls_and_recovers_by_itself(daemon, target):
    daemon.start("--hold")
    target.answers["/"] = (503, {}, b"")
    daemon.add_layer("x", layer({"c": {"period": "100ms", "threshold": 2, "level": "alive", "http": {"url": target.url()}}}))
    until(lambda: daemon.request("GET", "/v1/health?level=alive")[0] == 502)
    down = info(daemon, "c")
    assert down["status"] == "down" and down["prev-change-id"] == "1" and down["change-id"] == "2"
    assert daemon.get("/v1/changes/1")["status"] == "Error"
    target.answers.clear()
    until(lambda: daemon.request("GET", "/v1/health?level=alive")[0] == 200)
    until(lambda: daemon.get("/v1/changes/2")["status"] == "Done")
    assert info(daemon, "c")["change-id"] == "3"


def test_everything_of_a_timed_out_command_is_killed(daemon, tmp_path):
    daemon.start("--hold")
    script = f"sleep 1000 & echo $! >{tmp_path}/child; echo $$ >{tmp_path}/pid; wait"
    daemon.add_layer("x", layer({"c": {"startup": "disabled", "timeout": "300ms", **shell(script)}}))
    assert refresh(daemon, "c")["error"] == "check timed out after 300ms"
    for name in ("pid", "child"):
        pid = int((tmp_path / name).read_text())
        until(lambda: not os.path.exists(f"/proc/{pid}"), f"{name} to be gone")


def test_output_beyond_the_limit_does_no_harm(daemon):
    daemon.start("--hold")
    flood = "i=0; while [ $i -lt 3000 ]; do echo 'a line of output that nobody reads to its end'; i=$((i+1)); done; "
    daemon.add_layer("x", layer({"good": {"startup": "disabled", **shell(flood + "exit 0")}, "bad": {"startup": "disabled", **shell(flood + "echo end; exit 4")}}))
    assert "error" not in refresh(daemon, "good")
    error = refresh(daemon, "bad")["error"]
    assert error.startswith("exit status 4; (...)\n") and error.endswith("\nend")


def test_stopped_during_a_run_stays_stopped(daemon):
    daemon.start("--hold")
    daemon.add_layer("x", layer({"c": {"period": "20ms", "timeout": "20ms", **shell("sleep 0.01")}}))
    for _ in range(20):
        daemon.request("POST", "/v1/checks", {"action": "start", "checks": ["c"]})
        daemon.request("POST", "/v1/checks", {"action": "stop", "checks": ["c"]})
    assert info(daemon, "c")["status"] == "inactive"
    before = info(daemon, "c")
    until(lambda: all(c["ready"] for c in daemon.get("/v1/changes?select=all")))
    assert info(daemon, "c") == before


def test_the_daemon_ends_at_once_with_a_refresh_open(daemon, tmp_path):
    daemon.start("--hold")
    slow = {"timeout": "1h", **shell(f"echo $$ >>{tmp_path}/pids; exec sleep 1000")}
    daemon.add_layer("x", layer({"on": slow, "off": {"startup": "disabled", **slow}}))
    threads = [threading.Thread(target=daemon.request, args=("POST", "/v1/checks/refresh", {"name": n})) for n in ("on", "off")]
    for thread in threads:
        thread.start()
    until(lambda: (tmp_path / "pids").exists() and len((tmp_path / "pids").read_text().split()) == 2)
    assert daemon.stop() == 0
    for thread in threads:
        thread.join(30)
    for pid in (tmp_path / "pids").read_text().split():
        assert not os.path.exists(f"/proc/{pid}")


def test_a_failing_check_restarts_a_service(daemon, tmp_path):
    daemon.start("--hold")
    bad = tmp_path / "bad"
    service = {"command": "sleep 1000", "on-check-failure": {"c": "restart"}, "backoff-delay": "50ms"}
    daemon.add_layer("x", layer({"c": {"threshold": 1, **shell(f"test ! -e {bad}")}}, {"svc": service}))
    daemon.services_action("start", ["svc"])
    bad.touch()
    assert refresh(daemon, "c")["info"]["status"] == "down"
    until(lambda: b'pebble_service_start_count{service="svc"} 2' in daemon.request("GET", "/v1/metrics")[1])
    until(lambda: daemon.service("svc")["current"] == "active")


def test_probes_as_a_kubelet_sends_them(daemon):
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        port = chosen.getsockname()[1]
    daemon.start("--hold", "--http", f"127.0.0.1:{port}")
    daemon.add_layer("x", layer({"c": {"threshold": 1, "level": "ready", **shell("false")}}))

    def probe(path):
        """One probe: HTTP/1.1, closed after the answer; the kubelet looks at the status alone."""
        with socket.create_connection(("127.0.0.1", port), 10) as conn:
            conn.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: kube-probe/1.29\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())
            reply = b"".join(iter(lambda: conn.recv(65536), b""))
        return int(reply.split()[1])

    assert [probe(f"/v1/health?level={level}") for level in ("alive", "ready")] == [200, 200]
    refresh(daemon, "c")
    assert [probe(f"/v1/health?level={level}") for level in ("alive", "ready")] == [200, 502]


def test_health_answers_while_checks_are_many_and_slow(daemon, target):
    daemon.start("--hold")
    daemon.add_layer("x", layer({f"c{i}": {"period": "200ms", "timeout": "200ms", "http": {"url": target.url("/silent")}} for i in range(100)}))
    until(lambda: daemon.request("GET", "/v1/health")[0] == 502)
    assert all(c["status"] in ("up", "down") for c in daemon.get("/v1/checks"))


def test_many_checks_keep_their_pace(daemon, target, record_property):
    """400 checks a second with COBBLE_FULL=1, 40 else: all stay up, none is late by more than a period, nothing grows."""
    count = 400 if FULL else 40
    seconds = 60 if FULL else 8
    daemon.start("--hold")
    kinds = [{"http": {"url": target.url("/")}}, {"tcp": {"port": target.port}}]
    daemon.add_layer("x", layer({f"c{i}": {"period": "1s", "timeout": "900ms", "threshold": 5, **kinds[i % 2]} for i in range(count)}))

    def usage():
        fields = open(f"/proc/{daemon.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), int(fields[21]) * os.sysconf("SC_PAGESIZE")

    def successes():
        return sorted(c["successes"] for c in daemon.get("/v1/checks"))

    until(lambda: successes()[0] >= 2, "every check's first runs")
    cpu, memory = usage()
    first = successes()[0]
    until(lambda: successes()[0] >= first + seconds, "every check's further runs", 60 + 2 * seconds)
    now_cpu, now_memory = usage()
    assert all(c["status"] == "up" for c in daemon.get("/v1/checks"))
    assert successes()[-1] - successes()[0] <= 2
    assert SANITIZED or now_memory - memory < 2 << 20
    record_property("cpu of one core", (now_cpu - cpu) / seconds)


def families(text):
    """Metrics as a strict parser reads them: {name: [line, ...]}; a family that comes twice is an error."""
    found, current = {}, None
    for line in text.splitlines():
        if line.startswith("# HELP "):
            current = line.split()[2]
            assert current not in found, f"{current} comes twice"
            found[current] = []
        elif line and not line.startswith("#"):
            assert line.startswith(current), line
            found[current].append(line)
    return found


def test_metrics_are_valid_for_strict_parsers(daemon):
    daemon.start("--hold")
    assert daemon.request("GET", "/v1/metrics") == (200, b"")
    names = ["a", 'q"b\\s', "two\nlines"]
    daemon.add_layer("x", layer({n: shell("true") for n in names}, {"s1": {"command": "sleep 1000"}, "s2": {"command": "sleep 1000"}}))
    daemon.services_action("start", ["s1", "s2"])
    refresh(daemon, "a")
    found = families(daemon.request("GET", "/v1/metrics")[1].decode())
    assert list(found) == ["pebble_service_active", "pebble_service_start_count", "pebble_check_up", "pebble_check_success_count", "pebble_check_failure_count"]
    assert found["pebble_service_active"] == ['pebble_service_active{service="s1"} 1', 'pebble_service_active{service="s2"} 1']
    assert found["pebble_check_up"] == ['pebble_check_up{check="a"} 1', 'pebble_check_up{check="q\\"b\\\\s"} 1', 'pebble_check_up{check="two\\nlines"} 1']
    assert found["pebble_check_success_count"][0] == 'pebble_check_success_count{check="a"} 1'
    found = families(daemon.request("GET", "/v1/metrics?extended=true")[1].decode())
    assert float(found["process_resident_memory_bytes"][0].split()[1]) > 1e6
    assert len(found["pebble_service_resident_memory_bytes"]) == 2


@pytest.mark.skipif(not shutil.which("promtool"), reason="needs promtool of the package prometheus")
def test_promtool_reads_the_metrics(daemon):
    daemon.start("--hold")
    daemon.add_layer("x", layer({n: shell("true") for n in ("a", "b")}, {"s": {"command": "sleep 1000"}}))
    daemon.services_action("start", ["s"])
    for path in ("/v1/metrics", "/v1/metrics?extended=true"):
        text = daemon.request("GET", path)[1]
        result = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
        assert result.returncode in (0, 3), result.stderr  # 3: advice about names, which the contract fixes


@pytest.mark.skipif(not shutil.which("prometheus"), reason="needs the package prometheus")
def test_a_real_prometheus_scrapes_with_a_password(daemon, tmp_path):
    port, own = free_port(), free_port()
    daemon.start("--hold", "--http", f"127.0.0.1:{port}")
    hashed = subprocess.run(["openssl", "passwd", "-6", "secret"], capture_output=True, text=True, check=True).stdout.strip()
    identities = {"scraper": {"access": "metrics", "basic": {"password": hashed}}}
    assert daemon.request("POST", "/v1/identities", {"action": "add", "identities": identities})[0] == 200
    daemon.add_layer("x", layer({"a": shell("true")}, {"s": {"command": "sleep 1000"}}))
    daemon.services_action("start", ["s"])
    scrape = {
        "job_name": "pebble",
        "metrics_path": "/v1/metrics",
        "params": {"extended": ["true"]},
        "basic_auth": {"username": "scraper", "password": "secret"},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}))
    flags = [f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data", f"--web.listen-address=127.0.0.1:{own}"]
    with open(tmp_path / "prometheus.log", "wb") as log:
        prometheus = subprocess.Popen(["prometheus", *flags], stdout=log, stderr=log)

    def value(metric):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{own}/api/v1/query?query={metric}", timeout=5) as reply:
                result = json.load(reply)["data"]["result"]
        except OSError:
            return None
        return float(result[0]["value"][1]) if result else None

    try:
        until(lambda: value("pebble_service_active") == 1, "the service in Prometheus: " + (tmp_path / "prometheus.log").read_text())
        until(lambda: value("pebble_check_up") == 1, "the check in Prometheus")
        assert value("up") == 1
        assert value("process_resident_memory_bytes") > 1e6
    finally:
        prometheus.terminate()
        prometheus.wait(30)


def test_plain_ticks_leave_the_state_file_alone(daemon):
    daemon.start("--hold")
    daemon.add_layer("x", layer({"c": {"period": "20ms", **shell("true")}}))
    until(lambda: info(daemon, "c")["successes"] >= 2)
    state = daemon.pebble / ".pebble.state"
    until(lambda: state.exists())

    def quiet():
        """Twenty runs without a write in between."""
        before, runs = state.stat().st_mtime_ns, info(daemon, "c")["successes"]
        until(lambda: info(daemon, "c")["successes"] >= runs + 20)
        return state.stat().st_mtime_ns == before

    assert until(quiet)


def test_after_a_crash_the_changes_are_held(daemon, tmp_path):
    daemon.layer("001-base.yaml", layer({"c": shell("true")}))
    daemon.start("--hold")
    state = daemon.pebble / ".pebble.state"
    until(lambda: daemon.get("/v1/changes/1")["status"] == "Doing" and state.exists() and '"perform-check"' in state.read_text())
    daemon.kill()
    daemon.start("--hold")
    assert daemon.get("/v1/changes/1")["status"] == "Hold"
    assert info(daemon, "c")["change-id"] == "2"
    assert daemon.stop(signal.SIGTERM) == 0
    daemon.start("--hold")
    assert daemon.get("/v1/changes/2")["status"] == "Done"
