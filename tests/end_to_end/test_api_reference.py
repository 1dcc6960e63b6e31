"""docs/reference/openapi.yaml tells the truth: it has exactly the daemon's routes, methods and access levels, and what the daemon answers, well or
badly, fits its schemas. Every documented status of every operation is provoked."""

import base64
import http.client
import json
import os
import re
import urllib.parse

import jsonschema
import yaml
from conftest import ROOT, UnixConnection, until
from openapi_spec_validator import validate
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from test_access import HASH, certificate, port_of, tls_connection

SPEC = yaml.safe_load((ROOT / "docs/reference/openapi.yaml").read_text())
METHODS = ("get", "post")
OPERATIONS = {(method, path): item[method] for path, item in SPEC["paths"].items() for method in METHODS if method in item}
LEVELS = {"open": "open", "user": "read", "admin": "admin", "metrics": "metrics", "pairing": "pairing"}
LAYER = """
services:
  web: {override: replace, command: sleep 1000, startup: enabled}
  again: {override: replace, command: sh -c 'sleep 1.2; exit 3', backoff-delay: 1h}
  broken: {override: replace, command: /nonexistent}
  idle: {override: replace, command: sleep 1000}
checks:
  good: {override: replace, level: alive, period: 100ms, exec: {command: echo}}
  bad: {override: replace, level: ready, period: 100ms, threshold: 1, exec: {command: sh -c 'echo no; exit 1'}}
  off: {override: replace, startup: disabled, exec: {command: echo}}
pairing: {mode: multiple}
"""


def table_of_routes():
    source = (ROOT / "daemon/api/routes.cc").read_text()
    rows = re.findall(r'Route\{"([A-Z]+)", "([^"]+)", Access::(\w+)', source)
    assert len(rows) == source.count("Route{")
    return {(method.lower(), path): LEVELS[access] for method, path, access in rows}


def test_the_document_is_valid_openapi():
    validate(SPEC)


def test_routes_and_access_levels_are_the_daemons():
    assert {key: operation["x-access"] for key, operation in OPERATIONS.items()} == table_of_routes()


def test_methods_are_the_daemons(daemon):
    daemon.start("--hold")
    for path in SPEC["paths"]:
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"):
            documented = method.lower() in SPEC["paths"][path]
            status, reply = daemon.request(method, re.sub(r"\{[^}]*\}", "1", path))
            assert (status == 405) != documented, (method, path, status)
            if status == 405 and method != "HEAD":
                assert_fits(reply, {"$ref": "#/components/schemas/Error"})


def strict(node, part_of_all=False):
    """The same schema, that refuses properties it doesn't name; parts of an `allOf` leave that to the whole."""
    if isinstance(node, list):
        return [strict(item) for item in node]
    if not isinstance(node, dict):
        return node
    out = {key: [strict(item, True) for item in value] if key == "allOf" else strict(value) for key, value in node.items()}
    if not part_of_all and ("allOf" in node or isinstance(node.get("properties"), dict)) and "additionalProperties" not in node:
        out["unevaluatedProperties"] = False
    return out


def strict_spec():
    whole = strict(SPEC)
    # Parts of every reply, never a whole one.
    for part in ("Envelope", "Sync", "Async"):
        whole["components"]["schemas"][part].pop("unevaluatedProperties", None)
    return whole


REGISTRY = Registry().with_resource("urn:api", DRAFT202012.create_resource(strict_spec()))
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_time(value):
    return not isinstance(value, str) or re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[-+]\d\d:\d\d)", value) is not None


def assert_fits(value, schema):
    schema = json.loads(json.dumps(strict(schema)).replace('"#/', '"urn:api#/'))
    if "$ref" in schema:
        schema["unevaluatedProperties"] = False
    errors = [f"{e.json_path}: {e.message}" for e in jsonschema.Draft202012Validator(schema, registry=REGISTRY, format_checker=FORMATS).iter_errors(value)]
    assert not errors, (value, errors)


def resolve(node):
    while "$ref" in node:
        place = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            place = place[part]
        node = place
    return node


class Caller:
    """Makes requests, holds them and their replies against the document, and keeps which statuses came."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.seen = set()

    def __call__(self, method, path, expected, /, body=None, headers=None, connection=None, **params):
        operation = OPERATIONS[method.lower(), path]
        known = [resolve(p) for p in operation.get("parameters", []) + SPEC["paths"][path].get("parameters", [])]
        target = path
        for parameter in known:
            if parameter["in"] == "path":
                target = target.replace("{" + parameter["name"] + "}", urllib.parse.quote(str(params.pop(parameter["name"])), safe=""))
        assert set(params) <= {p["name"] for p in known if p["in"] == "query"}, f"undocumented parameter of {path}"
        if params:
            target += "?" + urllib.parse.urlencode(params, doseq=True)
        connection = connection or UnixConnection(self.daemon.socket)
        text = json.dumps(body) if isinstance(body, (dict, list)) else body
        connection.request(method, target, text, headers or {})
        response = connection.getresponse()
        data = response.read()
        assert response.status == expected, (method, target, response.status, data)
        self.check(operation, response, data)
        if expected < 300 and isinstance(body, dict):
            assert_fits(body, operation["requestBody"]["content"]["application/json"]["schema"])
        self.seen.add((method.lower(), path, str(expected)))
        kind = response.getheader("Content-Type") or ""
        return json.loads(data).get("result", True) if kind == "application/json" else data

    def check(self, operation, response, data):
        documented = resolve(operation["responses"][str(response.status)])
        kind = (response.getheader("Content-Type") or "").partition(";")[0]
        if not data:
            assert "content" not in documented or set(documented["content"]) & {"text/plain", "application/x-ndjson"}
            return
        media = documented["content"][kind]
        if kind == "application/json":
            assert_fits(json.loads(data), media["schema"])
        elif kind == "application/x-ndjson":
            for line in data.splitlines():
                assert_fits(json.loads(line), media["x-item-schema"])
        elif kind == "multipart/form-data":
            last = data.rpartition(b'name="response"')[2].partition(b"\r\n\r\n")[2].partition(b"\r\n--")[0]
            assert_fits(json.loads(last), media["schema"]["properties"]["response"])


def system(call, daemon):
    call("GET", "/v1/system-info", 200)
    call("GET", "/v1/health", 200, level="alive", names="good")
    call("GET", "/v1/health", 400, level="up")
    until(lambda: daemon.request("GET", "/v1/health")[0] == 502, "the bad check to be down")
    call("GET", "/v1/health", 502, level="ready")
    call("GET", "/v1/metrics", 200)
    assert b"process_resident_memory_bytes" in call("GET", "/v1/metrics", 200, extended="true")


def services(call, daemon):
    call("POST", "/v1/services", 202, {"action": "autostart"})
    for name in ("again", "broken"):
        call("POST", "/v1/services", 202, {"action": "start", "services": [name]})
    until(lambda: daemon.service("again")["current"] == "backoff", "the second service to wait for its restart")
    states = {s["name"]: s for s in call("GET", "/v1/services", 200, names="web,again,broken,idle")}
    assert states["web"]["details"]["pid"] and states["again"]["details"]["next-restart"] and states["broken"]["details"]["last-error"]
    assert "details" not in states["idle"]
    assert call("GET", "/v1/services", 200, names="web", usage="true")[0]["details"]["memory-bytes"] > 0
    assert {s["name"] for s in call("GET", "/v1/replan", 200)["services"]} == set()
    call("POST", "/v1/services", 202, {"action": "replan"})
    call("POST", "/v1/services", 400, {"action": "start"})
    call("GET", "/v1/services/{name}", 400, name="web")
    call("POST", "/v1/services/{name}", 400, name="web")
    call("POST", "/v1/signals", 200, {"signal": "SIGCONT", "services": ["web"]})
    call("POST", "/v1/signals", 400, {"signal": "SIGCONT"})
    call("POST", "/v1/signals", 500, {"signal": "SIGCONT", "services": ["idle"]})


def plan(call, _daemon):
    call("GET", "/v1/plan", 200, format="yaml")
    call("GET", "/v1/plan", 400, format="json")
    layer = "services: {more: {override: replace, command: sleep 1}}"
    call("POST", "/v1/layers", 200, {"action": "add", "label": "a/b", "format": "yaml", "layer": layer})
    changed = "services: {web: {override: merge, command: sleep 2000}, added: {override: replace, command: sleep 1, startup: enabled}}"
    call("POST", "/v1/layers", 200, {"action": "add", "label": "f", "format": "yaml", "layer": changed})
    call("POST", "/v1/checks", 200, {"action": "stop", "checks": ["good"]})
    preview = call("GET", "/v1/replan", 200)
    assert {s["name"]: s["action"] for s in preview["services"]} == {"web": "restart", "added": "start"} and preview["checks"]
    call("POST", "/v1/layers", 200, {"action": "add", "label": "c", "format": "yaml", "layer": layer, "combine": True})
    call("POST", "/v1/layers", 500, {"action": "add", "label": "a/d", "format": "yaml", "layer": layer})
    call("POST", "/v1/layers", 400, {"action": "add", "label": "e", "format": "yaml", "layer": "services: []"})


def changes(call, daemon):
    every = call("GET", "/v1/changes", 200, select="all")
    assert {"start", "autostart", "perform-check", "recover-check"} <= {c["kind"] for c in every}
    call("GET", "/v1/changes", 400, select="some")
    call("GET", "/v1/changes", 200, **{"for": "web", "select": "ready"})
    failed = next(c["id"] for c in every if c["kind"] == "start" and "broken" in c["summary"])
    assert call("GET", "/v1/changes/{id}/wait", 200, id=failed)["err"]
    assert call("GET", "/v1/changes/{id}", 200, id=failed)["tasks"][0]["log"]
    call("GET", "/v1/changes/{id}", 404, id="99999")
    call("GET", "/v1/changes/{id}/wait", 404, id="99999")
    call("GET", "/v1/changes/{id}/wait", 400, id=failed, timeout="1 day")
    call("POST", "/v1/changes/{id}", 400, {"action": "abort"}, id=failed)
    call("POST", "/v1/changes/{id}", 404, {"action": "abort"}, id="99999")
    running = daemon.request("POST", "/v1/exec", {"command": ["true"]})[1]["change"]
    call("GET", "/v1/changes/{id}/wait", 504, id=running, timeout="1ms")
    call("POST", "/v1/changes/{id}", 200, {"action": "abort"}, id=running)


def checks(call, _daemon):
    until(lambda: any("details" in c for c in call("GET", "/v1/checks", 200)), "a check to run")
    call("GET", "/v1/checks", 200, level="ready", names="bad")
    call("GET", "/v1/checks", 400, level="up")
    call("POST", "/v1/checks", 200, {"action": "start", "checks": ["off"]})
    call("POST", "/v1/checks", 200, {"action": "stop", "checks": ["off"]})
    call("POST", "/v1/checks", 400, {"action": "stop", "checks": ["no"]})
    call("POST", "/v1/checks/refresh", 200, {"name": "good"})
    assert call("POST", "/v1/checks/refresh", 200, {"name": "bad"})["error"]
    call("POST", "/v1/checks/refresh", 400, {})
    call("POST", "/v1/checks/refresh", 404, {"name": "no"})


def logs(call, daemon):
    daemon.add_layer("chatty", "services: {chatty: {override: replace, command: sh -c 'echo one; echo two; exec sleep 1000'}}")
    daemon.services_action("start", ["chatty"])
    until(lambda: call("GET", "/v1/logs", 200, services="chatty", n=-1).count(b"\n") == 2, "the service's lines")
    call("GET", "/v1/logs", 400, n="x")
    target = {"override": "replace", "type": "syslog", "location": "tcp://127.0.0.1:1", "services": ["chatty"]}
    daemon.add_layer("target", json.dumps({"log-targets": {"down": target}}))
    until(lambda: call("GET", "/v1/log-targets", 200)[0].get("last-error"), "the target to fail")


def files(call, daemon):
    folder = str(daemon.folder)
    call("POST", "/v1/files", 200, {"action": "make-dirs", "dirs": [{"path": folder + "/made/deep", "make-parents": True, "permissions": "750"}, {"path": "made"}]}, JSON)
    boundary = "x" * 40
    write = {"action": "write", "files": [{"path": folder + "/made/file", "permissions": "600"}, {"path": folder + "/none/file"}]}
    assert_fits(write, OPERATIONS["post", "/v1/files"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"]["request"])
    parts = [f'form-data; name="request"\r\n\r\n{json.dumps(write)}'] + [f'form-data; name="files"; filename="{f["path"]}"\r\n\r\ntext' for f in write["files"]]
    body = "".join(f"--{boundary}\r\nContent-Disposition: {p}\r\n" for p in parts) + f"--{boundary}--\r\n"
    result = call("POST", "/v1/files", 200, body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert ["error" in item for item in result] == [False, True]
    call("POST", "/v1/files", 400, "{}", JSON)
    assert len(call("GET", "/v1/files", 200, action="list", path=folder + "/made", pattern="*")) == 2
    call("GET", "/v1/files", 200, action="list", path=folder + "/made", itself="true")
    call("GET", "/v1/files", 404, action="list", path=folder + "/none")
    call("GET", "/v1/files", 400, action="list", path="relative")
    if os.geteuid() == 0:
        call.seen.add(("get", "/v1/files", "403"))  # root may look everywhere
    else:
        (daemon.folder / "shut").mkdir(0)
        call("GET", "/v1/files", 403, action="list", path=folder + "/shut")
    assert b"text" in call("GET", "/v1/files", 200, headers={"Accept": "multipart/form-data"}, action="read", path=[folder + "/made/file", "/nonexistent"])
    call("POST", "/v1/files", 200, {"action": "remove", "paths": [{"path": folder + "/made", "recursive": True}, {"path": folder + "/made"}]}, JSON)


JSON = {"Content-Type": "application/json"}


def connect(call, task, name, expected):
    key = base64.b64encode(os.urandom(16)).decode()
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key}
    connection = UnixConnection(call.daemon.socket)
    call("GET", "/v1/tasks/{task-id}/websocket/{websocket-id}", expected, headers=headers, connection=connection, **{"task-id": task, "websocket-id": name})
    return connection


def commands(call, daemon):
    everything = {"command": ["cat"], "environment": {"A": "b"}, "working-dir": "/", "timeout": "1m", "split-stderr": True, "terminal": None, "user": None, "width": 80}
    task = call("POST", "/v1/exec", 202, everything)["task-id"]
    connections = [connect(call, task, name, 101) for name in ("stdio", "stderr")]
    connect(call, task, "stdio", 500)
    connect(call, task, "other", 404)
    connections[0].sock.sendall(b"\x81\x91\0\0\0\0" + b'{"command":"end"}')
    change = next(c for c in daemon.get("/v1/changes?select=all") if any(t["id"] == task for t in c["tasks"]))
    assert call("GET", "/v1/changes/{id}/wait", 200, id=change["id"])["tasks"][0]["data"] == {"exit-code": 0}
    connect(call, task, "stdio", 200)
    start = next(t["id"] for c in daemon.get("/v1/changes?select=all") for t in c.get("tasks", []) if t["kind"] == "start")
    connect(call, start, "stdio", 400)
    call("POST", "/v1/exec", 400, {"command": []})
    call("POST", "/v1/exec", 500, {"command": ["true"], "working-dir": "/nonexistent"})


def notices(call, _daemon):
    made = call("POST", "/v1/notices", 200, {"action": "add", "type": "custom", "key": "example.com/a", "data": {"b": "c"}, "repeat-after": "1h"})["id"]
    assert call("GET", "/v1/notices/{id}", 200, id=made)["last-data"] == {"b": "c"}
    assert len(call("GET", "/v1/notices", 200, types="custom,change-update")) > 1
    call("GET", "/v1/notices", 200, keys="none", timeout="1ms", after="2026-01-01T00:00:00Z", users="all")
    call("GET", "/v1/notices", 400, users="some")
    call("POST", "/v1/notices", 400, {"action": "add", "type": "warning", "key": "example.com/a"})
    call("GET", "/v1/notices/{id}", 404, id="99999")
    # A password names no user.
    admin = login("admin-by-password")
    call("GET", "/v1/notices", 403, headers=admin)
    call("POST", "/v1/notices", 403, "{}", admin)
    call("GET", "/v1/notices/{id}", 403, headers=admin, id=made)


def login(name):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:test".encode()).decode()}


def access(call, daemon):
    cert = certificate(daemon.folder, "client")
    pem = open(cert[0]).read()
    call("POST", "/v1/identities", 200, {"action": "replace", "identities": {"one": {"access": "read", "local": {"user-id": 4242}, "cert": {"pem": pem}}, "gone": None}})
    call("POST", "/v1/identities", 400, {"action": "remove", "identities": {"nobody": None}})
    assert call("GET", "/v1/identities", 200)["one"]["cert"] == {"pem": "*****"}
    call("GET", "/v1/pairing/window", 200)
    call("POST", "/v1/pairing/window", 200, {"action": "open", "duration": "10m"})
    assert call("GET", "/v1/pairing/window", 200)["closes"]
    call("POST", "/v1/pairing/window", 200, {"action": "close"})
    call("POST", "/v1/pairing/window", 400, {"action": "open", "duration": "1 day"})
    newcomer = tls_connection(port_of(daemon), certificate(daemon.folder, "newcomer"))
    call("POST", "/v1/pairing", 401, {"action": "pair"}, connection=newcomer)
    call("POST", "/v1/pairing/window", 200, {"action": "open"})
    call("POST", "/v1/pairing", 400, {"action": "marry"}, connection=newcomer)
    call("POST", "/v1/pairing", 200, {"action": "pair"}, connection=newcomer)
    call("GET", "/v1/identities", 200, connection=newcomer)


def refusals(call, _daemon):
    """An identity without any access is refused wherever access is asked for; nobody over the socket gets further than that."""
    for (method, path), operation in OPERATIONS.items():
        if operation["x-access"] in ("open", "pairing"):
            assert ("401" in operation["responses"]) == (operation["x-access"] == "pairing"), path
            continue
        names = [resolve(p)["name"] for p in SPEC["paths"][path].get("parameters", [])]
        call(method.upper(), path, 401, headers=login("untrusted"), **dict.fromkeys(names, "1"))


def test_every_response_is_as_documented(daemon):
    daemon.layer("001-all.yaml", LAYER)
    daemon.start("--https", "127.0.0.1:0")
    entries = {name: {"access": access, "basic": {"password": HASH}} for name, access in (("untrusted", "untrusted"), ("admin-by-password", "admin"))}
    call = Caller(daemon)
    call("POST", "/v1/identities", 200, {"action": "add", "identities": entries})
    for part in (services, system, plan, changes, checks, logs, files, commands, notices, access, refusals):
        part(call, daemon)
    documented = {(method, path, status) for (method, path), operation in OPERATIONS.items() for status in operation["responses"]}
    assert documented - call.seen == set()


def test_examples_of_requests_fit_their_schemas():
    for operation in OPERATIONS.values():
        for media in operation.get("requestBody", {}).get("content", {}).values():
            if "example" in media:
                assert_fits(media["example"], media["schema"])
