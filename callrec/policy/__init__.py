"""Who records what: rules, the decision, and its reasons."""
