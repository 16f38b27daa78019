"""Four pipelines, a scenario of each, and what the simulators say about both."""
