"""Help that was asked for goes out: by mail and to a webhook, at once, until somebody takes it."""
