"""A throwaway PostgreSQL for fixtures; apart from `support.postgresql`, which benchmarks use without pytest."""

import shutil
import subprocess
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.postgresql import Cluster, programs


@contextmanager
def running_cluster():
    """A cluster that runs for as long as the block does; skips the test where PostgreSQL is not installed."""
    if programs() is None:
        pytest.skip("left out: PostgreSQL's initdb and pg_ctl are not installed here")
    with TemporaryDirectory(prefix="telebridge-postgresql-") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder))
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop()


KEY = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
OPENSSL = f"""
openssl req -x509 {KEY} -days 2 -subj /CN=ca -keyout ca.key -out ca.crt
openssl req {KEY} -subj /CN=localhost -keyout server.key -out server.csr
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt
openssl req -x509 {KEY} -days 2 -subj /CN=ca -keyout x.key -out other.crt
"""


def make_certificates(folder):
    """Make an authority, the certificate of `localhost`, and another authority that signed nothing."""
    (folder / "names").write_text("subjectAltName=DNS:localhost")
    for command in OPENSSL.strip().splitlines():
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True, timeout=20)


@contextmanager
def running_tls_cluster():
    """A cluster that takes TLS only, with its folder of certificates; skips the test where that cannot be."""
    if programs() is None or shutil.which("openssl") is None:
        pytest.skip("left out: PostgreSQL's initdb and pg_ctl, or openssl, are not installed here")
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(TemporaryDirectory(prefix="telebridge-tls-"))) for _ in range(2)]
        for folder in folders:
            folder.chmod(0o755)
        make_certificates(folders[1])
        cluster = Cluster(folders[0], tls=folders[1])
        if cluster.user:
            shutil.chown(folders[1] / "server.key", cluster.user)
        cluster.start()
        stack.callback(cluster.stop)
        yield cluster
