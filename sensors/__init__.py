"""When things run: sensors and schedules that compare and ask.

Belongs here: pure comparisons and the thin Dagster objects around them.
Does not belong here: changing anything.
"""
