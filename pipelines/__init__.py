"""The rules of TrueUp: what one row, one file, one mapping, one difference and one change mean.

Belongs here: pure decisions and the shapes they are made of.
Does not belong here: Dagster, HTTP, SQL drivers, the environment, the clock, randomness.
"""
