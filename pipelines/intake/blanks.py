"""What counts as blank in a distributor's cell.

Belongs here: the characters, trimming them.
Does not belong here: what a blank cell means (``compile``).
"""

BLANKS = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u200b\u2028\u2029\u202f\u205f\u2060\u3000\ufeff"
)
"""Unicode's white space and the zero-width characters that portals leave behind."""
