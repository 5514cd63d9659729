"""Tests of what the PSA bills.

Belongs here: copying the PSA.
Does not belong here: a vendor's protocol.
"""
