"""Where payments come from: topics, files, growing logs, standard input, the simulator."""
