"""Filters for templates. No rule about sales lives here."""
