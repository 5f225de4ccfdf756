"""The wire: bytes to events (`Reply`), messages to a request body (`render`), and the check before sending."""
