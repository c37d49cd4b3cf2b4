"""History out of a stream: decisions with what was known for them, into Parquet by day, each row once."""
