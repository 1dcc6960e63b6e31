"""The command line over HTTP and HTTPS: how it tells servers apart, what it shows them, and pairing."""

import base64
import http.server
import os
import shutil
import socket
import ssl
import stat
import subprocess
import threading

import pytest

from conftest import until
from test_access import HASH, certificate, identities, port_of

BIG = 3_000_000


def fingerprint(daemon):
    return daemon.get("/v1/system-info")["details"]["fingerprint"]


def remote(daemon, scheme="https", host="127.0.0.1", **env):
    """The environment of a client elsewhere: it has no socket, and files of its own."""
    clean = {key: value for key, value in daemon.env.items() if not key.startswith("PEBBLE")}
    return {**clean, "PEBBLE_BASEURL": f"{scheme}://{host}:{port_of(daemon)}", "XDG_CONFIG_HOME": str(daemon.folder / "config"), "PEBBLE": "/nowhere", **env}


def cli(daemon, env, *args, input=None, text=True):
    return subprocess.run([daemon.binary, *args], env=env, input=input, capture_output=True, text=text, timeout=60)


def run(daemon, env, *args):
    done = cli(daemon, env, *args)
    assert done.returncode == 0, (args, done.stderr)
    return done.stdout


def refused(daemon, env, *args):
    done = cli(daemon, env, *args)
    assert done.returncode == 1 and done.stdout == "", (args, done)
    return done.stderr


@pytest.fixture
def admin(daemon, tmp_path):
    """A daemon with HTTPS, and the environment of a client whose certificate it knows as an admin's."""
    daemon.layer("001-base.yaml", "services: {a: {override: replace, command: sh -c 'echo hello; exec sleep 1000', startup: enabled}}\n")
    daemon.start("--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "c")
    identities(daemon, c={"access": "admin", "cert": {"pem": open(cert).read()}})
    return remote(daemon, PEBBLE_TLS_FINGERPRINT=fingerprint(daemon), PEBBLE_TLS_CERT=cert, PEBBLE_TLS_KEY=key)


def test_commands_over_https(daemon, admin, tmp_path):
    until(lambda: "hello" in run(daemon, admin, "logs"), "the service's first line")
    assert run(daemon, admin, "services").split()[4] == "a"
    run(daemon, admin, "restart", "a")
    source, far, back = tmp_path / "source", tmp_path / "far", tmp_path / "back"
    source.write_bytes(os.urandom(BIG))
    run(daemon, admin, "push", str(source), str(far))
    run(daemon, admin, "pull", str(far), str(back))
    assert back.read_bytes() == far.read_bytes() == source.read_bytes()
    done = cli(daemon, admin, "exec", "cat", input=source.read_bytes(), text=False)
    assert (done.returncode, done.stderr) == (0, b"") and done.stdout == source.read_bytes()
    done = cli(daemon, admin, "exec", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")


def test_logs_are_followed_over_https(daemon, admin):
    client = subprocess.Popen([daemon.binary, "logs", "-f", "-n", "all"], env=admin, stdout=subprocess.PIPE, text=True)
    assert client.stdout.readline().endswith("[a] hello\n")
    run(daemon, admin, "restart", "a")
    assert client.stdout.readline().endswith("[a] hello\n")
    client.kill()
    client.communicate()


def test_only_the_server_that_was_meant_is_talked_to(daemon, admin, tmp_path):
    assert "tls: failed to verify certificate: the server's fingerprint is " + fingerprint(daemon) in refused(daemon, {**admin, "PEBBLE_TLS_FINGERPRINT": "A" * 77}, "services")
    blind = {**admin, "PEBBLE_TLS_FINGERPRINT": ""}
    assert refused(daemon, blind, "services").endswith(": cannot verify server: see TLS config options\n")
    by_authority = {**blind, "PEBBLE_TLS_CA": str(daemon.pebble / "tls/identity.pem")}
    assert "a" in run(daemon, by_authority, "services")
    other, _ = certificate(tmp_path, "other")
    assert "x509: certificate signed by unknown authority" in refused(daemon, {**blind, "PEBBLE_TLS_CA": other}, "services")
    assert f"open {tmp_path}/none: no such file or directory" in refused(daemon, {**blind, "PEBBLE_TLS_CA": str(tmp_path / "none")}, "services")


def openssl(*command):
    subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)


@pytest.mark.parametrize("name, usage, fits", [("DNS:localhost", "serverAuth", True), ("IP:127.0.0.1", "serverAuth", False), ("DNS:localhost", "clientAuth", False)])
def test_a_server_with_a_certificate_of_an_authority(daemon, tmp_path, name, usage, fits):
    """Another server, in front of ours: its name must be that of the URL."""
    authority, _ = certificate(tmp_path, "ca", "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "ed25519", "-nodes", "-subj", "/CN=x", "-keyout", tmp_path / "s.key", "-out", tmp_path / "s.csr")
    (tmp_path / "ext").write_text(f"subjectAltName={name}\nextendedKeyUsage={usage}\n")
    openssl("x509", "-req", "-in", tmp_path / "s.csr", "-CA", authority, "-CAkey", tmp_path / "ca.key", "-CAcreateserial", "-extfile", tmp_path / "ext", "-out", tmp_path / "s.crt")
    body = b'{"type":"sync","status-code":200,"status":"OK","result":{"healthy":true}}'
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.headers.get("Authorization"))
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "s.crt", tmp_path / "s.key")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        env = {**os.environ, "PEBBLE_BASEURL": f"https://localhost:{server.server_port}", "PEBBLE_TLS_CA": authority, "PEBBLE_BASIC_AUTH": "me:secret", "XDG_CONFIG_HOME": str(tmp_path)}
        done = cli(daemon, env, "health")
        assert (done.stdout == "healthy\n") == fits, done
        assert seen == (["Basic " + base64.b64encode(b"me:secret").decode()] if fits else [])
        assert fits or "tls: failed to verify certificate: x509: " in done.stderr
        assert "secret" not in done.stderr
    finally:
        server.shutdown()
        server.server_close()


def test_what_a_client_without_a_usable_certificate_is_told(daemon, admin, tmp_path):
    bare = {**admin, "PEBBLE_TLS_CERT": "", "PEBBLE_TLS_KEY": ""}
    assert refused(daemon, bare, "services").endswith("remote error: tls: certificate required (see PEBBLE_TLS_CERT)\n")
    until(lambda: "expected one client certificate, received 0" in daemon.log(), "a line about it")
    assert daemon.log().count("expected one client certificate, received 0") == 1, "a refusal is no reason to try again"
    assert "no such file or directory" in refused(daemon, {**admin, "PEBBLE_TLS_KEY": str(tmp_path / "none")}, "services")
    assert "tls: cannot use key file" in refused(daemon, {**admin, "PEBBLE_TLS_KEY": admin["PEBBLE_TLS_CERT"]}, "services")
    stranger, key = certificate(tmp_path, "stranger")
    assert refused(daemon, {**admin, "PEBBLE_TLS_CERT": stranger, "PEBBLE_TLS_KEY": key}, "services").startswith("error: access denied")


def test_passwords_are_sent_and_never_shown(daemon, tmp_path):
    daemon.start("--hold", "--http", "127.0.0.1:0")
    identities(daemon, scraper={"access": "metrics", "basic": {"password": HASH}})
    (tmp_path / "login").write_text("scraper:test\nnot this\n")

    def told(**env):
        return cli(daemon, remote(daemon, "http", **env), "plan").stderr

    url = f"http://scraper:te%73t@127.0.0.1:{port_of(daemon)}"
    for env in ({"PEBBLE_BASIC_AUTH": "scraper:test"}, {"PEBBLE_BASIC_AUTH_FILE": str(tmp_path / "login")}, {"PEBBLE_BASEURL": url}):
        before = daemon.log().count("authz_fail:scraper,/v1/plan")
        assert told(**env).startswith("error: access denied")
        until(lambda: daemon.log().count("authz_fail:scraper,/v1/plan") == before + 1, "a line on who asked")
    for env in ({"PEBBLE_BASIC_AUTH": "scraper-test"}, {"PEBBLE_BASIC_AUTH_FILE": str(tmp_path / "none")}, {"PEBBLE_BASEURL": "http://scraper:test@[::1"}, {"PEBBLE_BASEURL": "http://scraper:test@127.0.0.1:1"}):
        assert told(**env).startswith("error: ") and "test" not in told(**env).replace(str(tmp_path), ""), env


def test_a_client_pairs_itself(daemon):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    env = remote(daemon)
    config = daemon.folder / "config/pebble"
    said = refused(daemon, env, "pair")
    assert fingerprint(daemon) in said and fingerprint(daemon) in daemon.log()
    env["PEBBLE_TLS_FINGERPRINT"] = fingerprint(daemon)
    assert daemon.cli("pair", "--open", check=False).stderr == "error: cannot enable pairing with pairing mode disabled\n"
    assert refused(daemon, {**env, "PEBBLE_TLS_CERT": str(daemon.folder / "made")}, "pair", "--open").startswith("error: ")
    said = daemon.cli("pair", "--open", "--mode=single", "--duration=1h").stdout
    assert fingerprint(daemon) in said and str(port_of(daemon)) in said
    assert "user-1" not in daemon.cli("identities").stdout
    assert str(config / "client.crt") in run(daemon, env, "pair")
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in config.iterdir() if p.name.startswith("client")} == {"client.crt": 0o600, "client.key": 0o600}
    assert run(daemon, env, "plan") == "{}\n"
    before = (config / "client.crt").read_bytes()
    assert refused(daemon, env, "pair").startswith("error: access denied")
    assert (config / "client.crt").read_bytes() == before
    assert "already paired in 'single' pairing mode" in daemon.cli("pair", "--open", "--mode=single", check=False).stderr
    daemon.cli("pair", "--open", "--mode=multiple")
    daemon.cli("pair", "--close")
    second = {**env, "PEBBLE_TLS_CERT": str(daemon.folder / "own/both.pem")}
    assert cli(daemon, second, "pair").stderr.startswith("error: access denied")
    daemon.cli("pair", "--open", "--mode=multiple")
    run(daemon, second, "pair")
    assert run(daemon, second, "plan") == "{}\n"
    assert sorted(daemon.get("/v1/identities")) == ["user-1", "user-2"]


def test_a_plan_that_disables_pairing_has_the_last_word(daemon):
    daemon.layer("001-pairing.yaml", "pairing: {mode: disabled}\n")
    daemon.start("--hold", "--https", "127.0.0.1:0")
    assert daemon.cli("pair", "--open", "--mode=multiple", check=False).returncode == 1
    assert not daemon.get("/v1/pairing/window")["open"]


def test_pairing_without_an_https_address_is_pointless(daemon):
    daemon.start("--hold")
    assert "WARNING: The server has no HTTPS address" in daemon.cli("pair", "--open", "--mode=single").stderr
    assert "set PEBBLE_BASEURL" in daemon.cli("pair", check=False).stderr


class NameServer:
    """Answers every question for an address with 127.0.0.1, and says what it was asked for."""

    ADDRESS = f"127.77.{os.getpid() % 250}.53"  # one that no other test run uses

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.ADDRESS, 53))
        self.asked = set()
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                question, client = self.socket.recvfrom(4096)
            except OSError:
                return
            end = question.index(b"\0", 12) + 5
            self.asked.add(question[12 : end - 5].decode(errors="replace"))
            is_a = question[end - 4 : end - 2] == b"\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\x7f\0\0\1" if is_a else b""
            self.socket.sendto(question[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0" + question[12:end] + answer, client)


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="needs bubblewrap")
def test_host_names(daemon, tmp_path):
    try:
        names = NameServer()
    except OSError as error:
        pytest.skip(f"cannot be a name server here: {error}")
    daemon.start("--hold", "--http", "127.0.0.1:0")
    (tmp_path / "hosts").write_text("127.0.0.1 from-hosts\n")
    (tmp_path / "resolv.conf").write_text(f"nameserver {names.ADDRESS}\n")
    bwrap = ["bwrap", "--dev-bind", "/", "/", "--ro-bind", str(tmp_path / "hosts"), "/etc/hosts", "--ro-bind", str(tmp_path / "resolv.conf"), os.path.realpath("/etc/resolv.conf")]
    probe = subprocess.run([*bwrap, "true"], capture_output=True, timeout=60)
    if probe.returncode != 0:
        pytest.skip("bubblewrap cannot make namespaces here: " + probe.stderr.decode())
    for host in ("localhost", "x.localhost", "from-hosts", "from-dns.example", "127.0.0.1"):
        env = remote(daemon, "http", host)
        done = subprocess.run([*bwrap, daemon.binary, "health"], env=env, capture_output=True, text=True, timeout=60)
        assert done.stdout == "healthy\n", (host, done.stderr)
    assert names.asked == {"\x08from-dns\x07example"}
    names.socket.close()
