"""Reads for pages, API and admin: frozen dataclasses, never querysets, and the copies in memory of what all need."""
