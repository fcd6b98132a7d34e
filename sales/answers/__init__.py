"""The hot URLs as pure functions of a request and of what the ledger says, and the wire contract of the JSON API.

Django views and the fast lane are adapters of a few lines around these, so both say the same by construction.
"""
