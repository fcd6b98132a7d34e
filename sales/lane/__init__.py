"""The fast path: answers the few hot URLs in front of Django, with the same pure functions as Django's views.

It decides only what it can decide alike. Every other request, and every odd one, is Django's. `docs/lane.md` says why.
"""
