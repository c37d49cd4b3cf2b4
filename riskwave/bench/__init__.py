"""`riskwave bench`: how fast this machine decides, beside a plain DuckDB batch of the same SQL in the same run."""
