"""The worker that gunicorn starts for the lane: uvicorn's, told to believe nobody about addresses and schemes."""

import socket
import sys
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from sales.lane.protocol import LaneProtocol, State


class LaneServer(Server):
    """uvicorn's server; its connections know when it leaves."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.server_state: State = State()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop: whatever was read is answered, and no connection is begun that would stay."""
        self.server_state.leaving = True
        await super().shutdown(sockets)


class LaneWorker(UvicornWorker):  # type: ignore[misc]  # comes without types
    """Serves `flashsale_site.asgi`."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",  # uvloop where it is installed
        "http": LaneProtocol,  # httptools
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,  # the site has its own list of trusted proxies
        "server_header": False,
    }

    async def _serve(self) -> None:
        """Do what uvicorn's worker does, with our server."""
        self.config.app = self.wsgi
        server = LaneServer(self.config)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
