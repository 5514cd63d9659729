"""What the dbt project computes, told as small months."""
