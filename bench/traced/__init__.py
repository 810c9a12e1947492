"""A controller that writes down what Asterisk tells it and what it asks, for bench.share."""
