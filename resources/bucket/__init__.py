"""Where files arrive and where raw bytes are kept.

Belongs here: looking at the inbox, the content-addressed archive.
Does not belong here: what a file means.
"""
