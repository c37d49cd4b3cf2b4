"""`riskwave run`: a source into the embedded engine, with labels and facts beside it, and a summary at the end."""
