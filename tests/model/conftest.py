"""What tests of the model stand on: a ledger that is waited for; a step without an answer could not be repeated."""

from typing import Any

import pytest

PATIENCE_SECONDS = 60


@pytest.fixture(autouse=True)
def patience(settings: Any) -> None:
    """Wait for the ledger however busy the machine is: thousands of steps meet each of its pauses.

    Within the deadlines of the site, a pause makes a right answer unknown, and Hypothesis looks for its cause in vain.
    The address names the deadlines, for connections are kept by address.
    """
    ledger = settings.CACHES["ledger"]
    url = f"{ledger['LOCATION']}&socket_timeout={PATIENCE_SECONDS}&socket_connect_timeout={PATIENCE_SECONDS}"
    settings.CACHES = {**settings.CACHES, "ledger": {**ledger, "LOCATION": url}}
