"""Looking over history for what real time missed: what is new, in clusters and in words, and rules that would find
it."""
