"""GET /health and GET /ready: is this process alive, and may it be sent shoppers."""

from datetime import datetime

from sales.answers import wire
from sales.answers.ask import Ask, Steps, result_of
from sales.domain.reads import Read
from sales.queries import readiness


def alive(_ask: Ask, *, now: datetime) -> Steps:
    """Answer that this process answers; nobody is asked."""
    yield from ()
    return wire.reply(200, {"status": "OK", "timestamp": wire.written(now)})


def ready(_ask: Ask, *, now: datetime) -> Steps:
    """Answer with every check: 200 where all are well, else 503."""
    checks = yield from result_of(Read(readiness.look))
    well = all(check.ok or not check.needed for check in checks)
    body = {
        "status": "ready" if well else "not ready",
        "timestamp": wire.written(now),
        "checks": {check.name: {"ok": check.ok, "says": check.says} for check in checks},
    }
    headers = () if well else (("Retry-After", str(wire.RETRY_AFTER_SECONDS)),)
    return wire.reply(200 if well else 503, body, headers)
