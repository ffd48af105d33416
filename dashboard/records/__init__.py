"""What can be looked at and edited: mapped classes or reflected tables, their columns, the addresses of their
records."""
