"""A world to try TrueUp in: servers on loopback that speak the vendors' protocols.

Belongs here: stateful fakes with faults, used by the demo and the tests.
Does not belong here: anything that a production command imports.
"""
