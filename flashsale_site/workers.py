"""The worker that gunicorn starts for the lane: uvicorn's, told to believe nobody about addresses and schemes."""

import logging
import os
import socket
import sys
from typing import Any, ClassVar

from gunicorn.arbiter import Arbiter
from uvicorn.server import Server
from uvicorn_worker import UvicornWorker

from sales.lane.protocol import LaneProtocol, State

logger = logging.getLogger(__name__)


class LaneServer(Server):
    """uvicorn's server; its connections know when it leaves, and it leaves when its master is gone."""

    def __init__(self, config: Any, *, master: int, grace_seconds: int) -> None:
        super().__init__(config)
        self.server_state: State = State()
        self._master = master
        self._grace_seconds = grace_seconds

    async def on_tick(self, counter: int) -> bool:
        """Look ten times a second whether to stop; without a master nobody would say so, or free the address."""
        if os.getppid() != self._master and not self.should_exit:
            logger.warning("gunicorn's master %s is gone: this worker ends, too.", self._master)
            self.config.timeout_graceful_shutdown = self._grace_seconds  # nobody is left who would kill it then
            self.should_exit = True
        return await super().on_tick(counter)

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
        server = LaneServer(self.config, master=self.ppid, grace_seconds=self.cfg.graceful_timeout)
        self._install_sigquit_handler()
        await server.serve(sockets=self.sockets)
        if not server.started:
            sys.exit(Arbiter.WORKER_BOOT_ERROR)
