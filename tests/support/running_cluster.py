"""A throwaway PostgreSQL for fixtures; apart from `support.postgresql`, which benchmarks use without pytest."""

from contextlib import contextmanager
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
