"""A flash sale as it is usually written with Django and PostgreSQL: one view that locks the sale's row.

It is correct, and everybody waits for everybody. A baseline of the benchmarks; nothing else uses it.
"""
