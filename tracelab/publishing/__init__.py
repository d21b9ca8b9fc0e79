"""A dataset to share, made of the warehouse: what may leave it, and how it is written."""
