"""The HTML edge: pages and their fragments. No rule about sales lives here."""
