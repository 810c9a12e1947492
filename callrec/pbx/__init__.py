"""What talks to Asterisk: ARI for events and commands, AMI for what ARI cannot do."""
