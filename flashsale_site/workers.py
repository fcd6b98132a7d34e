"""The worker that gunicorn starts for the lane: uvicorn's, told to believe nobody about addresses and schemes."""

from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class LaneWorker(UvicornWorker):  # type: ignore[misc]  # comes without types
    """Serves `flashsale_site.asgi`."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "auto",  # uvloop where it is installed
        "http": "httptools",
        "ws": "none",
        "lifespan": "on",
        "proxy_headers": False,  # the site has its own list of trusted proxies
        "server_header": False,
    }
