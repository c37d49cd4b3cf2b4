"""Alerts: decisions that somebody should look at, kept until somebody has, and told of to whom it concerns."""
