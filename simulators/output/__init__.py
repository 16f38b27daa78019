"""The numbers of a scenario as people and programs read them: a table, JSON, CSV, one page of HTML.

All of them say the same, and where it comes from. Nothing here computes.
"""
