"""Tests of the PSA adapters.

Belongs here: adapters over real HTTP against the sandbox, and the contract that judges both.
Does not belong here: the sandbox on its own.
"""
