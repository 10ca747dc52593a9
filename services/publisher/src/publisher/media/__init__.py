"""The clip's file: where it lies, what it is, and how it gets out again."""
