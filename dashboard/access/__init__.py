"""ROOM: who is this, and what may they do?"""

from .access import Access, Person, Role, permissions_of

__all__ = ["Access", "Person", "Role", "permissions_of"]
