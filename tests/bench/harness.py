"""What the measures are made with: daemons, their CPU time and memory, yardsticks, and the rows of the table."""

import contextlib
import dataclasses
import json
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "end_to_end"))
from conftest import Daemon, UnixConnection, free_port, until  # noqa: E402, F401


@dataclasses.dataclass
class Row:
    measure: str
    value: str
    yardstick: str
    ratio: float | None  # of the value to the yardstick, or to the target where that is an amount
    target: str

    def cells(self):
        return [self.measure, self.value, self.yardstick, "" if self.ratio is None else f"{self.ratio:.2f}", self.target]


def against(name, value, bare, most, unit="s CPU", extra=""):
    """A row for a value that a yardstick bounds."""
    return Row(name, f"{amount(value)} {unit}{extra}", f"{amount(bare)} {unit}", value / bare, f"at most {most} x")


def within(name, value, most, unit, extra=""):
    """A row for a value that has a limit of its own."""
    return Row(name, f"{amount(value)} {unit}{extra}", "", value / most, f"{most} {unit}")


def amount(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def cpu(pid):
    """CPU seconds of all threads of a process."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory(pid, field="Rss", file="smaps_rollup"):
    """MiB."""
    for line in pathlib.Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def private_anonymous(pid):
    """MiB of private dirty pages that aren't of a mapped file."""
    total, counted = 0, False
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        words = line.split()
        if "-" in words[0] and not words[0].endswith(":"):
            counted = len(words) < 6 or words[5].startswith("[")
        elif counted and words[0] == "Private_Dirty:":
            total += int(words[1])
    return total / 1024


class Bench:
    def __init__(self, binary, yardstick, quick):
        self.binary, self.yardstick_path, self.quick = binary, yardstick, quick
        self.rounds = 3 if quick else 5

    def size(self, full, quick):
        return quick if self.quick else full

    def median(self, function):
        """The median of several rounds, item by item when there are several."""
        found = [function() for _ in range(self.rounds)]
        if isinstance(found[0], tuple):
            return tuple(statistics.median(items) for items in zip(*found))
        return statistics.median(found)

    def pair(self, value, bare):
        """Medians of both, measured in turns so that whatever else goes on meets both."""
        value(), bare()  # memory and caches are warm then
        found = [(value(), bare()) for _ in range(self.rounds)]
        flat = [(*v, b) if isinstance(v, tuple) else (v, b) for v, b in found]
        return tuple(statistics.median(items) for items in zip(*flat))

    @contextlib.contextmanager
    def folder(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="cobble-bench-"))
        try:
            yield path
        finally:
            shutil.rmtree(path)

    @contextlib.contextmanager
    def daemon(self, layer=None, *arguments):
        """A daemon with one layer (a value that becomes JSON, which is YAML)."""
        with self.folder() as folder:
            daemon = Daemon(folder, self.binary)
            if layer:
                daemon.layer("001-bench.yaml", json.dumps(layer))
            try:
                yield daemon.start(*arguments)
            finally:
                daemon.close()

    def yardstick(self, *arguments, **options):
        """What a yardstick measures: a dict, or a list of them."""
        done = subprocess.run([self.yardstick_path, *map(str, arguments)], stdout=subprocess.PIPE, check=True, **options)
        found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith(b"{")]
        return found[0] if len(found) == 1 else found

    @contextlib.contextmanager
    def server(self, address, content):
        """The minimal HTTP server; its process."""
        with self.folder() as folder:
            (folder / "content").write_bytes(content)
            process = subprocess.Popen([self.yardstick_path, "http-server", str(address), folder / "content"])
            try:
                until(lambda: connects(address), "the server")
                yield process
            finally:
                process.kill()
                process.wait()


def connects(address):
    unix = not isinstance(address, int)
    with socket.socket(socket.AF_UNIX if unix else socket.AF_INET) as probe:
        return probe.connect_ex(str(address) if unix else ("127.0.0.1", address)) == 0


def services(count, command="sleep 100000", **fields):
    return {"services": {f"s{i:04}": {"override": "replace", "command": command, "startup": "enabled", **fields} for i in range(count)}}


def active(daemon):
    return sum(s["current"] == "active" for s in daemon.get("/v1/services"))


def timed(function):
    began = time.monotonic()
    function()
    return time.monotonic() - began

