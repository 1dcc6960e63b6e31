"""Service logs: taking them in, and giving them out."""

import time

from harness import against, cpu, free_port, memory, until, within

MIB = 1024 * 1024
LINE = "x" * 99


def source(folder, size):
    """A program that waits for a file and then writes lines of 100 bytes as fast as it can; it leaves its wall time in `wall`."""
    go, path = folder / "go", folder / "write.sh"
    path.write_text(
        f"while [ ! -e {go} ]; do sleep 0.02; done\n"
        f"begin=$(date +%s.%N); yes {LINE} | head -c {size}; echo end\n"
        f"echo $begin $(date +%s.%N) >{folder}/wall.new; mv {folder}/wall.new {folder}/wall; exec sleep 100000\n"
    )
    return go, {"services": {"a": {"override": "replace", "startup": "enabled", "command": f"sh {path}"}}}


def run_source(bench, size, prepare=lambda daemon, layer: None, finish=lambda daemon: None):
    """CPU time of the daemon, wall time of the writer, and the growth of memory."""
    with bench.folder() as folder:
        go, layer = source(folder, size)
        prepare(None, layer)
        with bench.daemon(layer) as daemon:
            pid = daemon.process.pid
            until(lambda: daemon.service("a")["current"] == "active", "the service")
            client = prepare(daemon, layer)
            time.sleep(0.2)
            idle, before = memory(pid), cpu(pid)
            go.touch()
            until(lambda: (folder / "wall").exists(), "the end of the output", 300)
            until(lambda: b'"end"' in daemon.request("GET", "/v1/logs?n=1")[1], "the end of the output")
            finish(daemon)
            if client is not None:
                assert client.wait(120) == 0
            used = cpu(pid) - before
            begin, end = map(float, (folder / "wall").read_text().split())
            return used, end - begin, memory(pid) - idle


def capture(bench):
    size = bench.size(1024, 256) * MIB // 100 * 100
    read = lambda: bench.yardstick("pipe-read", "sh", "-c", f"yes {LINE} | head -c {size}")  # noqa: E731
    used, wall, growth, bare = bench.pair(lambda: run_source(bench, size), lambda: read()["cpu"])
    yield against(f"log capture, {size // MIB} MiB of 100-byte lines", used, bare, 2)
    yield against("  the service's wall time", wall, bench.median(lambda: read()["wall"]), 1.2, "s wall")
    yield within("  resident beyond idle and the buffer", growth - 0.3, 2, "MiB")


def forwarding(bench):
    lines = 200_000
    port = free_port()

    def add_target(daemon, layer):
        layer["log-targets"] = {"t": {"override": "replace", "type": "loki", "location": f"http://127.0.0.1:{port}/", "services": ["all"]}}

    def arrived(daemon):
        until(lambda: daemon.get("/v1/log-targets")[0]["entries-sent"] == lines + 1, "all lines to arrive", 120)

    with bench.server(port, b"{}"):
        used = bench.median(lambda: run_source(bench, lines * 100, add_target, arrived)[0])
    yield within(f"forwarding a burst of {lines} lines to loki", used / lines * 1e6, 1.5, "us CPU a line")


def follow(bench):
    import subprocess

    lines = bench.size(1_000_000, 200_000)

    def begin(daemon, layer):
        if daemon is None:
            return None
        return subprocess.Popen([bench.yardstick_path, "http-count", daemon.socket, "/v1/logs?follow=true", str(lines + 1)], stdout=subprocess.DEVNULL)

    used = bench.median(lambda: run_source(bench, lines * 100, begin)[0])
    yield within(f"follow at full speed, {lines} lines", used / lines * 1e6, 0.6, "us CPU a line")


MEASURES = [capture, forwarding, follow]
