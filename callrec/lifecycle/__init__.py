"""What happens to a recording after its call."""
