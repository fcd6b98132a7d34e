"""Mistakes on purpose, one at a time: each must turn a test red, or that test proves nothing.

`make mutants` runs them all and prints which test killed which. A run of pytest with `MUTANT=<name>` makes one mistake
before the first test; without it nothing here has any effect.
"""
