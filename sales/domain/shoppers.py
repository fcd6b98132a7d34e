"""Who buys: a site account (`u:<pk>`) or a user of a trusted API client (`x:<client>:<userId>`).

The slash is the ledger's own sign between shopper and slot; it splits at the last one, so a userId may hold any.
"""

import unicodedata

USER_ID_LENGTH = 128


def of_account(pk: int) -> str:
    """Return the shopper who is signed in with this account."""
    return f"u:{pk}"


def of_client(*, client: str, user_id: str) -> str:
    """Return the shopper whom an API client calls `user_id` (already normalised)."""
    return f"x:{client}:{user_id}"


def account_pk(shopper: str) -> int | None:
    """Return the account's primary key, or None for a user of an API client."""
    return int(shopper[2:]) if shopper.startswith("u:") else None


def client_and_user(shopper: str) -> tuple[str, str] | None:
    """Return (client, userId), or None for a site account."""
    if not shopper.startswith("x:"):
        return None
    _, client, user_id = shopper.split(":", 2)
    return client, user_id


def normalised(user_id: str) -> str:
    """Return the id after Unicode NFC and trimming; two spellings of one id are one user.

    Raises ValueError, with a sentence, for control characters, lone surrogates and ids over 128 characters.
    An empty id comes back empty.
    """
    if user_id.isascii() and user_id.isprintable() and len(user_id) <= USER_ID_LENGTH:
        return user_id.strip()  # what nearly all are; it would come to the same below
    try:
        user_id.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half of a surrogate pair, which is not a character") from None
    normal = unicodedata.normalize("NFC", user_id).strip()
    if len(normal) > USER_ID_LENGTH:
        raise ValueError(f"it is longer than {USER_ID_LENGTH} characters")
    if any(unicodedata.category(letter) == "Cc" for letter in normal):
        raise ValueError("it holds a control character")
    return normal
