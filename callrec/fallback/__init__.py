"""What happens while callrec is away."""
