"""What spectest costs and what it finds, measured beside stock asyncio and other tools."""
