"""Environments to begin with: a shop that lacks nothing, and a demo that sets nothing."""

GOOD_KEY = "q7Xv2-ZpLr9_WmT4bNc8KdYh6JsGf3AeUi5OoPy1RtVwEzQxCb"


def shop(**changed: str) -> dict[str, str]:
    """Return the variables of a production site; an empty text stands for a variable that is not set."""
    return {
        "SITE": "production",
        "ENV_FILE": "",
        "SECRET_KEY": GOOD_KEY,
        "ALLOWED_HOSTS": "shop.example",
        "REDIS_URL": "redis://ledger.example:6379/0",
        "CACHE_URL": "redis://cache.example:6379/0",
    } | changed


def demo(**changed: str) -> dict[str, str]:
    """Return the variables of a demo."""
    return {"SITE": "demo", "ENV_FILE": ""} | changed
