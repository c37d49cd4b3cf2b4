"""Rules over history: how good they are, what a threshold would change, why a decision was made, and its replay."""
