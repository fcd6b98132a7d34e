"""Commands, and what they need that is not about sales: an edge like the others."""
