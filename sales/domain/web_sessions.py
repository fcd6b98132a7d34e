"""How a web session is named where its key must not stand: in passes, and in the list of those that ended."""

import hashlib
from base64 import urlsafe_b64encode


def digest(session_key: str) -> str:
    """Return 16 characters that stand for a web session; the session cannot be taken from them."""
    return urlsafe_b64encode(hashlib.sha256(session_key.encode()).digest()[:12]).decode()
