"""Writes: one verb per use case, each committed on record and, where it concerns a live sale, told to the ledger."""
