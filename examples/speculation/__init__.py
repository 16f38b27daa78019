"""Speculation as it is first written, six times, and as it holds."""
