"""The scoring function as a server, for RisingWave and for engines that score elsewhere."""
