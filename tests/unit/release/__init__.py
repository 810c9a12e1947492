"""Of `release/`: what wheel, sdist and archive consist of."""
