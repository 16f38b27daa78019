"""Bugs of programs with threads, each small enough to read at once, with its cure."""
