"""How gunicorn runs the site: `gunicorn --config flashsale_site/gunicorn_conf.py`, with the lane in front of Django.

Without the lane: the same, with `--worker-class gthread flashsale_site.wsgi` behind it; `docs/production.md` says when.

The names below are gunicorn's. A mistake in the settings ends gunicorn here, with the sentence as its last words.
"""

import gc
import logging.config
import resource
import sys
from pathlib import Path

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

_PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(_PROJECT))  # gunicorn reads this file before it looks where the site is

from flashsale_site import logs, reading  # noqa: E402

try:
    _env = reading.read()
except reading.Misconfigured as _mistake:
    sys.exit(str(_mistake))


_CONNECTIONS = 65_536
_may, _at_most = resource.getrlimit(resource.RLIMIT_NOFILE)  # -1 is without limit
_wanted = _CONNECTIONS if _at_most < 0 else min(_at_most, _CONNECTIONS)
if 0 <= _may < _wanted:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_wanted, _at_most))  # each connection is an open file


class SiteLogger(Logger):  # type: ignore[misc]  # comes without types
    """Writes gunicorn's records as all others are written; requests are logged only with `--access-logfile -`."""

    def setup(self, cfg: Config) -> None:
        """Take gunicorn's set-up, but for its own handlers and formats."""
        super().setup(cfg)
        logging.config.dictConfig(logs.config(_env))


chdir = str(_PROJECT)
wsgi_app = "flashsale_site.asgi:application"
bind = _env.bind
worker_class = "flashsale_site.workers.LaneWorker"
workers = _env.web_workers
threads = _env.web_threads  # without the lane; with it, as many requests are Django's at once
preload_app = False  # each worker opens its own connections

keepalive = 75  # seconds; longer than a proxy's own, so that it is the proxy that closes
timeout = 30  # a worker that is silent for longer is replaced
graceful_timeout = 10  # what it gets to finish its requests
max_requests = 0  # workers stay: one that leaves in the middle of a sale costs more than it tidies
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 (a heartbeat must not wait for a disk)

# Nobody's word is taken for address or scheme here: the site reads them through its own list of trusted proxies.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
header_map = "drop"

control_socket_disable = True
proc_name = "flashsale-web"
logger_class = SiteLogger
accesslog = None
access_log_format = "%(h)s %(m)s %(U)s %(s)s %(B)s bytes %(M)s ms"  # no query: it may hold what is nobody's business


def post_worker_init(_worker: Worker) -> None:
    """Let what was loaded once never be looked through for garbage again: it would stop a worker in mid-sale."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
