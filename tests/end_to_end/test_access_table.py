"""Every endpoint with every method for every kind of caller, over each transport, as the table in tests/data/access.txt says."""

import base64
import http.client
import json
import os
import subprocess
import sys

import pytest

from conftest import ROOT, UnixConnection
from test_access import HASH, certificate, identities, port_of, tls_connection

LEVELS = ("untrusted", "metrics", "read", "admin")
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "BREW")
# Requests of another user of the machine, all in one process.
AS_USER = """
import http.client, json, os, socket, sys
uid, path, requests = json.load(sys.stdin)
os.chdir(os.path.dirname(path))  # which other users could not reach by its path
os.setgid(uid)
os.setuid(uid)
answers = []
for method, target in requests:
    connection = http.client.HTTPConnection("x")
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(os.path.basename(path))
    connection.request(method, target)
    answers.append(connection.getresponse().status)
    connection.close()
json.dump(answers, sys.stdout)
"""


def read_table():
    """What endpoints require, and which (requirement, transport, level) are allowed."""
    endpoints, allowed = {}, set()
    for line in (ROOT / "tests/data/access.txt").read_text().splitlines():
        words = line.split()
        if line.startswith("/"):
            endpoints[words[0]] = {"GET": words[1], "POST": words[2]}
        elif words and not line.startswith(("#", "path", "requirement")):
            allowed |= {(words[0], transport, level) for transport in words[1].split(",") for level in words[2:]}
    return endpoints, allowed


ENDPOINTS, ALLOWED = read_table()
REQUESTS = [(method, path.replace("{id}", "99999").replace("{name}", "x").replace("{task-id}", "99999").replace("{websocket-id}", "stdio"), requirement.get(method, "-")) for path, requirement in ENDPOINTS.items() for method in METHODS]


def expected(transport, level):
    """405, 401, or None for anything else, for each request."""
    return [405 if required == "-" else None if (required, transport, level) in ALLOWED else 401 for _, _, required in REQUESTS]


def compare(transport, level, statuses):
    wrong = [(transport, level, method, path, wanted, status) for (method, path, _), wanted, status in zip(REQUESTS, expected(transport, level), statuses) if status != wanted and (wanted is not None or status in (401, 403, 405, 500))]
    # Without a user's number there are no notices, which is told with 403 (contract 08, section 2.5).
    assert [one for one in wrong if not (one[3].startswith("/v1/notices") and one[4] is None and one[5] == 403)] == []


def ask_all(connection, headers=None):
    statuses = []
    for method, path, _ in REQUESTS:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
    connection.close()
    return statuses


def login(name):
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:test".encode()).decode()}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {name: certificate(folder, name) for name in (*LEVELS, "stranger")}


@pytest.fixture
def served(daemon, certificates):
    """A daemon on all transports that knows one of each kind of identity for each level."""
    daemon.start("--hold", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0")
    known = {}
    for number, level in enumerate(LEVELS):
        known[f"local-{level}"] = {"access": level, "local": {"user-id": 2000 + number}}
        known[f"basic-{level}"] = {"access": level, "basic": {"password": HASH}}
        known[f"cert-{level}"] = {"access": level, "cert": {"pem": open(certificates[level][0]).read()}}
    identities(daemon, **known)
    return daemon


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")
def test_users_of_the_socket(served):
    served.pebble.chmod(0o755)
    compare("unix", "admin", ask_all(UnixConnection(served.socket)))
    for uid, level in ((1000, "read"), *((2000 + number, level) for number, level in enumerate(LEVELS))):
        asked = json.dumps([uid, str(served.socket), [request[:2] for request in REQUESTS]])
        done = subprocess.run([sys.executable, "-c", AS_USER], input=asked, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        compare("unix", level, json.loads(done.stdout))


def test_passwords_over_the_socket(served):
    for level in LEVELS:
        compare("unix", level, ask_all(UnixConnection(served.socket), login(f"basic-{level}")))


def test_plain_http(served):
    plain = lambda: http.client.HTTPConnection("127.0.0.1", port_of(served, "http"), timeout=30)  # noqa: E731
    compare("http", "nobody", ask_all(plain()))
    for level in LEVELS:
        compare("http", level, ask_all(plain(), login(f"basic-{level}")))
        compare("http", "nobody", ask_all(plain(), login(f"cert-{level}")))


def test_https(served, certificates):
    compare("https", "nobody", ask_all(tls_connection(port_of(served, "https"), certificates["stranger"])))
    compare("https", "nobody", ask_all(tls_connection(port_of(served, "https"), certificates["stranger"]), login("basic-admin")))
    for level in LEVELS:
        compare("https", level, ask_all(tls_connection(port_of(served, "https"), certificates[level])))


def test_pairing_is_for_https_and_an_open_window(served, certificates):
    assert served.request("POST", "/v1/pairing/window", {"action": "open", "mode": "multiple"})[0] == 200
    for connection, wanted in (
        (UnixConnection(served.socket), 401),
        (http.client.HTTPConnection("127.0.0.1", port_of(served, "http")), 401),
        (tls_connection(port_of(served, "https"), certificates["stranger"]), 400),
    ):
        connection.request("POST", "/v1/pairing", '{"action": "no"}')
        assert connection.getresponse().status == wanted
        connection.close()
