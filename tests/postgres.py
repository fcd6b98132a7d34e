"""Runs a command with a PostgreSQL server of its own, which is gone afterwards.

`python -m tests.postgres COMMAND …` makes a cluster in a temporary folder, listens on a unix socket alone, sets
TEST_DATABASE_URL and ends with the command's exit code. Where PostgreSQL is not installed it says so: that is an error
with CI=true, and otherwise the command does not run.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

NOT_INSTALLED = "PostgreSQL is not installed (apt-get install postgresql): its tests did not run."


def binaries() -> Path | None:
    """Return the folder with initdb and pg_ctl of the newest PostgreSQL, or None."""
    if on_path := shutil.which("initdb"):
        return Path(on_path).parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


@contextmanager
def cluster(bin_folder: Path) -> Iterator[str]:
    """Start a server, yield its URL, and remove it. As root it runs as the user `postgres`, which it insists on."""
    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    user: dict[str, int | list[int]] = {}
    if os.geteuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)
        user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    folder.chmod(0o755)

    def run(name: str, *words: str) -> None:
        argv = [str(bin_folder / name), *words]
        subprocess.run(argv, check=True, cwd=folder, stdout=subprocess.DEVNULL, **user)  # type: ignore[call-overload]

    data, log = str(folder / "data"), str(folder / "log")
    run("initdb", "-D", data, "-U", "tests", "-A", "trust", "-E", "UTF8", "--no-sync")
    # Commits stay as durable as the site asks for; only what a test run never needs is off.
    options = f"-c listen_addresses='' -k {folder} -c max_connections=100 -c timezone=UTC"
    run("pg_ctl", "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        yield f"postgres://tests@/postgres?host={quote(str(folder), safe='')}"
    finally:
        run("pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def main(command: list[str]) -> int:
    """Run the command with a server of its own; return its exit code."""
    bin_folder = binaries()
    if bin_folder is None:
        sys.stderr.write(f"{NOT_INSTALLED}\n")
        return 1 if os.environ.get("CI") == "true" else 0
    with cluster(bin_folder) as url:
        return subprocess.run(command, env={**os.environ, "TEST_DATABASE_URL": url}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
