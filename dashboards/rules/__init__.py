"""The parts of the page on rules."""
