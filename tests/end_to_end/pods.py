"""Containers in namespaces of their own, and the part of a kubelet that runs a pod's manifest with them on this machine."""

import dataclasses
import http.client
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request

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
    """A root to copy for each container, folders of this machine to be seen in it (read-only): (outside, inside), and its own command."""

    root: pathlib.Path
    binds: list = dataclasses.field(default_factory=list)
    command: list = dataclasses.field(default_factory=list)


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


def fetch(port, path):
    """Status and text of what the application answers, or None."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return None


class Container:
    """One process as PID 1 of mount, PID and IPC namespaces below a root. `mounts` are (outside, inside, writable); with a `user` (its number) the
    process has no capabilities."""

    def __init__(self, root, command, *, env, mounts=(), cwd="/", log=subprocess.DEVNULL, name="container", user=None, read_only=False):
        self.root = pathlib.Path(root)
        for inside in ["/proc", "/dev", *(inside for outside, inside, _ in mounts if os.path.isdir(outside))]:
            (self.root / inside[1:]).mkdir(parents=True, exist_ok=True)
        arguments = ["bwrap", "--ro-bind" if read_only else "--bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"]
        arguments += ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", name, "--as-pid-1", "--die-with-parent", "--clearenv"]
        if user is not None:
            arguments += ["--unshare-user", "--uid", str(user), "--gid", str(user), "--cap-drop", "ALL"]
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
    """Runs a pod's specification: volumes, init containers one after another, sidecars, containers, probes, restarts. A root is made anew from
    its image for each start, the volumes stay, as in Kubernetes."""

    def __init__(self, folder, spec, images, config_maps=None):
        self.folder = folder
        self.spec = spec
        self.images = images
        self.volumes = {}
        self.running = {}
        self.starts = {}
        for volume in self.spec.get("volumes", []):
            path = self.volumes[volume["name"]] = folder / "volumes" / volume["name"]
            path.mkdir(parents=True)
            if "configMap" in volume:
                self.write_config_map(path, config_maps[volume["configMap"]["name"]])

    @staticmethod
    def write_config_map(folder, data):
        """As the kubelet lays it out, so that all files change at once: links into a folder that is itself behind a link."""
        (folder / "..2026_01_01").mkdir()
        (folder / "..data").symlink_to("..2026_01_01")
        for name, text in data.items():
            (folder / "..2026_01_01" / name).write_text(text)
            (folder / name).symlink_to(f"..data/{name}")

    def spec_of(self, name):
        return next(c for c in self.spec.get("initContainers", []) + self.spec["containers"] if c["name"] == name)

    def lasting(self):
        """The names of what runs for as long as the pod does: sidecars, then containers."""
        sidecars = [c["name"] for c in self.spec.get("initContainers", []) if c.get("restartPolicy") == "Always"]
        return sidecars + [c["name"] for c in self.spec["containers"]]

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
        for mount in spec.get("volumeMounts", []):
            outside = self.volumes[mount["name"]] / mount.get("subPath", "")
            if not outside.exists():
                outside.mkdir(parents=True)
            mounts.append((outside, mount["mountPath"], not mount.get("readOnly", False)))
        path = {"PATH": "/opt/python/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        env = path | {variable["name"]: variable["value"] for variable in spec.get("env", [])}
        rights = self.spec.get("securityContext", {}) | spec.get("securityContext", {})
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = Container(
                root,
                spec.get("command", image.command) + spec.get("args", []),
                env=env,
                mounts=mounts,
                cwd=spec.get("workingDir", "/"),
                log=log,
                name=name,
                user=rights.get("runAsUser") or None,
                read_only=rights.get("readOnlyRootFilesystem", False),
            )
        return self.running[name]

    def start(self):
        for spec in self.spec.get("initContainers", []):
            name = spec["name"]
            container = self.launch(name)
            if spec.get("restartPolicy") == "Always":
                until(lambda: self.probe(name, "startup") == 200, f"the start of {name}")
            else:
                assert container.outer.wait(60) == 0, self.log(name)
        for spec in self.spec["containers"]:
            self.launch(spec["name"])

    def restart_ended(self):
        """Starts what has ended anew, as the kubelet does with restartPolicy Always."""
        for name in self.lasting():
            if self.running[name].outer.poll() is not None:
                self.launch(name)

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

    def until_ready(self, name):
        until(lambda: self.probe(name, "readiness") == 200, f"{name} to be ready")

    def stop(self):
        """Ends the pod's containers by SIGTERM; returns their exit codes."""
        for name in self.lasting():
            if self.running[name].outer.poll() is None:
                self.running[name].signal(signal.SIGTERM)
        return {name: self.running[name].outer.wait(self.spec["terminationGracePeriodSeconds"]) for name in self.lasting()}

    def close(self):
        for container in self.running.values():
            container.close()
