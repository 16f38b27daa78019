"""litellm's fastest-response router, with two providers that keep a ledger."""
