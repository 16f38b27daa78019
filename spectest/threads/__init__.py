"""Threads on the kernel: real ones, of which exactly one holds the baton."""
