"""The bench: how near the product comes to bare DuckDB SQL, and what a change costs in time and memory.

Belongs here: made-up months of any size, the same work in bare SQL, whole processes measured in pairs, their ratios.
Does not belong here: tests (a ratio on a noisy machine is a figure to read, not a verdict of CI).
"""
