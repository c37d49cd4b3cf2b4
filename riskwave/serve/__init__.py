"""`riskwave serve`: decisions over HTTP, by the loop that decides the stream, and what is known of them."""
