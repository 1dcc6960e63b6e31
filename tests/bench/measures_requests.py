"""Requests, commands, and files."""

import base64
import json
import os
import socket
import time

from harness import UnixConnection, active, against, cpu, memory, services, timed, until, within

MIB = 1024 * 1024


def requests(bench):
    """CPU time of the server for a request, against that of the minimal server with an answer of the same size."""
    count = bench.size(50_000, 10_000)
    with bench.daemon(services(10)) as daemon:
        until(lambda: active(daemon) == 10, "the services")
        for target in ("/v1/health", "/v1/services", "/v1/plan?format=yaml"):
            content = json.dumps(daemon.request("GET", target)[1]).replace(": ", ":").replace(", ", ",").encode()
            for clients in (1, 16):

                def load(process, path):
                    before = cpu(process.pid)
                    bench.yardstick("http-load", path, target, clients, count)
                    return (cpu(process.pid) - before) / count * 1e6

                path = daemon.folder / "bare"
                with bench.server(path, content) as server:
                    value, bare = bench.pair(lambda: load(daemon.process, daemon.socket), lambda: load(server, path))
                path.unlink()
                yield against(f"GET {target.split('?')[0]}, {clients} client{'s'[: clients - 1]}", value, bare, 1.6, "us CPU")


class ExecChannel:
    """One websocket of an exec: reads frames and hands out nothing but their sizes."""

    def __init__(self, daemon, task, name):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(daemon.socket))
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /v1/tasks/{task}/websocket/{name} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.socket.recv(1)
        assert b" 101 " in head, head

    def read_to_end(self):
        """Bytes until the message that tells of the end of output."""
        buffer, total, tail = bytearray(MIB), 0, b""
        while not tail.endswith(b'{"command":"end"}'):
            count = self.socket.recv_into(buffer)
            assert count > 0
            total += count
            tail = (tail + bytes(buffer[max(0, count - 32) : count]))[-32:]
        return total


def execute(daemon, connection, *command):
    connection.request("POST", "/v1/exec", json.dumps({"command": command}))
    reply = json.loads(connection.getresponse().read())
    task = reply["result"]["task-id"]
    control, stdio = ExecChannel(daemon, task, "control"), ExecChannel(daemon, task, "stdio")
    size = stdio.read_to_end()
    connection.request("GET", f"/v1/changes/{reply['change']}/wait")
    assert json.loads(connection.getresponse().read())["result"]["status"] == "Done"
    for channel in (control, stdio):
        channel.socket.close()
    return size


def commands(bench):
    size = bench.size(1024, 256) * MIB
    source = ["head", "-c", str(size), "/dev/zero"]
    with bench.daemon() as daemon:
        connection = UnixConnection(daemon.socket)
        walls = sorted(timed(lambda: execute(daemon, connection, "true")) for _ in range(bench.size(100, 30)))
        bare = sorted(run["wall"] for run in bench.yardstick("run", 50, "true"))[25]
        yield within("exec of true, whole round trip", walls[len(walls) // 2] * 1000, round(bare * 2000 + 4, 1), "ms")

        def output():
            before = cpu(daemon.process.pid)
            assert execute(daemon, connection, *source) >= size
            return cpu(daemon.process.pid) - before

        value, bare = bench.pair(output, lambda: bench.yardstick("pipe-to-socket", *source)["cpu"])
        yield against(f"exec output, {size // MIB} MiB", value, bare, 1.5)


def push(daemon, path, source, size):
    boundary = b"0123456789abcdef" * 2
    request = json.dumps({"action": "write", "files": [{"path": str(path)}]}).encode()
    head = (
        b"--" + boundary + b'\r\nContent-Disposition: form-data; name="request"\r\nContent-Type: application/json\r\n\r\n' + request + b"\r\n--" + boundary
        + b'\r\nContent-Disposition: form-data; name="files"; filename="' + str(path).encode() + b'"\r\n\r\n'
    )  # fmt: skip
    end = b"\r\n--" + boundary + b"--\r\n"
    with socket.socket(socket.AF_UNIX) as client, open(source, "rb") as file:
        client.connect(str(daemon.socket))
        client.sendall(
            f"POST /v1/files HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary={boundary.decode()}\r\n"
            f"Content-Length: {len(head) + size + len(end)}\r\n\r\n".encode()
            + head
        )
        client.sendfile(file)
        client.sendall(end)
        answer = client.recv(65536)
        assert b"200 OK" in answer and b"error" not in answer, answer


def pull(daemon, path, size):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(daemon.socket))
        client.sendall(f"GET /v1/files?action=read&path={path} HTTP/1.1\r\nHost: x\r\nAccept: multipart/form-data\r\nConnection: close\r\n\r\n".encode())
        buffer, total = bytearray(MIB), 0
        while count := client.recv_into(buffer):
            total += count
        assert total > size, (total, size)


def files(bench):
    size = bench.size(1024, 256) * MIB
    with bench.daemon() as daemon:
        source, target, bare_target = (daemon.folder / name for name in ("source", "target", "bare"))
        source.write_bytes(os.urandom(size))
        pid = daemon.process.pid

        def used(work):
            before = cpu(pid)
            wall = timed(work)
            return cpu(pid) - before, wall

        copy = lambda: bench.yardstick("copy-sync", source, bare_target)["cpu"]  # noqa: E731
        value, wall, bare = bench.pair(lambda: used(lambda: push(daemon, target, source, size)), copy)
        yield against(f"push {size // MIB} MiB", value, bare, 1.5, extra=f", {wall:.2f} s wall")
        send = lambda: bench.yardstick("file-to-socket", source)["cpu"]  # noqa: E731
        value, wall, bare = bench.pair(lambda: used(lambda: pull(daemon, source, size)), send)
        yield against(f"pull {size // MIB} MiB", value, bare, 1.2, extra=f", {wall:.2f} s wall")

        folder = daemon.folder / "many"
        folder.mkdir()
        for i in range(5000):
            (folder / f"file{i}").touch()
        lists = lambda: bench.yardstick("http-load", daemon.socket, f"/v1/files?action=list&path={folder}", 1, 5)["wall"] / 5  # noqa: E731
        yield within("list a directory of 5,000 files", bench.median(lists) * 1000, 10, "ms")


def flat_memory(bench):
    with bench.daemon(services(10)) as daemon:
        pid = daemon.process.pid
        until(lambda: active(daemon) == 10, "the services")
        time.sleep(1)
        idle = memory(pid)
        connection = UnixConnection(daemon.socket)

        def work():
            bench.yardstick("http-load", daemon.socket, "/v1/services", 16, bench.size(100_000, 20_000))
            for _ in range(bench.size(10_000, 500)):
                execute(daemon, connection, "true")

        for turn in ("after requests and execs", "  after twice as many"):
            work()
            time.sleep(1)
            yield within(f"resident beyond idle, {turn.strip()}", memory(pid) - idle, 2, "MiB")


MEASURES = [requests, commands, files, flat_memory]
