"""Currencies as ISO 4217 has them, by way of Unicode's CLDR: which there are, and how many decimals they have."""

from decimal import Decimal

from babel.numbers import get_currency_precision, list_currencies


def is_known(currency: str) -> bool:
    """Whether this is the three-letter code of a currency."""
    return currency in list_currencies()


def digits(currency: str) -> int:
    """How many decimal places amounts in this currency have: EUR 2, JPY 0, KWD 3."""
    return get_currency_precision(currency)


def fits(*, amount: Decimal, currency: str) -> bool:
    """Whether the amount can be paid in this currency, to the smallest coin."""
    return amount == round(amount, digits(currency))
