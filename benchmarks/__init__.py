"""Speed, measured as ratios: our code beside a peer's in one process, and beside what the machine can do.

Nothing here is run by the tests, and nothing of the course imports it. See README.md.
"""
