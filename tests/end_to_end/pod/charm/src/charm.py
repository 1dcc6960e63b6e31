"""The charm of a web application: configures, migrates and starts it, follows its check, fetches its backups."""

import pathlib

import ops

CONFIGURATION = "# written by the charm\nA:127.0.0.1\nD:*\nE404:/srv/www/missing.html\n"
BACKUP = "example.com/web/backup"


class WebCharm(ops.CharmBase):
    def __init__(self, framework):
        super().__init__(framework)
        self.container = self.unit.get_container("web")
        events = self.on["web"]
        framework.observe(events.pebble_ready, self._on_ready)
        framework.observe(events.pebble_check_failed, self._on_check_failed)
        framework.observe(events.pebble_check_recovered, self._on_check_recovered)
        framework.observe(events.pebble_custom_notice, self._on_notice)
        framework.observe(self.on.start, self._on_start)

    def _on_start(self, _):
        if not self.container.can_connect():
            self.unit.status = ops.WaitingStatus("for the container")

    def _on_ready(self, event):
        container = event.workload
        container.push("/etc/web/httpd.conf", CONFIGURATION, make_dirs=True, user="root", group="web", permissions=0o640)
        self.unit.set_workload_version(self._migrate())
        container.add_layer("web", self._layer(), combine=True)
        container.replan()
        assert container.get_service("web").is_running()
        self.unit.status = ops.ActiveStatus("started")

    def _migrate(self):
        """Runs the migration with its plan on standard input; returns the version that it tells."""
        process = self.container.exec(
            ["/usr/bin/migrate", "--plan", "-"],
            user="web",
            environment={"SCHEMA": "3"},
            working_dir="/var/lib/web",
            stdin="create\nfill\n",
            timeout=60,
        )
        output, _ = process.wait_output()
        return output.strip()

    def _layer(self):
        port = self.config["port"]
        return {
            "summary": "the web application",
            "services": {
                "web": {
                    "override": "replace",
                    "command": f"httpd -f -v -p 127.0.0.1:{port} -c /etc/web/httpd.conf -h /srv/www",
                    "startup": "enabled",
                    "user": "web",
                    "group": "web",
                }
            },
            "checks": {
                "web-up": {
                    "override": "replace",
                    "level": "ready",
                    "startup": "enabled",
                    "period": "500ms",
                    "threshold": 6,
                    "http": {"url": f"http://localhost:{port}/health"},
                }
            },
        }

    def _on_check_failed(self, event):
        self.unit.status = ops.BlockedStatus(f"{event.info.name} is {event.info.status.value}")

    def _on_check_recovered(self, event):
        self.unit.status = ops.ActiveStatus(f"{event.info.name} is {event.info.status.value}")

    def _on_notice(self, event):
        if event.notice.key != BACKUP:
            return
        path = event.notice.last_data["path"]
        data = self.container.pull(path, encoding=None).read()
        (pathlib.Path("/var/lib/juju") / "backup").write_bytes(data)
        self.unit.status = ops.ActiveStatus(f"fetched {len(data)} bytes")


if __name__ == "__main__":
    ops.main(WebCharm)
