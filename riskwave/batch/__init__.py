"""All of a source, or of a state's staged payments, through the dbt models at once."""

from riskwave.batch.batch import Batch, batch_of_inputs, batch_of_state

__all__ = ["Batch", "batch_of_inputs", "batch_of_state"]
