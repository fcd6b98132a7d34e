"""The settings of the installation under test: a real site's, but for limits so high that they refuse nobody."""

import os
from pathlib import Path

from flashsale_site.environment import KNOBS
from tests.bench.contestants import LIMIT


def settle(folder: Path, *, database_url: str = "") -> None:
    """Give them to this process and all that it starts, with everything kept under `folder`, and set Django up."""
    for knob in KNOBS:
        os.environ.pop(knob.name, None)
        if knob.name.startswith("LIMIT_"):
            os.environ[knob.name] = f"{LIMIT}/m"
    os.environ |= {
        "SITE": "demo",  # its own servers and no HTTPS; whoever buys still shows a key or a pass
        "ENV_FILE": "",
        "DATA_DIR": str(folder),
        "DATABASE_URL": database_url,
        "LIMITS": "on",
        "WEB_WORKERS": "2",
        "WEB_THREADS": "8",
        "LOG_LEVEL": "warning",
        "DJANGO_SETTINGS_MODULE": "flashsale_site.settings",
    }
    import django  # noqa: PLC0415 (only now are there settings)

    django.setup()
