"""The main job as a charm does it: ops.pebble.Client adds a layer of a web application, replans, reads the plan, stops."""

import sys
import textwrap
import urllib.request

import ops.pebble
import pytest
from conftest import until

APPLICATION = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text = os.environ["GREETING"].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *args):
        print("served", self.path, flush=True)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
open(sys.argv[1], "w").write(str(server.server_port))
server.serve_forever()
"""


@pytest.fixture
def application(tmp_path):
    path = tmp_path / "application.py"
    path.write_text(APPLICATION)
    return path


def port_of(tmp_path):
    path = tmp_path / "port"
    return int(path.read_text()) if path.exists() and path.read_text() else None


def fetch(port):
    return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()


def test_charm_of_a_web_application(daemon, tmp_path, application):
    daemon.start("--create-dirs", "--hold")
    client = ops.pebble.Client(socket_path=str(daemon.socket))
    assert client.get_system_info().version == "v1.32.1"
    layer = {
        "summary": "web application",
        "services": {
            "web": {
                "override": "replace",
                "summary": "the application",
                "command": f"{sys.executable} {application} {tmp_path}/port",
                "startup": "enabled",
                "environment": {"GREETING": "hello"},
                "requires": ["cache"],
                "after": ["cache"],
            },
            "cache": {"override": "replace", "command": "sleep 1000"},
        },
    }
    client.add_layer("web", layer)
    client.replan_services()
    services = {s.name: s for s in client.get_services()}
    assert services["web"].is_running() and services["cache"].is_running()
    assert services["web"].startup == ops.pebble.ServiceStartup.ENABLED
    assert fetch(until(lambda: port_of(tmp_path), "the application's port")) == "hello"

    # The second layer changes the environment: replan restarts what changed and nothing else.
    cache_since = services["cache"].name and daemon.service("cache")["current-since"]
    (tmp_path / "port").unlink()
    client.add_layer("web", {"services": {"web": {"override": "merge", "environment": {"GREETING": "hello again"}}}}, combine=True)
    assert client.get_plan().services["web"].environment == {"GREETING": "hello again"}
    assert client.get_plan().services["web"].command == layer["services"]["web"]["command"]
    client.replan_services()
    assert fetch(until(lambda: port_of(tmp_path), "the application's port")) == "hello again"
    assert daemon.service("cache")["current-since"] == cache_since
    assert client.get_plan().to_dict()["services"]["web"]["requires"] == ["cache"]

    # Stopping what is required stops what requires it.
    change = client.stop_services(["cache"])
    assert change
    assert not any(s.is_running() for s in client.get_services())
    with pytest.raises(OSError):
        fetch(port_of(tmp_path))


def test_errors_reach_the_charm(daemon):
    daemon.start("--create-dirs", "--hold")
    client = ops.pebble.Client(socket_path=str(daemon.socket))
    with pytest.raises(ops.pebble.APIError) as error:
        client.start_services(["nope"])
    assert error.value.code == 400
    assert error.value.message == 'cannot start services: service "nope" does not exist'
    client.add_layer("x", {"services": {"bad": {"override": "replace", "command": "sh -c 'echo oops; exit 3'"}}})
    with pytest.raises(ops.pebble.APIError) as error:
        client.add_layer("x", {"services": {}})
    assert (error.value.code, error.value.message) == (400, 'layer "x" already exists')
    with pytest.raises(ops.pebble.ChangeError) as failed:
        client.start_services(["bad"])
    assert "exited quickly with code 3, will restart" in str(failed.value)
    assert "oops" in str(failed.value)


def test_a_failed_add_changes_nothing(daemon):
    daemon.start("--create-dirs", "--hold")
    daemon.add_layer("base", "services:\n  a:\n    override: replace\n    command: sleep 1000\n")
    daemon.add_layer("top/one", "{}")
    before = daemon.get("/v1/plan?format=yaml")
    bad_layers = [
        ("base", "services:\n  b:\n    override: replace\n    command: x\n"),
        ("new", "services:\n  b:\n    override: replace\n"),
        ("new", "services:\n  b:\n    command: 'unterminated"),
        ("new", "services:\n  a:\n    override: merge\n    requires: [nope]\n"),
        ("base/inner", "{}"),
        ("pebble-x", "{}"),
    ]
    for label, text in bad_layers:
        for inner in (False, True):
            if inner and label == "base/inner":
                continue
            body = {"action": "add", "label": label, "format": "yaml", "layer": text, "inner": inner}
            status, reply = daemon.request("POST", "/v1/layers", body)
            assert status in (400, 500) and reply["type"] == "error", (label, reply)
            assert daemon.get("/v1/plan?format=yaml") == before
    daemon.add_layer("new", "services:\n  b:\n    override: replace\n    command: sleep 1\n")
    assert "b:" in daemon.get("/v1/plan?format=yaml")


def test_hostile_layers_get_an_error_and_cost_little(daemon):
    daemon.start("--create-dirs", "--hold")
    deep = "services: " + "[" * 200_000
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)
    )
    for text in (deep, bomb, "a: &a [*a]", "services: {a: {command: 'x", "\x00", "services:\n\ta: b", "- " * 100_000, "x: &x {<<: *x}"):
        status, reply = daemon.request("POST", "/v1/layers", {"action": "add", "label": "x", "format": "yaml", "layer": text})
        assert status == 400, text[:50]
        assert reply["result"]["message"].startswith('cannot parse layer YAML: cannot parse layer "x"'), reply["result"]["message"][:200]
    assert daemon.resident() < 400_000_000


def test_layer_files_and_autostart(daemon):
    daemon.layer("001-base.yaml", "services:\n  a:\n    override: replace\n    command: sleep 1000\n    environment: {X: one}\n")
    daemon.layer("002-more.yaml", "services:\n  a:\n    override: merge\n    startup: enabled\n    environment: {Y: two}\n")
    daemon.start()
    until(lambda: daemon.service("a")["current"] == "active", "a to be active")
    plan = daemon.get("/v1/plan?format=yaml")
    assert plan == textwrap.dedent(
        """\
        services:
            a:
                startup: enabled
                override: replace
                command: sleep 1000
                environment:
                    X: one
                    "Y": two
        """
    )
    assert daemon.stop() == 0
    assert not daemon.socket.exists()


def test_the_command_line_drives_it(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    layer = tmp_path / "layer.yaml"
    layer.write_text("services:\n  web:\n    override: replace\n    command: sleep 1000\n    startup: enabled\n")
    assert daemon.cli("add", "base", str(layer)).stdout == f'Layer "base" added successfully from "{layer}"\n'
    assert "command: sleep 1000" in daemon.cli("plan").stdout
    daemon.cli("start", "web")
    assert "active" in daemon.cli("services").stdout
    daemon.cli("restart", "web")
    daemon.cli("stop", "web")
    assert "inactive" in daemon.cli("services").stdout
    daemon.cli("autostart")
    daemon.cli("replan")
    assert "Autostart" in daemon.cli("changes").stdout
    assert "Start service" in daemon.cli("tasks", "1").stdout
    assert daemon.cli("health").stdout == "healthy\n"
    assert "v1.32.1" in daemon.cli("version").stdout
    failed = daemon.cli("start", "nope", check=False)
    assert failed.returncode == 1
    assert failed.stderr == 'error: cannot start services: service "nope" does not exist\n'
