"""Django's settings for the servers behind the site: database, ledger, cache, mail.

Only this module of the wiring knows redis-py, because three of its options are objects.
"""

import secrets
from pathlib import Path
from typing import Any
from urllib.parse import quote

import environ
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

from flashsale_site.environment import PROJECT, Environment
from flashsale_site.reading import Misconfigured
from sales.domain.sockets import socket_path

LEDGER_SOCKET = "ledger.sock"
CACHE_SOCKET = "cache.sock"

# After how long a connection counts as broken whose other end is gone without a word. Otherwise the system decides, and
# takes two hours: so long the keeper would wait for an answer that was lost on its way.
_POSTGRES_NOTICES = {
    "connect_timeout": 3,  # seconds
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}

# More than the threads of one process ever use at once; a bound, so that a fault cannot open connections without end.
_MOST_CONNECTIONS = 64


def make_data_folder(environment: Environment) -> None:
    """Make the folder that everything else of this installation is kept in."""
    try:
        environment.data_path.mkdir(parents=True, exist_ok=True)
    except OSError as refused:
        raise Misconfigured(
            f"DATA_DIR cannot be made: {environment.data_path} ({refused.strerror}). Name a folder that may be written."
        ) from refused


def secret_key(environment: Environment) -> str:
    """Return the site's key; the demo's own is made once and kept in its data folder, for nobody else to read."""
    if environment.secret_key or not environment.is_demo:
        return environment.secret_key
    kept = environment.data_path / "secret_key"
    if not kept.exists():
        made = kept.with_name(f"secret_key.{secrets.token_hex(4)}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_urlsafe(48))
        try:
            kept.hardlink_to(made)  # fails if another process was first; then its key is everybody's
        except FileExistsError:
            pass
        finally:
            made.unlink()
    return kept.read_text().strip()


def ledger_url(environment: Environment) -> str:
    """Return the address of the ledger; without REDIS_URL, of the one in the data folder."""
    return environment.redis_url or _socket_url(environment.data_path, LEDGER_SOCKET)


def cache_url(environment: Environment) -> str:
    """Return the address of the cache; without CACHE_URL, of the one in the data folder."""
    return environment.cache_url or _socket_url(environment.data_path, CACHE_SOCKET)


def caches(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return CACHES: `default` is the cache server; `ledger` is there for its connection alone."""
    return {
        "default": _redis(environment, cache_url(environment)) | {"KEY_PREFIX": "flashsale"},
        "ledger": _redis(environment, ledger_url(environment)),
    }


def databases(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return DATABASES: SQLite or PostgreSQL, each told to answer a commit only when it is on disk."""
    url = environment.database_url
    if not url:
        return {"default": _sqlite(environment.data_path / "record.sqlite3")}
    config: dict[str, Any] = environ.Env.db_url_config(url)
    if config["ENGINE"] == "django.db.backends.sqlite3":
        return {"default": _sqlite(PROJECT / config["NAME"])}
    options = config.setdefault("OPTIONS", {})
    for name, value in _POSTGRES_NOTICES.items():
        options.setdefault(name, value)
    options["options"] = f"{options.get('options', '')} -c synchronous_commit=on".strip()
    return {"default": config | {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}}


def mailers(environment: Environment) -> dict[str, dict[str, Any]]:
    """Return MAILERS, with the one way in which this site sends mail."""
    config = environ.Env.email_url_config(environment.email_url)
    backend = config["EMAIL_BACKEND"]
    options: dict[str, Any] = {}
    if backend.endswith("smtp.EmailBackend"):
        options = {
            "host": config["EMAIL_HOST"] or "localhost",
            "port": config["EMAIL_PORT"] or 25,
            "username": config["EMAIL_HOST_USER"] or "",
            "password": config["EMAIL_HOST_PASSWORD"] or "",
            "use_tls": config.get("EMAIL_USE_TLS", False),
            "use_ssl": config.get("EMAIL_USE_SSL", False),
            "timeout": 10,
        }
    elif backend.endswith("filebased.EmailBackend"):
        named = config["EMAIL_FILE_PATH"]
        options = {"file_path": str(Path("/", named) if named else environment.data_path / "mail")}
    return {"default": {"BACKEND": backend, "OPTIONS": options}}


def _socket_url(data_path: Path, name: str) -> str:
    return f"unix://{quote(str(socket_path(data_path, name)))}?db=0"


def _redis(environment: Environment, url: str) -> dict[str, Any]:
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": url,
        "OPTIONS": {
            "SOCKET_CONNECT_TIMEOUT": environment.ledger_connect_timeout_ms / 1000,
            "SOCKET_TIMEOUT": environment.ledger_answer_timeout_ms / 1000,
            "CONNECTION_POOL_CLASS": "redis.connection.BlockingConnectionPool",
            "CONNECTION_POOL_KWARGS": {
                "max_connections": _MOST_CONNECTIONS,
                "timeout": environment.ledger_connect_timeout_ms / 1000,
                # A command whose answer did not come may have run: who sends it again must know that, so nobody here
                # does it unasked.
                "retry": Retry(NoBackoff(), 0),
                # Otherwise the server could stretch the timeouts above.
                "maint_notifications_config": MaintNotificationsConfig(enabled=False),
            },
        },
    }


def _sqlite(file: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": file,
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "timeout": 5,
            # A transaction that begins as a reader cannot become a writer after another wrote: it fails at once.
            "transaction_mode": "IMMEDIATE",
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                # Orders come in random order of their ids and shoppers. With the 2 MB and 1,000 pages of the default,
                # pages of indexes are read, written and copied back again and again: a third of what recording costs.
                " PRAGMA cache_size=-16384; PRAGMA wal_autocheckpoint=4000;"
            ),
        },
    }
