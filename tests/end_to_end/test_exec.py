"""Commands in: through the charm client and the own command line, binary streams, terminals, clients that vanish, many at once."""

import base64
import contextlib
import hashlib
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import threading
import time

import ops.pebble
import pytest
from conftest import FULL, until

MIB = 1 << 20
LARGE = (1024 if FULL else 32) * MIB
MANY = 200 if FULL else 60
END = b'{"command":"end"}'


def client_of(daemon):
    return ops.pebble.Client(socket_path=str(daemon.socket), timeout=60)


def descriptors(daemon):
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd"))


def children(daemon):
    """The daemon's children, with their states."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, parent = file.read().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == daemon.process.pid:
            found[int(pid)] = state
    return found


class Channel:
    """One websocket, frame by frame."""

    def __init__(self, daemon, task, name, more=b""):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(str(daemon.socket))
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(
            f"GET /v1/tasks/{task}/websocket/{name} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
            + more
        )
        self.file = self.sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass

    def send(self, payload, opcode=2):
        self.sock.sendall(frame(payload, opcode))

    def receive(self):
        """(opcode, payload), or None at the end of the connection."""
        head = self.file.read(2)
        if len(head) < 2:
            return None
        size = head[1]
        if size == 126:
            size = struct.unpack("!H", self.file.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.file.read(8))[0]
        return head[0] & 15, self.file.read(size)

    def read_to_end(self):
        output = b""
        while (got := self.receive()) and got != (1, END):
            assert got[0] == 2
            output += got[1]
        return output

    def close(self):
        self.file.close()
        self.sock.close()


def frame(payload, opcode=2):
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack("!H", size) if size < 65536 else b"\xff" + struct.pack("!Q", size)
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def begin(daemon, command, **options):
    """Start a command; (change, task)."""
    status, reply = daemon.request("POST", "/v1/exec", {"command": command, **{k.replace("_", "-"): v for k, v in options.items()}})
    assert status == 202, reply
    return reply["change"], reply["result"]["task-id"]


def wait(daemon, change):
    result = daemon.get(f"/v1/changes/{change}/wait?timeout=60s")
    return result["status"], (result["tasks"][0].get("data") or {}).get("exit-code")


def test_charm_client(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    client = client_of(daemon)
    assert client.exec(["echo", "hello"]).wait_output() == ("hello\n", "")
    assert client.exec(["cat"], stdin="input\n").wait_output() == ("input\n", "")
    assert client.exec(["sh", "-c", "echo $FOO; pwd"], environment={"FOO": "bar"}, working_dir=str(tmp_path)).wait_output()[0] == f"bar\n{tmp_path}\n"
    with pytest.raises(ops.pebble.ExecError) as failed:
        client.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]).wait_output()
    assert (failed.value.exit_code, failed.value.stdout, failed.value.stderr) == (3, "out\n", "err\n")
    with pytest.raises(ops.pebble.ChangeError, match="timed out after 300ms: context deadline exceeded"):
        client.exec(["sleep", "30"], timeout=0.3).wait()
    with pytest.raises(ops.pebble.APIError, match='cannot find executable "nosuch"'):
        client.exec(["nosuch"])
    process = client.exec(["sleep", "30"])
    process.send_signal("SIGTERM")
    with pytest.raises(ops.pebble.ExecError) as failed:
        process.wait()
    assert failed.value.exit_code == 143


def test_a_group_that_outlives_its_time_is_not_done_at_once(daemon):
    """The client's own integration test wants its wait to time out, a second after the command's time was over."""
    daemon.start("--create-dirs", "--hold")
    change, task = begin(daemon, ["sh", "-c", "setsid sleep 3 & sleep 3"], timeout="0.1s")
    control, stdio = Channel(daemon, task, "control"), Channel(daemon, task, "stdio")
    assert control.receive() is None
    assert daemon.request("GET", f"/v1/changes/{change}/wait?timeout=1100ms")[0] == 504
    assert stdio.read_to_end() == b""
    assert wait(daemon, change) == ("Error", -1)
    control.close()
    stdio.close()


def test_a_timeout_kills_the_whole_group(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    change, task = begin(daemon, ["sh", "-c", f"trap '' TERM; (echo $$ > {tmp_path}/pid; sleep 1000); echo never"], timeout="300ms")
    stdio = Channel(daemon, task, "stdio")
    assert stdio.read_to_end() == b""
    assert wait(daemon, change) == ("Error", -1)
    stdio.close()
    until(lambda: not children(daemon), "the group to be gone")


def test_binary_stream_both_ways(daemon):
    daemon.start("--create-dirs", "--hold")
    change, task = begin(daemon, ["cat"])
    stdio = Channel(daemon, task, "stdio")
    block = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(2048))
    sent = hashlib.sha256()

    def send():
        sizes = [1, 125, 126, 65535, 65536, 0, 7]
        left, i = LARGE, 0
        while left:
            piece = block[: min(sizes[i % len(sizes)] if i < 100 else 65536, left)]
            sent.update(piece)
            stdio.send(piece)
            left -= len(piece)
            i += 1
        stdio.send(END, 1)

    sender = threading.Thread(target=send)
    sender.start()
    got, size = hashlib.sha256(), 0
    while (message := stdio.receive()) != (1, END):
        got.update(message[1])
        size += len(message[1])
    sender.join()
    assert (size, got.digest()) == (LARGE, sent.digest())
    assert wait(daemon, change) == ("Done", 0)
    stdio.close()


def test_input_in_the_packet_of_the_request_counts(daemon):
    daemon.start("--create-dirs", "--hold")
    change, task = begin(daemon, ["cat"])
    stdio = Channel(daemon, task, "stdio", more=frame(b"early") + frame(END, 1))
    assert stdio.read_to_end() == b"early"
    assert wait(daemon, change) == ("Done", 0)
    stdio.close()


def test_who_does_not_read_makes_the_command_wait_in_bounded_memory(daemon, tmp_path):
    daemon.start("--create-dirs", "--hold")
    before = daemon.resident()
    change, task = begin(daemon, ["sh", "-c", f"head -c {64 * MIB} /dev/zero; echo > {tmp_path}/written"])
    stdio = Channel(daemon, task, "stdio")
    assert stdio.receive()[0] == 2
    assert not (tmp_path / "written").exists()
    assert daemon.resident() - before < 8 * MIB
    stdio.close()
    assert wait(daemon, change)[0] == "Done"


def test_clients_that_vanish_at_any_point(daemon):
    daemon.start("--create-dirs", "--hold")
    before = descriptors(daemon)
    loop = ["sh", "-c", "while :; do echo more; sleep 0.01; done"]
    for names, options in (
        (["control"], {}),
        (["control", "stdio"], {}),
        (["stdio", "control", "stderr"], {"split_stderr": True}),
        (["stdio"], {"terminal": True, "interactive": True}),
        (["control", "stdio"], {"terminal": True}),
    ):
        change, task = begin(daemon, loop, **options)
        channels = [Channel(daemon, task, name) for name in names]
        if "stdio" in names:
            channels[names.index("stdio")].receive()
        for channel in channels:
            channel.close()
        if "stdio" in names:
            assert wait(daemon, change)[0] == "Done"
        else:
            daemon.request("POST", f"/v1/changes/{change}", {"action": "abort"})
            assert wait(daemon, change)[0] == "Error"
    # A handshake that breaks off gives the channel free again.
    change, task = begin(daemon, ["true"])
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(daemon.socket))
        sock.sendall(f"GET /v1/tasks/{task}/websocket/stdio HTTP/1.1\r\nUpgrade: websocket\r\n".encode())
    stdio = Channel(daemon, task, "stdio")
    assert (stdio.status, stdio.read_to_end()) == (101, b"")
    stdio.close()
    until(lambda: descriptors(daemon) <= before + 1, "all descriptors to be closed")
    until(lambda: not children(daemon), "all commands to be reaped")


def test_many_at_once(daemon):
    daemon.start("--create-dirs", "--hold")
    before = descriptors(daemon)
    runs = []
    for i in range(MANY):
        change, task = begin(daemon, ["sh", "-c", f"cat; echo err{i} >&2; exit {i % 256}"], split_stderr=True)
        runs.append((i, change, [Channel(daemon, task, name) for name in ("control", "stdio", "stderr")]))
    for i, _, (_, stdio, _) in runs:
        stdio.send(b"in%d" % i)
        stdio.send(END, 1)
    for i, change, channels in runs:
        assert channels[1].read_to_end() == b"in%d" % i
        assert channels[2].read_to_end() == b"err%d\n" % i
        assert wait(daemon, change) == ("Done", i % 256)
        for channel in channels:
            channel.close()
    until(lambda: descriptors(daemon) <= before + 1, "all descriptors to be closed")
    assert not children(daemon)


def test_the_end_of_the_daemon_ends_commands(daemon):
    daemon.start("--create-dirs", "--hold")
    _, task = begin(daemon, ["sh", "-c", "trap '' TERM HUP; setsid sh -c 'echo $$; exec sleep 1000' & wait; sleep 1000"])
    stdio = Channel(daemon, task, "stdio")
    kind, line = stdio.receive()
    assert kind == 2
    group = next(iter(children(daemon)))
    assert daemon.stop() == 0
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(line), signal.SIGKILL)  # it left the group
    assert not os.path.exists(f"/proc/{group}")
    stdio.close()


def test_interactive_shell_on_a_terminal(daemon):
    """`pebble exec sh` on a terminal of the test's: prompt, size, job control keys, exit code."""
    daemon.start("--create-dirs", "--hold")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(daemon.env, TERM="xterm", PS1="$ ")
        os.execv(daemon.binary, [daemon.binary, "exec", "--env", "PS1=prompt> ", "--", "sh"])
    screen = b""

    def shown(text):
        nonlocal screen
        deadline = time.monotonic() + 30
        while text not in screen:
            assert select.select([terminal], [], [], deadline - time.monotonic())[0], screen
            screen += os.read(terminal, 4096)
        screen = screen[screen.index(text) + len(text) :]

    shown(b"prompt> ")
    os.write(terminal, b"test -t 0 && echo is a terminal; echo $((6 * 7))\n")
    shown(b"is a terminal\r\n42\r\n")
    os.write(terminal, b"sleep 1000\n")
    shown(b"sleep 1000\r\n")
    until(lambda: any("sleep" in open(f"/proc/{p}/cmdline").read() for p in grandchildren(daemon)), "sleep to run")
    os.write(terminal, b"\x03")
    shown(b"^C")
    shown(b"prompt> ")
    os.write(terminal, b"exit 7\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    os.close(terminal)


def grandchildren(daemon):
    found = []
    for pid in children(daemon):
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as file:
                found += file.read().split()
        except OSError:
            continue
    return [p for p in found if os.path.exists(f"/proc/{p}/cmdline")]


def test_own_command_line(daemon):
    daemon.start("--create-dirs", "--hold")
    data = os.urandom(2 * MIB)
    result = subprocess.run([daemon.binary, "exec", "--", "cat"], env=daemon.env, input=data, capture_output=True, timeout=120)
    assert (result.returncode, result.stdout, result.stderr) == (0, data, b"")
    result = daemon.cli("exec", "--", "sh", "-c", "echo out; echo err >&2; exit 42", check=False)
    assert (result.returncode, result.stdout, result.stderr) == (42, "out\n", "err\n")
    result = daemon.cli("exec", "--timeout", "200ms", "--", "sleep", "30", check=False)
    assert result.returncode == 1 and "timed out after 200ms" in result.stderr
