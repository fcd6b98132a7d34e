"""Where a socket is put, so that it can be bound."""

import socket
from pathlib import Path

from sales.domain.sockets import LONGEST_PATH_BYTES, socket_path


class TestSocketPath:
    def test_is_in_the_data_folder(self):
        assert socket_path(Path("/srv/shop"), "ledger.sock") == Path("/srv/shop/ledger.sock")

    def test_moves_to_the_temporary_folder_where_the_path_is_too_long(self):
        deep = Path("/srv") / ("ö" * 60)

        moved = socket_path(deep, "ledger.sock")

        assert moved.parent != deep
        assert len(str(moved).encode()) <= LONGEST_PATH_BYTES
        assert moved == socket_path(deep, "ledger.sock")

    def test_is_different_for_each_folder_and_each_server(self):
        deep, deeper = Path("/srv") / ("a" * 120), Path("/srv") / ("a" * 121)

        paths = {socket_path(folder, name) for folder in (deep, deeper) for name in ("ledger.sock", "cache.sock")}

        assert len(paths) == 4

    def test_is_the_same_however_the_folder_is_named(self, monkeypatch, tmp_path: Path):
        monkeypatch.chdir(tmp_path)

        assert socket_path(Path("data"), "ledger.sock") == socket_path(tmp_path / "data", "ledger.sock")

    def test_can_be_bound_at_its_longest(self, tmp_path: Path):
        folder = tmp_path / ("x" * max(1, LONGEST_PATH_BYTES - len(str(tmp_path / "ledger.sock")) - 1))
        folder.mkdir(parents=True)

        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(str(socket_path(folder, "ledger.sock")))
