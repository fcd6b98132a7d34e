"""Measurements that anybody can repeat. None is a test: machines differ, and nothing here fails for being slow."""
