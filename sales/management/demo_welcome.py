"""What the demo says once it is ready: where everything is, how to sign in, what to try, how to stop."""

import json
from datetime import datetime
from pathlib import Path

from django.utils import timezone

from sales.management import demo_children
from sales.management.demo_children import Place
from sales.services.demo_sales import ADMIN_EMAIL, SLUG

PASSWORD_FILE = "admin_password"  # noqa: S105 (the name of a file)
STATUS_PATH = f"/api/flashsale/status/{SLUG}"


def text(*, place: Place, folder: Path, seconds: float) -> str:
    """Return the whole text. Asks the running site about the sale, so that what it says is so."""
    url = place.url
    bought = json.dumps({"userId": "user123", "flashSaleId": SLUG})
    return f"""
Ready after {seconds:.1f} s.

  Shop    {url}/
  Admin   {url}/admin/
          sign in as {ADMIN_EMAIL}, password {_password(folder)}
  API     {url}{STATUS_PATH}

{_sale(place)}Try it from another terminal:

  curl {url}{STATUS_PATH}
  curl -X POST {url}/api/flashsale/purchase -H "Content-Type: application/json" -d '{bought}'
  curl {url}/api/flashsale/user/user123/purchase/{SLUG}

Ctrl-C stops everything. The data stay in {folder}, logs in {folder / "log"}.{_warning(place)}
"""


def _password(folder: Path) -> str:
    try:
        return (folder / PASSWORD_FILE).read_text().strip()
    except OSError:
        return "as you set it"


def _sale(place: Place) -> str:
    said = demo_children.json_of(place=place, path=STATUS_PATH)
    if not isinstance(said, dict) or "startTime" not in said:
        return ""
    opens, ends = _clock(said["startTime"]), _clock(said["endTime"])
    begins = "opens at" if said["status"] == "upcoming" else "has been open since"
    return (
        f"The sale {SLUG}: {said['remainingStock']} of {said['totalStock']} left, {begins} {opens}, ends at {ends}.\n\n"
    )


def _clock(written: str) -> str:
    """Return a moment as the shop's clock shows it."""
    return f"{timezone.localtime(datetime.fromisoformat(written)):%H:%M:%S %Z}"


def _warning(place: Place) -> str:
    if place.host in {"127.0.0.1", "::1", "localhost"}:
        return ""
    return f"\n\nThis demo is open: whoever reaches {place.host} port {place.port} can buy for anybody."
