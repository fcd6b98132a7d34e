"""Where the unix sockets of the embedded servers are. Paths only; nothing is opened here."""

import hashlib
import tempfile
from pathlib import Path

# The kernel's address has room for 108 bytes on Linux and 104 on macOS, with a zero at the end; the server also
# binds a temporary name of a few more bytes beside it.
LONGEST_PATH_BYTES = 90


def socket_path(data_dir: Path, name: str) -> Path:
    """Return where the socket `name` of the installation in `data_dir` is.

    That is in there, or, where the path is too long to be bound, in the temporary folder, under a name that is always
    the same for the same `data_dir`.
    """
    near = data_dir.absolute() / name
    if len(str(near).encode()) <= LONGEST_PATH_BYTES:
        return near
    digest = hashlib.sha256(str(data_dir.absolute()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"flashsale-{digest}-{name}"
