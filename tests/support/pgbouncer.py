"""A PgBouncer in front of a throwaway PostgreSQL, with the plain configuration of its documentation.

Source: PgBouncer, "Usage", *Quick start*.
"""

import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

CONFIGURATION = """
[databases]
postgres = host=127.0.0.1 port={server} user=telebridge

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
max_client_conn = 200
logfile = {folder}/pgbouncer.log
server_tls_sslmode = {tls}
"""


def pgbouncer_program():
    """The path of PgBouncer, which Debian keeps where only the superuser looks; None when it is not installed."""
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def pgbouncer(folder, cluster, *, mode="transaction", size=3):
    """Run it for as long as the block runs; the value is the address of the database behind it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    file = folder / "pgbouncer.ini"
    tls = "disable" if cluster.tls is None else "require"
    file.write_text(CONFIGURATION.format(server=cluster.port, port=port, mode=mode, size=size, folder=folder, tls=tls))
    user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
    if user:
        owner = pwd.getpwnam(user)
        for path in (folder, file):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    with subprocess.Popen([pgbouncer_program(), "-q", file], user=user, cwd=folder) as process:
        try:
            _wait_for(port)
            yield f"postgresql://telebridge@127.0.0.1:{port}/postgres"
        finally:
            process.kill()


def _wait_for(port):
    until = time.monotonic() + 10
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return
