"""What is wrong with an environment although every single knob could be read: contradictions and what is missing.

Only what can be told without asking a server; what a live server alone can tell keeps the sales closed, not the site.
"""

from posixpath import normpath
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from flashsale_site.environment import Environment
from sales.domain.rates import Rate

KEY_LENGTH = 50
_MAKE_A_KEY = 'python3 -c "import secrets; print(secrets.token_urlsafe(48))"'
_LOCAL = {"localhost": "127.0.0.1", "::1": "127.0.0.1", "ip6-localhost": "127.0.0.1"}
_POSTGRESQL = {"postgres", "postgresql", "psql", "pgsql"}
_MAILERS = {"smtp", "smtp+tls", "smtp+ssl", "smtps", "consolemail", "filemail"}


def of(environment: Environment) -> list[str]:
    """Return one sentence for each mistake, each naming the setting and the fix."""
    found = [] if environment.is_demo else [*_production(environment)]
    return found + _key(environment) + _servers(environment) + _urls(environment)


def _production(environment: Environment) -> list[str]:
    found = []
    if environment.debug:
        found.append("DEBUG is on, which shows source code and settings to visitors: turn it off, or say SITE=demo.")
    if not environment.secret_key:
        found.append(f"SECRET_KEY is missing: set it to what this prints: {_MAKE_A_KEY}")
    if not environment.allowed_hosts:
        found.append("ALLOWED_HOSTS is empty: list the names of this site, such as shop.example.")
    elif "*" in environment.allowed_hosts:
        found.append("ALLOWED_HOSTS is *, which believes any name: list the names of this site, such as shop.example.")
    if not environment.redis_url:
        found.append("REDIS_URL is missing: name the server of the ledger, such as redis://10.0.0.5:6379/0.")
    if environment.fault_point:
        found.append("FAULT_POINT is for tests: a process would kill itself there. Leave it out.")
    if not environment.cache_url:
        found.append("CACHE_URL is missing: name the server of the cache, such as redis://10.0.0.6:6379/0.")
    return found


def _key(environment: Environment) -> list[str]:
    key = environment.secret_key
    if not key:
        return []
    if "insecure" in key.lower():
        return [f"SECRET_KEY is an example that everybody can read: set it to what this prints: {_MAKE_A_KEY}"]
    if len(key) < KEY_LENGTH or len(set(key)) < 5:
        return [f"SECRET_KEY is too easy to guess: set it to what this prints: {_MAKE_A_KEY}"]
    return []


def _servers(environment: Environment) -> list[str]:
    ledger, cache = environment.redis_url, environment.cache_url
    if not ledger or not cache or _place(ledger) != _place(cache):
        return []
    return [
        "CACHE_URL is the same database as REDIS_URL, and clearing it would delete the ledger: name another server."
    ]


def _place(url: str) -> tuple[str, str]:
    """Return server and database of a server's URL, written the same way however the URL writes them."""
    parts = urlsplit(url)
    asked = parse_qs(parts.query).get("db", [""])[-1]
    if parts.scheme == "unix":
        return normpath(unquote(parts.path)), (asked.lstrip("0") or "0")
    host = (parts.hostname or "localhost").lower()
    database = asked or unquote(parts.path).strip("/") or "0"
    return f"{_LOCAL.get(host, host)}:{parts.port or 6379}", database.lstrip("0") or "0"


def _urls(environment: Environment) -> list[str]:
    found = []
    if environment.database_url and not _names_a_database(environment.database_url):
        # The texts themselves are not repeated: they may hold passwords.
        found.append(
            "DATABASE_URL must look like postgres://user:password@host:5432/name or sqlite:////path/to/file; "
            "in a password, write what is neither letter nor digit as %23 for #, %2F for / and so on."
        )
    if not _names_a_mailer(environment.email_url):
        found.append(
            "EMAIL_URL must look like smtp://host:25, smtp+tls://user:password@host:587, consolemail: or filemail:."
        )
    if environment.limits and _nothing_allowed(environment.limit_purchase_per_shopper):
        found.append("LIMIT_PURCHASE_PER_SHOPPER allows nothing: raise its count, or say LIMITS=off.")
    if environment.limits and _nothing_allowed(environment.limit_purchase_per_address):
        found.append("LIMIT_PURCHASE_PER_ADDRESS allows nothing: raise its count, or say LIMITS=off.")
    return found


def _names_a_database(url: str) -> bool:
    parts = _parts(url)
    if not parts:
        return False
    if parts.scheme == "sqlite":
        return not parts.netloc and len(parts.path) > 1
    return parts.scheme in _POSTGRESQL and len(parts.path.strip("/")) > 0


def _names_a_mailer(url: str) -> bool:
    parts = _parts(url)
    return parts is not None and parts.scheme in _MAILERS


def _parts(url: str) -> SplitResult | None:
    """Return the parts of a URL; None where it has a port that is none, or a piece of a password cut off by a #."""
    try:
        parts = urlsplit(url)
        sound = parts.port != 0 and not parts.fragment
    except ValueError:
        return None
    return parts if sound else None


def _nothing_allowed(rate: Rate) -> bool:
    return rate.count == 0
