"""DuckDB as compute, immutable Parquet as storage.

Belongs here: executing compiled profiles and dbt models; the layout of the lake.
Does not belong here: what a row or a difference means.
"""
