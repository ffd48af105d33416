"""The embedded example: a small book shop with its models, its data and its traffic."""
