"""Every knob of an installation: its name, type, defaults and words. What reads and checks them is `reading`.

`docs/settings.md` and `.env.example` are held against `KNOBS` by a test.
"""

from dataclasses import dataclass, fields
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from flashsale_site import kinds
from flashsale_site.kinds import LogFormat, LogLevel
from flashsale_site.knobs import Knob, knob
from sales.conf import LedgerRisk, Site, WithoutCache
from sales.domain.rates import Rate

PROJECT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The knobs, in the order in which the docs list them. Every field is one variable of the same name in capitals."""

    # The site
    site: Site = knob(
        kinds.one_of(Site),
        default="production",
        whose="everybody",
        what="The one switch between an open demo and a locked shop.",
    )
    debug: bool = knob(
        kinds.FLAG,
        default="off",
        whose="developers",
        what="Django's error pages with source code. Refused in production.",
    )
    data_dir: str = knob(
        kinds.text("folder"),
        default="var/production",
        demo="var/demo",
        whose="everybody",
        what="Where the database (SQLite), the embedded servers, static files and pictures are kept. "
        "A relative path starts at the project's folder.",
    )
    secret_key: str = knob(
        kinds.TEXT,
        required=True,
        whose="production",
        what="Signs sessions, passes and links; at least 50 random characters. "
        "The demo makes its own and keeps it in the data folder.",
    )
    secret_key_fallbacks: tuple[str, ...] = knob(
        kinds.WORDS, whose="production", what="Former secret keys that still verify, while SECRET_KEY is being changed."
    )
    allowed_hosts: tuple[str, ...] = knob(
        kinds.HOSTS,
        required=True,
        demo="localhost,127.0.0.1,[::1]",
        whose="production",
        what="The host names under which the site is reached.",
    )

    # HTTPS and what stands in front
    ssl_redirect: bool = knob(
        kinds.FLAG,
        default="on",
        demo="off",
        whose="production",
        what="Send plain HTTP to HTTPS, and give cookies to HTTPS only.",
    )
    proxy_ssl_header: str = knob(
        kinds.HEADER,
        whose="behind a proxy",
        what="The header in which the proxy says `https`, such as X-Forwarded-Proto. "
        "The proxy must set it on every request, or anybody can. Empty: the connection itself decides.",
    )
    hsts_seconds: int = knob(
        kinds.number(least=0, most=63_072_000, unit="seconds"),
        default="31536000",
        demo="0",
        whose="production",
        what="How long browsers remember to come by HTTPS only. Begin with 3600 if in doubt.",
    )
    hsts_subdomains: bool = knob(
        kinds.FLAG,
        default="off",
        whose="production",
        what="The same for every host below this one. Only if all of them have HTTPS.",
    )
    csrf_trusted_origins: tuple[str, ...] = knob(
        kinds.ORIGINS,
        whose="behind a proxy",
        what="Origins whose forms are taken, where the proxy changes host or port.",
    )
    cors_allowed_origins: tuple[str, ...] = knob(
        kinds.ORIGINS,
        demo="*",
        whose="production",
        what="Origins whose scripts may call the JSON API and /health, without cookies.",
    )
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = knob(
        kinds.NETWORKS,
        whose="behind a proxy",
        what="Proxies whose X-Forwarded-For is believed, read from the right. "
        "Without it every visitor behind a proxy counts as one address.",
    )

    require_staff_mfa: bool = knob(
        kinds.FLAG,
        default="on",
        demo="off",
        whose="production",
        what="Let staff into the admin only with a second factor; who has none is led to set one up.",
    )

    # Servers
    redis_url: str = knob(
        kinds.SERVER_URL,
        required=True,
        demo="",
        whose="production",
        what="The ledger: Redis or Valkey with `appendonly yes`, `appendfsync always`, `noeviction`. "
        "The demo starts its own.",
    )
    cache_url: str = knob(
        kinds.SERVER_URL,
        required=True,
        demo="",
        whose="production",
        what="The cache: rate limits and page fragments; may be lost at any time. Never the ledger's database. "
        "The demo starts its own.",
    )
    database_url: str = knob(
        kinds.text("URL"),
        whose="production",
        what="The record: postgres://user:password@host:5432/name or sqlite:////path/to/file. "
        "Empty: SQLite in the data folder.",
    )
    ledger_key_prefix: str = knob(
        kinds.PREFIX, whose="who shares a server", what="Stands in front of every key in the ledger."
    )
    ledger_connect_timeout_ms: int = knob(
        kinds.number(least=10, most=2_000, unit="milliseconds"),
        default="250",
        whose="operators",
        what="How long to wait for a connection to the ledger or the cache.",
    )
    ledger_answer_timeout_ms: int = knob(
        kinds.number(least=10, most=2_000, unit="milliseconds"),
        default="750",
        whose="operators",
        what="How long to wait for an answer of the ledger or the cache. Nothing is sent twice.",
    )
    ledger_risk: LedgerRisk = knob(
        kinds.one_of(LedgerRisk),
        default="none",
        whose="operators",
        what="What may be lost where the ledger's machine falls. accept_1s: the last second; everysec then does.",
    )
    email_url: str = knob(
        kinds.text("URL"),
        default="smtp://localhost:25",
        demo="filemail:",
        whose="production",
        what="Where mail goes: smtp://user:password@host:25, smtp+tls://...:587, smtp+ssl://...:465, consolemail: "
        "(printed) or filemail: (one file each in the data folder).",
    )
    email_from: str = knob(
        kinds.text("address"), default="shop@localhost", whose="production", what="The sender of every mail."
    )

    # The shop
    shop_name: str = knob(
        kinds.TEXT, default="Harbour Press", whose="everybody", what="Stands at the top of every page."
    )
    shop_place: str = knob(
        kinds.TEXT, default="Hamburg", whose="everybody", what="Where the shop is; stands beside its name."
    )
    shop_currency: str = knob(kinds.CURRENCY, default="EUR", whose="everybody", what="The currency of new products.")
    shop_time_zone: str = knob(
        kinds.TIME_ZONE,
        default="Europe/Berlin",
        whose="everybody",
        what="The shop's own time: what its pages and its admin show.",
    )
    shop_languages: tuple[str, ...] = knob(
        kinds.LANGUAGES,
        default="en,de",
        whose="everybody",
        what="In which languages the pages can be read; the first is for who asks for none of them. "
        "What has no translation is in English.",
    )
    reminder_minutes: int = knob(
        kinds.number(least=1, most=1_440, unit="minutes"),
        default="30",
        whose="everybody",
        what="How long before a sale opens those get a mail who asked to be reminded.",
    )

    # Who may ask how often
    limits: bool = knob(kinds.FLAG, default="on", whose="operators", what="All limits below, at once.")
    limits_without_cache: WithoutCache = knob(
        kinds.one_of(WithoutCache),
        default="allow",
        whose="operators",
        what="What limited URLs do while the cache server cannot be reached.",
    )
    limit_purchase_per_address: Rate = knob(
        kinds.RATE,
        default="300/m",
        demo="10/m",
        whose="operators",
        what="Purchases from one address; high, because offices and phone networks share addresses.",
    )
    limit_purchase_per_shopper: Rate = knob(
        kinds.RATE, default="5/m", whose="operators", what="Purchases by one shopper."
    )
    limit_lookup_per_address: Rate = knob(
        kinds.RATE, default="600/m", whose="operators", what="Look-ups of a purchase from one address."
    )
    limit_page_per_address: Rate = knob(
        kinds.RATE, default="1200/m", whose="operators", what="Pages asked for by one address."
    )
    limit_panel_per_address: Rate = knob(
        kinds.RATE, default="3000/m", whose="operators", what="Polls of a sale's state from one address."
    )
    limit_account_per_address: Rate = knob(
        kinds.RATE, default="60/m", whose="operators", what="Sign-ups, resets and account pages per address."
    )
    limit_login_per_address: Rate = knob(
        kinds.RATE, default="30/m", whose="operators", what="Sign-ins tried from one address."
    )
    limit_admin_per_address: Rate = knob(
        kinds.RATE, default="600/m", whose="operators", what="Requests to the admin from one address."
    )

    # How it works inside
    snapshot_max_age_ms: int = knob(
        kinds.number(least=0, most=250, unit="milliseconds"),
        default="250",
        whose="operators",
        what="How old the numbers of a sale may be that a web process answers polls with.",
    )
    catalogue_max_age_ms: int = knob(
        kinds.number(least=0, most=1_000, unit="milliseconds"),
        default="1000",
        whose="operators",
        what="How old a web process' list of published sales, API keys and revocations may be.",
    )
    keeper_batch: int = knob(
        kinds.number(least=1, most=5_000, unit="events"),
        default="1000",
        whose="operators",
        what="How many events the keeper records in one transaction.",
    )
    keeper_pause_ms: int = knob(
        kinds.number(least=0, most=1_000, unit="milliseconds"),
        default="5",
        whose="operators",
        what="How long the keeper rests between two batches; on SQLite at least 5, or other writers starve.",
    )
    keeper_idle_ms: int = knob(
        kinds.number(least=1, most=5_000, unit="milliseconds"),
        default="100",
        whose="operators",
        what="How long the keeper rests when there was nothing to record.",
    )
    body_limit_bytes: int = knob(
        kinds.number(least=1_024, most=1_048_576, unit="bytes"),
        default="16384",
        whose="operators",
        what="The largest body that the JSON API and the buying forms read.",
    )
    fault_point: str = knob(
        kinds.FAULT_POINT,
        whose="developers",
        what="Where a process kills itself, for tests: a name, a colon, at which time. Refused in production.",
    )

    # The web server and its log
    bind: str = knob(kinds.BIND, default="127.0.0.1:8000", whose="production", what="Where gunicorn listens.")
    web_workers: int = knob(
        kinds.number(least=1, most=128, unit="processes"), default="2", whose="operators", what="Web processes."
    )
    web_threads: int = knob(
        kinds.number(least=1, most=128, unit="threads"), default="8", whose="operators", what="Threads in each of them."
    )
    log_level: LogLevel = knob(
        kinds.one_of(LogLevel),
        default="info",
        whose="operators",
        what="From which level on records are written.",
    )
    log_format: LogFormat = knob(
        kinds.one_of(LogFormat),
        default="text",
        whose="operators",
        what="One line per record, for people or for machines.",
    )
    env_file: str = knob(
        kinds.text("file"),
        default=".env",
        whose="developers",
        what="A file of settings, read at the start; what the environment says comes first. "
        "A relative path starts at the project's folder. Empty: none. Only read from the environment.",
    )

    @property
    def is_demo(self) -> bool:
        """Whether this is the open demo."""
        return self.site is Site.DEMO

    @property
    def data_path(self) -> Path:
        """The data folder, absolute."""
        return PROJECT / self.data_dir


KNOBS: tuple[Knob, ...] = tuple(Knob(name=each.name.upper(), **each.metadata["knob"]) for each in fields(Environment))
