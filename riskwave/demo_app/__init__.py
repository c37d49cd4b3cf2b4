"""Everything at once on one machine: a simulated bank, the engine, the API and the app."""
