"""The embedded engine: the dbt models' own SQL, evaluated by DuckDB over each batch and the history of its keys."""
