"""The daemon by itself, and its services."""

import json
import os
import signal
import statistics
import threading
import time

from harness import Row, active, against, cpu, memory, private_anonymous, services, timed, until, within


def start_and_idle(bench):
    def first_answer():
        with bench.folder() as folder:
            environment = dict(os.environ, PEBBLE=str(folder))
            return bench.yardstick("first-answer", folder / ".pebble.socket", bench.binary, "run", env=environment, stderr=-3)["wall"]

    yield within("start to first answer", bench.median(first_answer) * 1000, 5, "ms")
    with bench.daemon() as daemon:
        time.sleep(1)
        pid = daemon.process.pid
        yield within("idle: resident", memory(pid), 4.5, "MiB")
        yield within("idle: private beyond the mapped file", private_anonymous(pid), 1.5, "MiB")
        before = switches(pid)
        seconds = bench.size(10, 3)
        time.sleep(seconds)
        woken = (switches(pid) - before) / seconds
        yield Row("idle: wake-ups", f"{woken:.2g} a second", "", None, "0 a second")


def switches(pid):
    return sum(int(line.split()[1]) for line in open(f"/proc/{pid}/status") if line.startswith("voluntary_ctxt_switches"))


def start_services(bench, count):
    """Wall time until all are active, CPU time, MiB resident, the slowest of the answers meanwhile, CPU time of stopping all."""
    layer = services(count)
    for service in layer["services"].values():
        service["startup"] = "disabled"
    with bench.daemon(layer) as daemon:
        pid, slowest, done = daemon.process.pid, [0], threading.Event()

        def ask():
            while not done.is_set():
                slowest[0] = max(slowest[0], timed(lambda: daemon.request("GET", "/v1/health")))
                time.sleep(0.005)

        before = cpu(pid)
        asking = threading.Thread(target=ask)
        if count > 1000:
            asking.start()
        names = list(layer["services"])
        wall = timed(lambda: daemon.services_action("start", names))
        used = cpu(pid) - before
        done.set()
        assert active(daemon) == count
        resident = memory(pid)
        before = cpu(pid)
        daemon.services_action("stop", names)
        return wall, used, resident, slowest[0], cpu(pid) - before


def many_services(bench):
    wall, used, resident, _, stop = bench.median(lambda: start_services(bench, 300))
    bare = bench.median(lambda: bench.yardstick("spawn", 300, "sleep", "1000")["wall"])
    yield against("start 300 services, beyond the 1 s window", max(wall - 1, 0), bare, 1.3, "s wall")
    yield within("  CPU of the daemon", used, 0.25, "s")
    yield within("  resident", resident, 10, "MiB")
    count = bench.size(5000, 1500)
    wall, more, _, slowest, more_stop = start_services(bench, count)
    yield against(f"start {count} services, each", more / count * 1e6, used / 300 * 1e6, 1.3, "us CPU", f", {wall:.1f} s wall")
    yield against(f"stop {count} services, each", more_stop / count * 1e6, stop / 300 * 1e6, 1.3, "us CPU")
    yield within("  slowest answer meanwhile", slowest * 1000, 20, "ms")


def chained_plan(bench):
    count = bench.size(2000, 1000)
    layer = services(count, startup="disabled")
    names = list(layer["services"])
    for earlier, later in zip(names, names[1:]):
        layer["services"][later].update(after=[earlier], requires=[earlier])
    text = json.dumps(layer)
    with bench.folder() as folder:
        (folder / "layer").write_text(text)
        bare = bench.median(lambda: bench.yardstick("yaml-pass", folder / "layer")["cpu"])

    def once():
        with bench.daemon() as daemon:
            pid = daemon.process.pid
            before = cpu(pid)
            daemon.add_layer("big", text)
            added = cpu(pid) - before
            small = json.dumps({"services": {names[0]: {"override": "merge", "summary": "changed"}}})
            before = cpu(pid)
            daemon.add_layer("small", small)
            changed = cpu(pid) - before
            daemon.request("GET", "/v1/plan?format=yaml")
            before = cpu(pid)
            for _ in range(20):
                daemon.request("GET", "/v1/plan?format=yaml")
            return added, changed, (cpu(pid) - before) / 20

    added, changed, got = bench.median(once)
    yield against(f"plan of {count} chained services: add", added * 1000, bare * 1000, 2, "ms CPU")
    yield within("  small change", changed * 1000, 2, "ms CPU")
    yield within("  GET", got * 1000, 1, "ms CPU")


def restart(bench):
    layer = {"services": {"a": {"override": "replace", "command": "sleep 100000", "startup": "enabled", "backoff-delay": "1ms", "backoff-factor": 1}}}
    with bench.daemon(layer) as daemon:
        until(lambda: "pid" in (daemon.service("a") or {}).get("details", {}), "the service")

        def once():
            until(lambda: daemon.service("a")["current"] == "active", "the service")
            time.sleep(1.1)  # so that it doesn't count as a quick exit
            old = daemon.service("a")["details"]["pid"]
            os.kill(old, signal.SIGKILL)
            began = time.monotonic()
            while daemon.service("a")["details"].get("pid", old) == old:  # asks as fast as it can: an answer takes a fraction of it
                pass
            return time.monotonic() - began

        yield within("killed service seen and started again", bench.median(once) * 1000, 2, "ms")


def checks(bench):
    from harness import free_port

    seconds = bench.size(10, 4)
    port = free_port()
    kinds = [{"http": {"url": f"http://127.0.0.1:{port}/"}}, {"tcp": {"port": port}}]
    layer = {"checks": {f"c{i}": {"override": "replace", "period": "100ms", "timeout": "90ms", **kinds[i % 2]} for i in range(40)}}
    more = {"checks": {f"e{i}": {"override": "replace", "period": "100ms", "timeout": "90ms", "exec": {"command": "true"}} for i in range(5)}}
    with bench.server(port, b"ok"), bench.daemon(layer) as daemon:

        def share():
            time.sleep(0.5)
            before = cpu(daemon.process.pid)
            time.sleep(seconds)
            return (cpu(daemon.process.pid) - before) / seconds * 100

        plain = share()
        yield within("400 http and tcp checks a second", plain, 12, "% of a core")
        daemon.add_layer("more", json.dumps(more))
        yield within("50 exec checks a second more", share() - plain, 10, "% of a core")


def state_writes(bench):
    layer = {"services": {"a": {"override": "replace", "command": "sleep 100000", "startup": "enabled"}}}
    count = bench.size(300, 60)
    with bench.daemon(layer) as daemon:
        until(lambda: active(daemon) == 1, "the service")
        before, began = cpu(daemon.process.pid), time.monotonic()
        for i in range(count):
            daemon.services_action("start", ["a"], wait=False)
            time.sleep(max(0, began + (i + 1) * 0.06 - time.monotonic()))
        yield within("1,000 changes a minute", (cpu(daemon.process.pid) - before) / (time.monotonic() - began) * 100, 2, "% of a core")


def command_line(bench):
    with bench.daemon(services(10)) as daemon:
        until(lambda: active(daemon) == 10, "the services")
        walls = [run["wall"] for run in bench.yardstick("run", 50, bench.binary, "services", env=daemon.env)]
        yield within("pebble services", statistics.median(walls) * 1000, 5, "ms")


MEASURES = [start_and_idle, many_services, chained_plan, restart, checks, state_writes, command_line]
