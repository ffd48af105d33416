"""Staged work: named Sessions that stay open across requests. registry.py is the room's doorway."""
