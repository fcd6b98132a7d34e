"""Flash sales: definitions on record, a live ledger that decides, and the edges through which people meet both."""
