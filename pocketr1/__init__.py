"""Pocket R1: DeepSeek-R1's ideas, built from scratch on a laptop.

Each teaching module is one subject, and is imported by its name: `from pocketr1 import attention`.
Importing the package itself loads nothing else.
"""

__version__ = "0.1.0"
