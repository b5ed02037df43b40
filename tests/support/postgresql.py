"""A throwaway PostgreSQL on loopback, where its programs are installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

FOLDERS = "/usr/lib/postgresql"
GONE_SECONDS = 40
QUICK = "-c fsync=off -c full_page_writes=off -c max_connections=60"


def programs():
    """The folder of the newest initdb and pg_ctl, or None."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    versions = sorted(Path(FOLDERS).glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    return versions[-1].parent if versions else None


class Cluster:
    """A cluster of its own in a folder; PostgreSQL refuses to run as root, so then it runs as `postgres`.

    The folder must lie where that user may go: pytest keeps its own to itself.
    """

    def __init__(self, folder, *, tls=None):
        """Make one in a folder; `tls` is a folder with `server.crt` and `server.key`, and then TLS is a must."""
        self.bin = programs()
        self.data = folder / "data"
        self.log = folder / "log"
        self.folder = folder
        self.tls = tls
        self.user = "postgres" if os.geteuid() == 0 else None
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    @property
    def url(self):
        return f"postgresql://telebridge@127.0.0.1:{self.port}/postgres"

    def start(self):
        if not self.data.exists():
            self._run("initdb", "-D", self.data, "-U", "telebridge", "-A", "trust", "--no-sync", "-E", "UTF8")
            if self.tls is not None:
                access = self.data / "pg_hba.conf"
                access.write_text(access.read_text().replace("host  ", "hostssl"))
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} {QUICK}"
        if self.tls is not None:
            options += f" -c ssl=on -c ssl_cert_file={self.tls}/server.crt -c ssl_key_file={self.tls}/server.key"
        self._run("pg_ctl", "-D", self.data, "-l", self.log, "-o", options, "-w", "start")

    def stop(self, mode="immediate"):
        """Stop it; one that does not come to its end is killed, as a machine that loses its power would."""
        pid = int((self.data / "postmaster.pid").read_text().split()[0])
        try:
            self._run("pg_ctl", "-D", self.data, "-m", mode, "-t", "10", "-w", "stop")
        except subprocess.CalledProcessError:
            for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
                with suppress(ProcessLookupError):
                    os.kill(int(child), signal.SIGKILL)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + GONE_SECONDS
            while Path(f"/proc/{pid}").exists() and time.monotonic() < until:  # else the next start finds it running
                time.sleep(0.05)

    def _run(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        subprocess.run(command, user=self.user, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=50)
