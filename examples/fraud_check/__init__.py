"""A hedged fraud check with a bug that no ordinary test run shows."""
