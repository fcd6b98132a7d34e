"""Tests of the filters that write money, times and durations."""
