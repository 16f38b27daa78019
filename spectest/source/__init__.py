"""The user's source: whose line a frame stands at, and under which name it knows an object."""
