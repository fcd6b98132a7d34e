"""Runs in which things die while people buy: real servers, real processes, real signals, and a seed that replays.

`python -m tests.faults.run --seed 7` is one of them; `make faults` goes on for as long as one likes.
"""
