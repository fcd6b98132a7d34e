"""Every knob of an installation, and what the environment says about it. Nothing is connected to or written here.

`read()` takes the environment and the `.env` file and returns an `Environment`, or refuses with all mistakes at once.
`docs/settings.md` and `.env.example` are held against `KNOBS` by a test.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from flashsale_site import knobs, mistakes
from flashsale_site.knobs import Knob, knob
from sales.conf import Site, WithoutCache
from sales.domain.rates import Rate

PROJECT = Path(__file__).resolve().parent.parent


class Misconfigured(ImproperlyConfigured):
    """The settings contradict themselves or leave out what is needed; the message says what to change."""


class LogFormat(StrEnum):
    """How a log record is written."""

    TEXT = "text"
    JSON = "json"


class LogLevel(StrEnum):
    """From which level on records are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The knobs, in the order in which the docs list them. Every field is one variable of the same name in capitals."""

    # fmt: off  (a knob per paragraph reads better than an argument per line)

    # The site
    site: Site = knob(
        knobs.one_of(Site),
        "demo or production",
        default="production",
        whose="everybody",
        what="The one switch between an open demo and a locked shop.",
    )
    debug: bool = knob(
        knobs.flag,
        "on or off",
        default="off",
        whose="developers",
        what="Django's error pages with source code. Refused in production.",
    )
    data_dir: str = knob(
        knobs.text,
        "folder",
        default="var/production",
        demo="var/demo",
        whose="everybody",
        what="Where the database (SQLite), the embedded servers, static files and pictures are kept. "
        "A relative path starts at the project's folder.",
    )
    secret_key: str = knob(
        knobs.text,
        "text",
        required=True,
        whose="production",
        what="Signs sessions, passes and links; at least 50 random characters. "
        "The demo makes its own and keeps it in the data folder.",
    )
    secret_key_fallbacks: tuple[str, ...] = knob(
        knobs.words,
        "list",
        whose="production",
        what="Former secret keys that still verify, while SECRET_KEY is being changed.",
    )
    allowed_hosts: tuple[str, ...] = knob(
        knobs.words,
        "list",
        required=True,
        demo="localhost,127.0.0.1,[::1]",
        whose="production",
        what="The host names under which the site is reached.",
    )

    # HTTPS and what stands in front
    ssl_redirect: bool = knob(
        knobs.flag,
        "on or off",
        default="on",
        demo="off",
        whose="production",
        what="Send plain HTTP to HTTPS, and give cookies to HTTPS only.",
    )
    proxy_ssl_header: str = knob(
        knobs.text,
        "header name",
        whose="behind a proxy",
        what="The header in which the proxy says `https`, such as X-Forwarded-Proto. "
        "The proxy must set it on every request, or anybody can. Empty: the connection itself decides.",
    )
    hsts_seconds: int = knob(
        knobs.number(least=0, most=63_072_000),
        "seconds",
        default="31536000",
        demo="0",
        whose="production",
        what="How long browsers remember to come by HTTPS only. Begin with 3600 if in doubt.",
    )
    hsts_subdomains: bool = knob(
        knobs.flag,
        "on or off",
        default="off",
        whose="production",
        what="The same for every host below this one. Only if all of them have HTTPS.",
    )
    csrf_trusted_origins: tuple[str, ...] = knob(
        knobs.origins,
        "list of origins",
        whose="behind a proxy",
        what="Origins whose forms are taken, where the proxy changes host or port.",
    )
    cors_allowed_origins: tuple[str, ...] = knob(
        knobs.origins,
        "list of origins or *",
        demo="*",
        whose="production",
        what="Origins whose scripts may call the JSON API and /health, without cookies.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = knob(
        knobs.networks,
        "list of networks",
        whose="behind a proxy",
        what="Proxies whose X-Forwarded-For is believed, read from the right. "
        "Without it every visitor behind a proxy counts as one address.",
    )

    # Servers
    redis_url: str = knob(
        knobs.server_url,
        "URL",
        required=True,
        demo="",
        whose="production",
        what="The ledger: Redis or Valkey with `appendonly yes`, `appendfsync always`, `noeviction`. "
        "The demo starts its own.",
    )
    cache_url: str = knob(
        knobs.server_url,
        "URL",
        required=True,
        demo="",
        whose="production",
        what="The cache: rate limits and page fragments; may be lost at any time. Never the ledger's database. "
        "The demo starts its own.",
    )
    database_url: str = knob(
        knobs.text,
        "URL",
        whose="production",
        what="The record: postgres://user:password@host:5432/name or sqlite:////path/to/file. "
        "Empty: SQLite in the data folder.",
    )
    ledger_key_prefix: str = knob(
        knobs.text,
        "text",
        whose="who shares a server",
        what="Stands in front of every key in the ledger.",
    )
    ledger_connect_timeout_ms: int = knob(
        knobs.number(least=10, most=2_000),
        "milliseconds",
        default="250",
        whose="operators",
        what="How long to wait for a connection to the ledger or the cache.",
    )
    ledger_answer_timeout_ms: int = knob(
        knobs.number(least=10, most=2_000),
        "milliseconds",
        default="750",
        whose="operators",
        what="How long to wait for an answer of the ledger or the cache. Nothing is sent twice.",
    )
    email_url: str = knob(
        knobs.text,
        "URL",
        default="smtp://localhost:25",
        demo="filemail:",
        whose="production",
        what="Where mail goes: smtp://user:password@host:25, smtp+tls://...:587, smtp+ssl://...:465, consolemail: "
        "(printed) or filemail: (one file each in the data folder).",
    )
    email_from: str = knob(
        knobs.text,
        "address",
        default="shop@localhost",
        whose="production",
        what="The sender of every mail.",
    )

    # The shop
    shop_name: str = knob(
        knobs.text, "text", default="Harbour Press", whose="everybody", what="Stands at the top of every page."
    )
    shop_place: str = knob(
        knobs.text, "text", default="Hamburg", whose="everybody", what="Where the shop is; stands beside its name."
    )
    shop_currency: str = knob(
        knobs.currency, "three capitals", default="EUR", whose="everybody", what="The currency of new products."
    )
    shop_time_zone: str = knob(
        knobs.time_zone,
        "time zone",
        default="Europe/Berlin",
        whose="everybody",
        what="The shop's own time: what its pages and its admin show.",
    )

    # Who may ask how often
    limits: bool = knob(knobs.flag, "on or off", default="on", whose="operators", what="All limits below, at once.")
    limits_without_cache: WithoutCache = knob(
        knobs.one_of(WithoutCache),
        "allow or refuse",
        default="allow",
        whose="operators",
        what="What limited URLs do while the cache server cannot be reached.",
    )
    limit_purchase_per_address: Rate = knob(
        knobs.rate,
        "rate",
        default="300/m",
        demo="10/m",
        whose="operators",
        what="Purchases from one address; high, because offices and phone networks share addresses.",
    )
    limit_purchase_per_shopper: Rate = knob(
        knobs.rate, "rate", default="5/m", whose="operators", what="Purchases by one shopper."
    )
    limit_lookup_per_address: Rate = knob(
        knobs.rate, "rate", default="600/m", whose="operators", what="Look-ups of a purchase from one address."
    )
    limit_page_per_address: Rate = knob(
        knobs.rate, "rate", default="1200/m", whose="operators", what="Pages asked for by one address."
    )
    limit_panel_per_address: Rate = knob(
        knobs.rate, "rate", default="3000/m", whose="operators", what="Polls of a sale's state from one address."
    )
    limit_account_per_address: Rate = knob(
        knobs.rate, "rate", default="60/m", whose="operators", what="Sign-ups, resets and account pages per address."
    )
    limit_login_per_address: Rate = knob(
        knobs.rate, "rate", default="30/m", whose="operators", what="Sign-ins tried from one address."
    )
    limit_admin_per_address: Rate = knob(
        knobs.rate, "rate", default="600/m", whose="operators", what="Requests to the admin from one address."
    )

    # How it works inside
    snapshot_max_age_ms: int = knob(
        knobs.number(least=0, most=250),
        "milliseconds",
        default="250",
        whose="operators",
        what="How old the numbers of a sale may be that a web process answers polls with.",
    )
    catalogue_max_age_ms: int = knob(
        knobs.number(least=0, most=1_000),
        "milliseconds",
        default="1000",
        whose="operators",
        what="How old a web process' list of published sales, API keys and revocations may be.",
    )
    keeper_batch: int = knob(
        knobs.number(least=1, most=5_000),
        "events",
        default="500",
        whose="operators",
        what="How many events the keeper records in one transaction.",
    )
    keeper_pause_ms: int = knob(
        knobs.number(least=0, most=1_000),
        "milliseconds",
        default="5",
        whose="operators",
        what="How long the keeper rests between two batches; on SQLite at least 5, or other writers starve.",
    )
    keeper_idle_ms: int = knob(
        knobs.number(least=1, most=5_000),
        "milliseconds",
        default="100",
        whose="operators",
        what="How long the keeper rests when there was nothing to record.",
    )
    body_limit_bytes: int = knob(
        knobs.number(least=1_024, most=1_048_576),
        "bytes",
        default="16384",
        whose="operators",
        what="The largest body that the JSON API and the buying forms read.",
    )

    # The web server and its log
    bind: str = knob(
        knobs.text,
        "host:port or unix:/path",
        default="127.0.0.1:8000",
        whose="production",
        what="Where gunicorn listens.",
    )
    web_workers: int = knob(
        knobs.number(least=1, most=128), "processes", default="2", whose="operators", what="Web processes."
    )
    web_threads: int = knob(
        knobs.number(least=1, most=128), "threads", default="8", whose="operators", what="Threads in each of them."
    )
    log_level: LogLevel = knob(
        knobs.one_of(LogLevel),
        "debug, info, warning or error",
        default="info",
        whose="operators",
        what="From which level on records are written.",
    )
    log_format: LogFormat = knob(
        knobs.one_of(LogFormat),
        "text or json",
        default="text",
        whose="operators",
        what="One line per record, for people or for machines.",
    )
    env_file: str = knob(
        knobs.text,
        "file",
        default=".env",
        whose="developers",
        what="A file of settings, read at the start; what the environment says comes first. "
        "A relative path starts at the project's folder. Empty: none. Only read from the environment.",
    )
    # fmt: on

    @property
    def is_demo(self) -> bool:
        """Whether this is the open demo."""
        return self.site is Site.DEMO

    @property
    def data_path(self) -> Path:
        """The data folder, absolute."""
        return PROJECT / self.data_dir


KNOBS: tuple[Knob, ...] = tuple(Knob(name=each.name.upper(), **each.metadata["knob"]) for each in fields(Environment))
_ENV_FILE = next(each for each in KNOBS if each.name == "ENV_FILE")


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """Return what `variables` (the process' environment) and the `.env` file say.

    Raises Misconfigured with one sentence for each mistake.
    """
    given = _with_file(os.environ if variables is None else variables)
    values: dict[str, Any] = {}
    found: list[str] = []
    is_demo = given.get("SITE", "").strip().lower() == Site.DEMO
    for each in KNOBS:
        written = given.get(each.name, "").strip()
        try:
            values[each.name.lower()] = each.read(written or each.fallback(is_demo=is_demo))
        except ValueError as wrong:
            found.append(f"{each.name} {wrong}")
    if not found:
        environment = Environment(**values)
        found = mistakes.of(environment)
        if not found:
            return environment
    raise Misconfigured(_told(found))


def assume_demo(arguments: Sequence[str]) -> None:
    """Prepare the process' environment for the command `demo` with these arguments, before settings are read.

    A site that nobody named is the demo then, and `--data` names its folder. A site that is named stays what it is:
    the demo must not start on the servers of a real shop.
    """
    if not _with_file(os.environ).get("SITE", "").strip():
        os.environ["SITE"] = Site.DEMO.value
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--data")
    known, _ = parser.parse_known_args([each for each in arguments if each != "--data"] and list(arguments))
    if known.data:
        os.environ["DATA_DIR"] = str(Path(known.data).absolute())


def _with_file(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables and, below them, what the file of settings says."""
    name = variables.get("ENV_FILE", _ENV_FILE.default).strip()
    merged = dict(variables)

    class Source(environ.Env):  # type: ignore[misc]  # comes without types
        ENVIRON = merged  # in place of os.environ, which stays as it is

    if name and (PROJECT / name).is_file():
        Source.read_env(PROJECT / name)
    return merged


def _told(found: Sequence[str]) -> str:
    if len(found) == 1:
        return found[0]
    return "\n".join([f"The settings have {len(found)} mistakes:", *(f"- {each}" for each in found)])
