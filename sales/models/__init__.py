"""What is on record: the truth for good. Knows the database and nothing of the live ledger.

Writes that follow a rule of the business live in `sales.services`, reads for pages in `sales.queries`.
"""

from sales.models.accounts import Account
from sales.models.changes import StockChange
from sales.models.clients import ApiClient, ApiKey
from sales.models.leases import Lease
from sales.models.ledgers import DeadLetter, DeadLetterEnd, Incident, LedgerServer
from sales.models.orders import Order
from sales.models.products import CompareAtMeaning, Product
from sales.models.reminders import Reminder
from sales.models.sales import OnLedgerLoss, Sale
from sales.models.trail import TrailEntry
from sales.models.web_sessions import WebSessionEnd

__all__ = [
    "Account",
    "ApiClient",
    "ApiKey",
    "CompareAtMeaning",
    "DeadLetter",
    "DeadLetterEnd",
    "Incident",
    "Lease",
    "LedgerServer",
    "OnLedgerLoss",
    "Order",
    "Product",
    "Reminder",
    "Sale",
    "StockChange",
    "TrailEntry",
    "WebSessionEnd",
]
