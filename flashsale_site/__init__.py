"""The wiring: settings, URLs, and how the web server starts. No rule about sales lives here."""
