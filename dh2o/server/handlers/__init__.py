"""Handlers: each parses, calls the engine once, and serialises."""
