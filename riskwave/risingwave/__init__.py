"""A deployment on RisingWave: what is there, what should be, and the steps from the one to the other."""
