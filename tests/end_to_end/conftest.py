"""Real daemons for the end-to-end tests: each test gets its own folder, and nothing of it is left behind."""

import http.client
import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("COBBLE_BINARY", str(ROOT / "build/dev/pebble"))
VERSION = subprocess.run([ROOT / "packaging/version"], capture_output=True, text=True, check=True).stdout.strip()
FULL = os.environ.get("COBBLE_FULL") == "1"
# Sanitizers keep freed memory for a while, so that limits of memory mean nothing with them.
SANITIZED = b"__asan_init" in pathlib.Path(BINARY).read_bytes() if os.path.exists(BINARY) else False


def pytest_configure(config):
    config.addinivalue_line("markers", "release_only: needs the static release binary")


def until(condition, what="the condition", limit=30.0):
    """Polls until condition() is true; returns its value. The limit only ends a test that would hang."""
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit} s for {what}")
        time.sleep(0.01)


def free_port():
    """A port of 127.0.0.1 that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=30):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """One `pebble run` with a folder of its own."""

    def __init__(self, folder, binary=BINARY):
        self.folder = pathlib.Path(folder)
        self.binary = binary
        self.pebble = self.folder / "pebble"
        self.pebble.mkdir(exist_ok=True)
        self.socket = self.pebble / ".pebble.socket"
        self.log_path = self.folder / "daemon.log"
        self.out_path = self.folder / "daemon.out"
        self.env = dict(os.environ, PEBBLE=str(self.pebble))
        self.env.pop("PEBBLE_SOCKET", None)
        self.process = None

    def layer(self, name, text):
        folder = self.pebble / "layers"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(text)

    def start(self, *args, wait=True, **options):
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen([self.binary, "run", *args], env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=log, **options)
        if wait:
            until(self.answers, "the daemon to answer: " + self.log())
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the daemon ended with {self.process.returncode}: {self.log()}")
        try:
            return self.request("GET", "/v1/health")[0] in (200, 502)
        except OSError:
            return False

    def request(self, method, path, body=None, headers=None, timeout=30):
        connection = UnixConnection(self.socket, timeout)
        try:
            if body is not None and not isinstance(body, (bytes, str)):
                body = json.dumps(body)
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            data = response.read()
            kind = response.getheader("Content-Type", "")
            return response.status, json.loads(data) if kind.startswith("application/json") and data else data
        finally:
            connection.close()

    def get(self, path):
        status, reply = self.request("GET", path)
        assert status == 200, reply
        return reply["result"]

    def add_layer(self, label, text, combine=False):
        status, reply = self.request("POST", "/v1/layers", {"action": "add", "label": label, "format": "yaml", "layer": text, "combine": combine})
        assert status == 200, reply

    def services_action(self, action, names=(), wait=True):
        status, reply = self.request("POST", "/v1/services", {"action": action, "services": list(names)})
        assert status == 202, reply
        return self.get(f"/v1/changes/{reply['change']}/wait") if wait else reply["change"]

    def service(self, name):
        return next((s for s in self.get("/v1/services") if s["name"] == name), None)

    def cli(self, *args, input=None, check=True):
        result = subprocess.run([self.binary, *args], env=self.env, input=input, capture_output=True, text=True, timeout=120)
        if check:
            assert result.returncode == 0, (args, result.returncode, result.stdout, result.stderr)
        return result

    def resident(self):
        """Bytes of memory that the daemon has now."""
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(next(line.split()[1] for line in status if line.startswith("VmRSS"))) * 1024

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def stop(self, number=signal.SIGTERM, limit=60):
        self.process.send_signal(number)
        return self.process.wait(limit)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise


class Tmux:
    """One terminal with a shell in it, whose prompt is `PROMPT`, on a tmux server of its own."""

    def __init__(self, folder, env, size=(100, 30), shell="env PS1='PROMPT ' bash --norc --noprofile"):
        self.base = ["tmux", "-S", str(folder / "tmux.socket"), "-f", "/dev/null"]
        env = {**env, "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        env.pop("TMUX", None)
        subprocess.run([*self.base, "-u", "new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), shell], env=env, check=True)
        self.until_shows("PROMPT")

    def tmux(self, *words):
        return subprocess.run([*self.base, *words], capture_output=True, text=True, check=True).stdout

    def keys(self, *keys):
        self.tmux("send-keys", *keys)

    def run(self, *command):
        self.keys("-l", shlex.join(command) + '; echo "ended:$?"')
        self.keys("Enter")

    def screen(self, colours=False):
        return self.tmux("capture-pane", "-p", *(["-e"] if colours else []))

    def until_shows(self, *texts):
        return until(lambda: (shown := self.screen()) and all(text in shown for text in texts) and shown, f"{texts} in:\n{self.screen()}")

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def flag(self, name):
        return self.tmux("display-message", "-p", f"#{{{name}}}").strip()

    def pid(self):
        """Of the program in the foreground, a child of the shell."""
        shell = self.tmux("display-message", "-p", "#{pane_pid}").strip()
        return int(subprocess.run(["ps", "--ppid", shell, "-o", "pid="], capture_output=True, text=True, check=True).stdout)

    def close(self):
        subprocess.run([*self.base, "kill-server"], capture_output=True)


@pytest.fixture
def daemon(tmp_path):
    made = Daemon(tmp_path)
    yield made
    made.close()
    log = made.log()
    assert "Internal error" not in log, log
    assert "Sanitizer" not in log, log


@pytest.fixture
def make_daemon(tmp_path):
    """Several daemons in one test, each with a folder of its own."""
    made = []

    def make(**options):
        folder = tmp_path / f"d{len(made)}"
        folder.mkdir()
        made.append(Daemon(folder, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()
