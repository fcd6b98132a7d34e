"""The Django admin: an edge of its own. Importing this package registers everything; it holds no rule of a sale.

Acts on a sale go through `sales.services.lifecycle`, numbers come from `sales.queries.operations`.
"""

from sales.admin import accounts, clients, ledgers, orders, products, sales, second_factors, site, trail

__all__ = ["accounts", "clients", "ledgers", "orders", "products", "sales", "second_factors", "site", "trail"]
