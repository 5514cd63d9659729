"""Tests of the sandbox servers.

Belongs here: the vendor's protocol as the sandbox speaks it, its state, its faults, its process.
Does not belong here: our adapters.
"""
