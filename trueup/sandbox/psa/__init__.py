"""A PSA on loopback that keeps state, speaks a vendor's protocol and fails on request.

Belongs here: the seed, the state, faults, one module per vendor's protocol, the server.
Does not belong here: anything of our adapters; what a vendor's words mean is written here a second time on purpose.
"""
