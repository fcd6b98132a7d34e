"""The reference of an order: eight characters that can be read over the phone.

Crockford's base 32 (no I, L, O, U) over the first 40 bits of the order id. Derived, so it is known the moment a unit is
taken; short, so two orders of a very large shop may share one, and a search by reference shows both.
"""

from uuid import UUID

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]  # of ten bits each: every order has four
_REST = 88  # bits of an order id that its reference does not tell
_MISHEARD = str.maketrans("ILO", "110")


def of(order_id: UUID) -> str:
    """Return the reference of an order, without a space: `K7QF2M9D`."""
    bits = order_id.int >> _REST
    return _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]


def order_ids(reference: str) -> tuple[UUID, UUID]:
    """Return the first and the last order id with this reference: a search by reference needs no index of its own."""
    bits = 0
    for letter in reference:
        bits = bits << 5 | _ALPHABET.index(letter)
    return UUID(int=bits << _REST), UUID(int=(bits + 1 << _REST) - 1)


def spaced(reference: str) -> str:
    """Return the reference as people see it: `K7QF 2M9D`."""
    return f"{reference[:4]} {reference[4:]}"


def typed(text: str) -> str | None:
    """Return the reference that somebody typed (spaces, dashes, lower case, O for 0 …), or None if it is none."""
    reference = text.upper().replace(" ", "").replace("-", "").translate(_MISHEARD)
    return reference if len(reference) == 8 and all(letter in _ALPHABET for letter in reference) else None
