"""Containers in namespaces of their own, and the part of a kubelet that runs a pod's manifest with them on this machine."""

import dataclasses
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest
from conftest import until

# What a root of busybox alone offers.
APPLETS = "sh cat cp echo env grep head httpd id ls mkdir mv nc ps rm sleep sort tail tar test touch wget".split()


def need_namespaces():
    """Skips the test where mount and PID namespaces can't be made."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed")
    tried = subprocess.run(["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--as-pid-1", "--proc", "/proc", "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"namespaces can't be made here: {tried.stderr.strip()}")


@dataclasses.dataclass
class Image:
    """A root to copy for each container, and folders of this machine to be seen in it (read-only): (outside, inside)."""

    root: pathlib.Path
    binds: list = dataclasses.field(default_factory=list)


def busybox_image(root, users=("root:0", "web:1000")):
    """The root of a small image: busybox, a few users, /tmp."""
    if shutil.which("busybox") is None:
        pytest.skip("busybox is not installed")
    for folder in ("bin", "etc", "tmp", "usr/bin"):
        (root / folder).mkdir(parents=True)
    shutil.copy(shutil.which("busybox"), root / "bin/busybox")
    for name in APPLETS:
        (root / "bin" / name).symlink_to("busybox")
    pairs = [user.split(":") for user in users]
    (root / "etc/passwd").write_text("".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in pairs))
    (root / "etc/group").write_text("".join(f"{name}:x:{number}:\n" for name, number in pairs))
    return Image(root)


def python_image(root):
    """The root of an image with this machine's /usr and Python."""
    for folder in ("etc", "tmp", "usr", "opt"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        if os.path.exists(f"/usr/{name}"):
            (root / name).symlink_to(f"usr/{name}")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    binds = [("/usr", "/usr")]
    if not sys.base_prefix.startswith("/usr"):
        binds.append((sys.base_prefix, "/opt/python"))
    return Image(root, binds)


class Container:
    """One process as PID 1 of mount, PID and IPC namespaces below a root. `mounts` are (outside, inside, writable)."""

    def __init__(self, root, command, *, env, mounts=(), cwd="/", log=subprocess.DEVNULL, name="container"):
        self.root = pathlib.Path(root)
        arguments = ["bwrap", "--bind", str(root), "/", "--proc", "/proc", "--dev", "/dev", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        arguments += ["--hostname", name, "--as-pid-1", "--die-with-parent", "--clearenv"]
        for outside, inside, writable in mounts:
            arguments += ["--bind" if writable else "--ro-bind", str(outside), inside]
        for key, value in env.items():
            arguments += ["--setenv", key, value]
        arguments += ["--chdir", cwd, "--", *command]
        self.outer = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def pid(self):
        """The id of the container's PID 1 as this machine sees it, or None when it has ended."""
        path = pathlib.Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        try:
            children = path.read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def signal(self, number):
        os.kill(until(lambda: self.pid, "the container's first process"), number)

    def enter(self, *command, env=None):
        """Runs a command inside, as `kubectl exec` does; returns what it writes."""
        environ = [f"{key}={value}" for key, value in (env or {}).items()]
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--root", "--wd", "/bin/env", "-i", "PATH=/bin:/usr/bin", *environ, *command]
        done = subprocess.run(inside, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def close(self):
        """Ends everything inside, at once."""
        if self.outer.poll() is None:
            pid = self.pid
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
            self.outer.wait(30)


class Pod:
    """Runs a pod's manifest: volumes, init containers one after another, containers, probes, restarts. A root is made anew from its image
    for each start, the volumes stay, as in Kubernetes."""

    def __init__(self, folder, manifest, images):
        self.folder = folder
        self.spec = manifest["spec"]
        self.images = images
        self.volumes = {}
        self.running = {}
        self.starts = {}
        for volume in self.spec.get("volumes", []):
            assert "emptyDir" in volume, volume
            self.volumes[volume["name"]] = folder / "volumes" / volume["name"]
            self.volumes[volume["name"]].mkdir(parents=True)

    def spec_of(self, name):
        return next(c for c in self.spec["initContainers"] + self.spec["containers"] if c["name"] == name)

    def log(self, name):
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def launch(self, name):
        spec = self.spec_of(name)
        image = self.images[spec["image"]]
        self.starts[name] = self.starts.get(name, 0) + 1
        root = self.folder / "roots" / f"{name}-{self.starts[name]}"
        root.parent.mkdir(exist_ok=True)
        subprocess.run(["cp", "-a", image.root, root], check=True)
        mounts = [(outside, inside, False) for outside, inside in image.binds]
        for mount in spec["volumeMounts"]:
            outside = self.volumes[mount["name"]] / mount.get("subPath", "")
            if not outside.exists():
                outside.mkdir(parents=True)
            mounts.append((outside, mount["mountPath"], not mount.get("readOnly", False)))
        path = {"PATH": "/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        env = path | {variable["name"]: variable["value"] for variable in spec.get("env", [])}
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = Container(
                root, spec.get("command", []) + spec.get("args", []), env=env, mounts=mounts, cwd=spec.get("workingDir", "/"), log=log, name=name
            )
        return self.running[name]

    def start(self):
        for spec in self.spec.get("initContainers", []):
            assert self.launch(spec["name"]).outer.wait(60) == 0, self.log(spec["name"])
        for spec in self.spec["containers"]:
            self.launch(spec["name"])

    def restart_ended(self):
        """Starts what has ended anew, as the kubelet does with restartPolicy Always."""
        for spec in self.spec["containers"]:
            if self.running[spec["name"]].outer.poll() is not None:
                self.launch(spec["name"])

    def probe(self, name, kind):
        """The HTTP status that a probe of the manifest gets, or None without an answer."""
        get = self.spec_of(name)[f"{kind}Probe"]["httpGet"]
        connection = http.client.HTTPConnection("127.0.0.1", get["port"], timeout=10)
        try:
            connection.request("GET", get["path"], headers={"User-Agent": "kube-probe/1.32", "Accept": "*/*", "Connection": "close"})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def stop(self):
        """Ends the pod in order; returns each container's exit code."""
        for container in self.running.values():
            if container.outer.poll() is None:
                container.signal(signal.SIGTERM)
        limit = self.spec["terminationGracePeriodSeconds"]
        return {spec["name"]: self.running[spec["name"]].outer.wait(limit) for spec in self.spec["containers"]}

    def close(self):
        for container in self.running.values():
            container.close()
