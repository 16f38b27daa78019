"""A report speaks of the user's own files: facts, the page for people, the record for machines."""
