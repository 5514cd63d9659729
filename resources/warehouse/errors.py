"""What can go wrong in the warehouse, in words for operators.

Belongs here: the errors of lake, scratch databases and dbt builds.
Does not belong here: errors about data, which are values.
"""


class WarehouseError(Exception):
    """The warehouse could not compute. The text names the model or file and says why; a rerun alone does not help."""
