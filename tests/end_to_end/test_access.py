"""Who may do what, over each transport, and the life of identities, certificates and pairing (contract 08)."""

import base64
import http.client
import os
import socket
import ssl
import stat
import subprocess
import sys

import pytest

from conftest import UnixConnection, until

HASH = "$6$saltsalt$JcVDtuB6d1BHhCd5RPBh8g8xX/1CbY8EU2PN0MTaj2/Mypw4P./C6dN4j0HALhzBDTocyW1Jm.gYaTPjFGCV40"  # test
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be several users")


def certificate(folder, name, *options):
    """A fresh self-signed client certificate: the paths of its certificate and key."""
    cert, key = str(folder / f"{name}.crt"), str(folder / f"{name}.key")
    command = ["openssl", "req", "-x509", "-newkey", "ed25519", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-out", cert, "-keyout", key, *options]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return cert, key


def port_of(daemon, scheme=None):
    """The real port of the daemon's TCP listener; `:0` lets the kernel choose."""
    details = daemon.get("/v1/system-info")["details"]
    address = details[f"{scheme}-address"] if scheme else details.get("https-address") or details["http-address"]
    return int(address.rpartition(":")[2])


def identities(daemon, action="replace", **entries):
    status, reply = daemon.request("POST", "/v1/identities", {"action": action, "identities": entries})
    assert status == 200, reply


def tls_connection(port, cert):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(*cert)
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=context)


def answer(connection, method, path, body=None, headers=None):
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    response.read()
    return response.status


def as_user(daemon, uid, method, path, body=""):
    """The status of one request made by another user."""
    script = (
        "import os, sys, http.client, socket\n"
        "os.chdir(os.path.dirname(sys.argv[2]))  # which other users could not reach by its path\n"
        "os.setgid(int(sys.argv[1])); os.setuid(int(sys.argv[1]))\n"
        "c = http.client.HTTPConnection('x'); c.sock = socket.socket(socket.AF_UNIX); c.sock.connect(os.path.basename(sys.argv[2]))\n"
        "c.request(sys.argv[3], sys.argv[4], sys.argv[5]); print(c.getresponse().status)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(uid), str(daemon.socket), method, path, body], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@needs_root
def test_users_of_the_socket(daemon):
    daemon.start("--hold")
    assert stat.S_IMODE(daemon.socket.stat().st_mode) == 0o666
    daemon.pebble.chmod(0o755)
    for path, for_root, for_others in (("/v1/health", 200, 200), ("/v1/services", 200, 200), ("/v1/plan?format=yaml", 200, 401), ("/v1/metrics", 200, 200)):
        assert (as_user(daemon, 0, "GET", path), as_user(daemon, 1000, "GET", path)) == (for_root, for_others), path
    identities(daemon, low={"access": "untrusted", "local": {"user-id": 1000}}, high={"access": "admin", "local": {"user-id": 2000}})
    assert as_user(daemon, 1000, "GET", "/v1/services") == 401
    assert as_user(daemon, 2000, "GET", "/v1/plan?format=yaml") == 200
    assert '"event":"authz_fail:low,/v1/services"' in daemon.log()


def test_logins_over_plain_http_are_good_for_metrics_only(daemon):
    daemon.start("--hold", "--http", "127.0.0.1:0")
    identities(daemon, scraper={"access": "metrics", "basic": {"password": HASH}}, boss={"access": "admin", "basic": {"password": HASH}})
    connection = http.client.HTTPConnection("127.0.0.1", port_of(daemon), timeout=30)

    def metrics(login):
        return answer(connection, "GET", "/v1/metrics", headers={"Authorization": "Basic " + base64.b64encode(login.encode()).decode()})

    assert answer(connection, "GET", "/v1/health") == 200
    assert answer(connection, "GET", "/v1/services") == 401
    assert [metrics(login) for login in ("scraper:test", "scraper:test", "scraper:wrong", "boss:test", "nobody:test")] == [200, 200, 401, 401, 401]
    identities(daemon, scraper=None)
    assert metrics("scraper:test") == 401


def test_a_certificate_is_an_identity_from_one_request_to_the_next(daemon, tmp_path):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert = certificate(tmp_path, "c")
    connection = tls_connection(port_of(daemon), cert)
    assert answer(connection, "GET", "/v1/health") == 200
    assert answer(connection, "GET", "/v1/plan?format=yaml") == 401
    identities(daemon, c={"access": "admin", "cert": {"pem": open(cert[0]).read()}})
    assert answer(connection, "GET", "/v1/plan?format=yaml") == 200
    identities(daemon, c=None)
    assert answer(connection, "GET", "/v1/plan?format=yaml") == 401
    large = tls_connection(port_of(daemon), cert)
    assert answer(large, "GET", "/v1/health?x=" + "y" * 300_000) == 200


def test_what_curl_and_openssl_see_of_https(daemon, tmp_path):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "c")
    url = f"https://127.0.0.1:{port_of(daemon)}/v1/health"
    curl = ["curl", "-sk", "-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
    assert subprocess.run([*curl, "--cert", cert, "--key", key, url], capture_output=True, timeout=60).stdout == b"200 1.1"
    assert subprocess.run([*curl, url], capture_output=True, timeout=60).returncode != 0
    assert subprocess.run([*curl, "--tls-max", "1.2", "--cert", cert, "--key", key, url], capture_output=True, timeout=60).returncode != 0
    shown = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{port_of(daemon)}", "-cert", cert, "-key", key, "-showcerts"], input=b"", capture_output=True, timeout=60).stdout
    assert shown.count(b"BEGIN CERTIFICATE") == 2
    with socket.create_connection(("127.0.0.1", port_of(daemon)), 30) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert b"Client sent an HTTP request to an HTTPS server." in plain.makefile("rb").read()
    until(lambda: daemon.log().count("TLS handshake error from") == 3, "a line for each failed handshake: " + daemon.log())


def s_client(port, *options, request="GET /v1/plan?format=yaml"):
    """What openssl's client shows of a connection: answer and errors."""
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-ign_eof", *options]
    text = f"{request} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=60)
    return (done.stdout + done.stderr).decode(errors="replace")


def test_handshakes_of_openssl(daemon, tmp_path):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    port = port_of(daemon)
    cert, key = certificate(tmp_path, "c")
    mine = ["-cert", cert, "-key", key]
    assert "HTTP/1.1 401 Unauthorized" in s_client(port, *mine)
    assert "HTTP/1.1 200 OK" in s_client(port, *mine, "-alpn", "h2,http/1.1", request="GET /v1/health")
    assert "alert protocol version" in s_client(port, *mine, "-tls1_2")
    assert "alert no application protocol" in s_client(port, *mine, "-alpn", "foo")
    assert "alert handshake failure" in s_client(port, *mine, "-groups", "X448")
    assert "alert bad certificate" in s_client(port, *mine, "-cert_chain", certificate(tmp_path, "second")[0])
    for ciphers in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
        assert f"Cipher is {ciphers}" in s_client(port, *mine, "-ciphersuites", ciphers)
    for kind in (["-newkey", "rsa:2048"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]):
        cert, key = certificate(tmp_path, "other", *kind)
        assert "HTTP/1.1 200 OK" in s_client(port, "-cert", cert, "-key", key, request="GET /v1/health")


def test_a_resumed_session_keeps_its_identity(daemon, tmp_path):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "c")
    identities(daemon, c={"access": "admin", "cert": {"pem": open(cert).read()}})
    session = str(tmp_path / "session")
    assert "HTTP/1.1 200 OK" in s_client(port_of(daemon), "-cert", cert, "-key", key, "-sess_out", session)
    resumed = s_client(port_of(daemon), "-sess_in", session)
    assert "Reused, TLSv1.3" in resumed and "HTTP/1.1 200 OK" in resumed
    identities(daemon, c=None)
    assert "HTTP/1.1 401 Unauthorized" in s_client(port_of(daemon), "-sess_in", session)


def test_certificates_that_are_not_fit_for_clients(daemon, tmp_path):
    """They get through the handshake, for what is open to all; as an identity they are good for nothing."""
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "server-only", "-addext", "extendedKeyUsage=serverAuth")
    identities(daemon, odd={"access": "admin", "cert": {"pem": open(cert).read()}})
    connection = tls_connection(port_of(daemon), (cert, key))
    assert answer(connection, "GET", "/v1/health") == 200
    assert answer(connection, "GET", "/v1/plan?format=yaml") == 401
    until(lambda: "failed self-signed verification: x509: certificate specifies an incompatible key usage" in daemon.log(), "the event")


def test_a_folder_of_certificates_that_others_may_read(daemon, tmp_path):
    (daemon.pebble / "tls").mkdir(mode=0o755)
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "c")
    assert "alert internal error" in s_client(port_of(daemon), "-cert", cert, "-key", key)
    until(lambda: f'cannot create TLS directory: expected permission 0o700 (got 0o755) for "{daemon.pebble}/tls"' in daemon.log(), "the reason")
    (daemon.pebble / "tls").chmod(0o700)
    assert "HTTP/1.1 401 Unauthorized" in s_client(port_of(daemon), "-cert", cert, "-key", key)
    assert {p.name: stat.S_IMODE(p.stat().st_mode) for p in (daemon.pebble / "tls").iterdir()} == {"identity.pem": 0o600}


def test_silent_and_vanishing_tls_clients_do_no_harm(daemon, tmp_path):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    port = port_of(daemon)
    silent = [socket.create_connection(("127.0.0.1", port), 30) for _ in range(50)]
    for bytes_sent in (b"", b"\x16", b"\x16\x03\x01\x02\x00\x01", os.urandom(300)):
        with socket.create_connection(("127.0.0.1", port), 30) as one:
            one.sendall(bytes_sent)
    assert answer(tls_connection(port, certificate(tmp_path, "c")), "GET", "/v1/health") == 200
    for one in silent:
        one.close()


def test_pairing(daemon, tmp_path):
    daemon.layer("001-pairing.yaml", "pairing: {mode: single}\n")
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert = certificate(tmp_path, "c")
    connection = tls_connection(port_of(daemon), cert)
    pair = lambda: answer(connection, "POST", "/v1/pairing", '{"action": "pair"}')  # noqa: E731
    assert pair() == 401
    window = daemon.get("/v1/pairing/window")
    assert (window["mode"], window["open"], window["paired"]) == ("single", False, False)
    assert (window["fingerprint"], window["https-address"]) == (daemon.get("/v1/system-info")["details"]["fingerprint"], f"127.0.0.1:{port_of(daemon)}")
    assert daemon.request("POST", "/v1/pairing/window", {"action": "open", "duration": "1h"})[0] == 200
    assert daemon.get("/v1/pairing/window")["open"]
    assert answer(connection, "POST", "/v1/pairing/window", '{"action": "open"}') == 401
    assert answer(connection, "POST", "/v1/pairing", '{"action": "foo"}') == 400
    assert pair() == 200
    assert daemon.get("/v1/identities") == {"user-1": {"access": "admin", "cert": {"pem": "*****"}}}
    assert answer(connection, "GET", "/v1/plan?format=yaml") == 200
    assert pair() == 401
    status, reply = daemon.request("POST", "/v1/pairing/window", {"action": "open"})
    assert (status, reply["result"]["message"]) == (400, "cannot enable pairing when already paired in 'single' pairing mode")
    assert daemon.stop() == 0
    daemon.start("--hold", "--https", "127.0.0.1:0")
    assert list(daemon.get("/v1/identities")) == ["user-1"]
    assert daemon.get("/v1/pairing/window")["paired"]


@needs_root
def test_streams_of_a_removed_identity_end(daemon):
    daemon.layer("001-base.yaml", "services: {a: {override: replace, command: sleep 1000, startup: enabled}}\n")
    daemon.start()
    identities(daemon, me={"access": "admin", "basic": {"password": HASH}})
    stream = UnixConnection(daemon.socket)
    stream.request("GET", "/v1/logs?follow=true", headers={"Authorization": "Basic " + base64.b64encode(b"me:test").decode()})
    response = stream.getresponse()
    assert response.status == 200
    identities(daemon, me=None)
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        response.read()
        raise http.client.IncompleteRead(b"")


@pytest.mark.parametrize("left", [None, {"access": "read", "local": {"user-id": 77}}], ids=["removed", "restricted"])
def test_commands_of_an_identity_that_lost_its_rights_end(daemon, tmp_path, left):
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert, key = certificate(tmp_path, "c")
    identities(daemon, c={"access": "admin", "cert": {"pem": open(cert).read()}}, other={"access": "admin", "local": {"user-id": 78}})
    env = dict(daemon.env, PEBBLE_BASEURL=f"https://127.0.0.1:{port_of(daemon)}", PEBBLE_TLS_CA=str(daemon.pebble / "tls/identity.pem"), PEBBLE_TLS_CERT=cert, PEBBLE_TLS_KEY=key)
    assert answer(tls_connection(port_of(daemon), (cert, key)), "GET", "/v1/health") == 200  # makes the file that is pinned
    script = f"echo $$ > {tmp_path}/pid; exec sleep 1000"
    theirs = subprocess.Popen([daemon.binary, "exec", "sh", "-c", script], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ours = subprocess.Popen([daemon.binary, "exec", "sh", "-c", "read line; echo $line"], env=daemon.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().strip(), "their command to run")
    pid = int((tmp_path / "pid").read_text())
    identities(daemon, other=None)
    assert theirs.poll() is None and os.path.exists(f"/proc/{pid}")
    identities(daemon, c=left)
    assert theirs.wait(60) != 0
    theirs.communicate()
    until(lambda: not os.path.exists(f"/proc/{pid}"), "their command to end")
    assert ours.communicate(b"still here\n", timeout=60)[0] == b"still here\n"


def test_identities_are_on_disk_when_the_answer_comes(daemon):
    daemon.start("--hold")
    identities(daemon, a={"access": "read", "local": {"user-id": 7}})
    daemon.kill()
    daemon.start("--hold")
    assert daemon.get("/v1/identities") == {"a": {"access": "read", "local": {"user-id": 7}}}
