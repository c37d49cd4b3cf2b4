"""Keeping a model good: its figures on matured labels, and what is no longer as it was in training."""
