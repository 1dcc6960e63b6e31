"""Files in and out: through the charm client, curl and the own command line, broken transfers, and bounds on memory."""

import hashlib
import io
import os
import pathlib
import shutil
import socket
import stat
import subprocess
import threading

import ops.pebble
import pytest
from conftest import FULL, SANITIZED, UnixConnection, until
from test_access import certificate, identities, port_of, tls_connection

MIB = 1 << 20
LARGE = (1024 if FULL else 48) * MIB
BOUNDARY = "0123456789abcdef0123456789abcdef"


class Pattern(io.RawIOBase):
    """Bytes that never repeat soon, made as they are read, with a sum over all that was given."""

    def __init__(self, size):
        self.left, self.count, self.sum = size, 0, hashlib.sha256()

    def readable(self):
        return True

    def read(self, size=-1):
        size = self.left if size < 0 else min(size, self.left)
        data = b"".join(hashlib.sha256(b"%d" % (self.count + i)).digest() for i in range(64)) * (size // 2048 + 1)
        self.count += 1
        self.left -= size
        self.sum.update(data[:size])
        return data[:size]


def client_of(daemon):
    return ops.pebble.Client(socket_path=str(daemon.socket), timeout=120)


def hash_of_pulled(daemon, path, size):
    """Reads one file of a known size piece by piece (the charm client's own parser takes quadratic time)."""
    connection = UnixConnection(daemon.socket)
    connection.request("GET", f"/v1/files?action=read&path={path}", headers={"Accept": "multipart/form-data"})
    response = connection.getresponse()
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += response.read(1)
    pulled = hashlib.sha256()
    while size:
        data = response.read(min(size, MIB))
        assert data
        pulled.update(data)
        size -= len(data)
    assert b'"error"' not in response.read()
    connection.close()
    return pulled.digest()


def form(path, content, end=b"--"):
    return (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="request"\r\n\r\n{{"action":"write","files":[{{"path":"{path}"}}]}}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{path}"\r\n\r\n'
    ).encode() + content + b"\r\n--" + BOUNDARY.encode() + end + b"\r\n"


def test_charm_client_round_trip(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    client = client_of(daemon)
    w = tmp_path / "w"
    client.make_dir(f"{w}/a/b", make_parents=True, permissions=0o750)
    assert stat.S_IMODE(os.stat(w / "a/b").st_mode) == 0o750
    for name, content in {"empty": b"", "crlf": b"\r\n--\r\n", "all bytes": bytes(range(256)) * 300, 'quo"te;x': b"1", "back\\slash": b"2"}.items():
        client.push(f"{w}/a/{name}", content, permissions=0o640)
        assert client.pull(f"{w}/a/{name}", encoding=None).read() == content
        assert stat.S_IMODE(os.stat(w / "a" / name).st_mode) == 0o640
    client.push(f"{w}/new/dir/text", "ünï", make_dirs=True)
    assert client.pull(f"{w}/new/dir/text").read() == "ünï"
    names = [info.name for info in client.list_files(f"{w}/a")]
    assert names == sorted(names) and "all bytes" in names
    assert [info.name for info in client.list_files(f"{w}/a", pattern="*b*")] == ["all bytes", "b", "back\\slash"]
    with pytest.raises(ops.pebble.PathError) as caught:
        client.pull(f"{w}/missing")
    assert caught.value.kind == "not-found"
    with pytest.raises(ops.pebble.PathError) as caught:
        client.push(f"{w}/a", "x")
    assert caught.value.kind == "generic-file-error"
    with pytest.raises(ops.pebble.PathError):
        client.remove_path(f"{w}/a")
    os.symlink(w / "new", w / "a/link")
    client.remove_path(f"{w}/a", recursive=True)
    assert os.listdir(w) == ["new"] and (w / "new/dir/text").exists()


def test_large_files_stream_through_little_memory(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    client = client_of(daemon)
    before = daemon.resident()
    source = Pattern(LARGE)
    client.push(f"{tmp_path}/large", source)
    assert os.stat(tmp_path / "large").st_size == LARGE
    assert hash_of_pulled(daemon, tmp_path / "large", LARGE) == source.sum.digest()
    assert SANITIZED or daemon.resident() - before < 16 * MIB


def test_broken_uploads_leave_nothing(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    w = tmp_path / "w"
    w.mkdir()
    (w / "f").write_text("old")
    body = form(f"{w}/f", b"x" * (4 * MIB))
    head = f"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: {len(body)}\r\n\r\n"
    for part in (100, 300, MIB, len(body) - 5):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(daemon.socket))
            sock.sendall(head.encode() + body[:part])
            if part >= MIB:
                until(lambda: len(os.listdir(w)) == 2, "the temporary file")
        until(lambda: os.listdir(w) == ["f"], "the temporary file to go")
    assert (w / "f").read_text() == "old"


def test_readers_see_the_old_or_the_new_file(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    client = client_of(daemon)
    path = tmp_path / "f"
    contents = [bytes([65 + i]) * 200_000 for i in range(2)]
    client.push(str(path), contents[0])
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            if path.read_bytes() not in contents:
                wrong.append(len(path.read_bytes()))

    reader = threading.Thread(target=read)
    reader.start()
    for i in range(40):
        client.push(str(path), contents[i % 2])
    stop.set()
    reader.join()
    assert not wrong


def test_a_client_that_stops_reading_holds_no_one_up(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    (tmp_path / "large").write_bytes(b"x" * (8 * MIB))
    open_before = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    sleepers = []
    for _ in range(20):
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(str(daemon.socket))
        sock.sendall(f"GET /v1/files?action=read&path={tmp_path}/large HTTP/1.1\r\nHost: x\r\nAccept: multipart/form-data\r\n\r\n".encode())
        assert sock.recv(10).startswith(b"HTTP/1.1 2")
        sleepers.append(sock)
    assert hash_of_pulled(daemon, tmp_path / "large", 8 * MIB) == hashlib.sha256(b"x" * (8 * MIB)).digest()
    assert daemon.resident() < 200 * MIB
    # One wakes up: everything is there for it.
    sleepers[0].settimeout(60)
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):
        piece = sleepers[0].recv(64 * 1024)
        assert piece, "the download was cut"
        rest += piece
    assert rest.count(b"x" * MIB) == 8
    for sock in sleepers:
        sock.close()
    until(lambda: len(os.listdir(f"/proc/{daemon.process.pid}/fd")) <= open_before + 1, "the files to be closed")


def test_a_file_that_shrinks_while_it_is_read_ends_the_response(daemon, tmp_path):
    """What was announced can't be sent any more: the client must see that something is missing."""
    daemon.start("--create-dirs", "--hold")
    (tmp_path / "large").write_bytes(b"x" * (8 * MIB))
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(daemon.socket))
        sock.settimeout(60)
        sock.sendall(f"GET /v1/files?action=read&path={tmp_path}/large HTTP/1.1\r\nHost: x\r\nAccept: multipart/form-data\r\n\r\n".encode())
        rest = b""
        while b"xxx" not in rest:  # then the size has been announced
            rest += sock.recv(1000)
        os.truncate(tmp_path / "large", 2 * MIB)
        while piece := sock.recv(MIB):
            rest += piece
        assert rest.count(b"x") < 8 * MIB and not rest.endswith(b"0\r\n\r\n")
    assert hash_of_pulled(daemon, tmp_path / "large", 2 * MIB) == hashlib.sha256(b"x" * (2 * MIB)).digest()


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs the openssl command")
def test_downloads_over_https(daemon, tmp_path):
    content = os.urandom(3 * MIB)
    (tmp_path / "file").write_bytes(content)
    daemon.start("--hold", "--https", "127.0.0.1:0")
    cert = certificate(tmp_path, "client")
    identities(daemon, client={"access": "admin", "cert": {"pem": pathlib.Path(cert[0]).read_text()}})
    connection = tls_connection(port_of(daemon), cert)
    connection.request("GET", f"/v1/files?action=read&path={tmp_path}/file", headers={"Accept": "multipart/form-data"})
    response = connection.getresponse()
    assert response.status == 200
    assert response.read().partition(b"octet-stream\r\n\r\n")[2].startswith(content)
    connection.close()


def test_many_uploads_at_once(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    failures = []

    def push(i):
        try:
            content = bytes([i]) * 300_000
            client = client_of(daemon)
            client.push(f"{tmp_path}/deep/er/{i % 3}/{i}", content, make_dirs=True)
            assert client.pull(f"{tmp_path}/deep/er/{i % 3}/{i}", encoding=None).read() == content
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append((i, error))

    threads = [threading.Thread(target=push, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_directory_of_5000_files(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    w = tmp_path / "many"
    w.mkdir()
    for i in range(5000):
        (w / f"{i:05}").touch()
    entries = client_of(daemon).list_files(str(w))
    assert [entry.name for entry in entries] == [f"{i:05}" for i in range(5000)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_curl_as_a_client(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    (tmp_path / "content").write_bytes(b"curl\r\n\0\xff")
    request = f'{{"action":"write","files":[{{"path":"{tmp_path}/by-curl"}}]}}'
    reply = subprocess.run(
        ["curl", "-sS", "--unix-socket", daemon.socket, "-F", f"request={request}", "-F", f"files=@{tmp_path}/content;filename={tmp_path}/by-curl", "http://x/v1/files"],
        capture_output=True,
        check=True,
        timeout=60,
    ).stdout
    assert b'"error"' not in reply
    assert (tmp_path / "by-curl").read_bytes() == b"curl\r\n\0\xff"


def test_own_command_line(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    local, remote, back = tmp_path / "local", tmp_path / "w/remote", tmp_path / "back"
    content = os.urandom(300_000)
    local.write_bytes(content)
    daemon.cli("mkdir", "-p", str(remote.parent))
    daemon.cli("push", "-m", "600", str(local), str(remote))
    assert stat.S_IMODE(remote.stat().st_mode) == 0o600
    daemon.cli("pull", str(remote), str(back))
    assert back.read_bytes() == content
    assert daemon.cli("ls", str(remote.parent)).stdout.split() == ["remote"]
    daemon.cli("rm", str(remote))
    failed = daemon.cli("rm", str(remote), check=False)
    assert failed.returncode == 1 and failed.stderr.split()[-6:] == [f"{remote}:", "no", "such", "file", "or", "directory"]


def test_uploads_without_an_end_are_refused_and_the_connection_goes_on(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    connection = UnixConnection(daemon.socket)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    for body in (b"", b"nothing", form(f"{tmp_path}/f", b"x", end=b"")):
        connection.request("POST", "/v1/files", body, headers)
        response = connection.getresponse()
        assert (response.status, response.read()[:14]) == (400, b'{"type":"error')
    connection.request("POST", "/v1/files", form(f"{tmp_path}/f", b"x"), headers)
    assert connection.getresponse().status == 200
    assert (tmp_path / "f").read_bytes() == b"x"
    connection.close()
