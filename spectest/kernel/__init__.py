"""The physics of a world: choice, time, identity, record.

Imports only `spectest.errors`; in particular no clock, no thread, no socket and no dice of the real
world.
"""
