"""The recording of calls: pure state (board, session, state) and what carries it out (controller)."""
