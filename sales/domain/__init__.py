"""What a flash sale is, in pure Python: words, rules and numbers. No Django, no Redis, no clock."""
