"""Runnable examples. Each one passes on stock asyncio and fails under spectest."""
