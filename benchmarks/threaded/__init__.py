"""Threaded programs under spectest and under the other tools that control threads."""
