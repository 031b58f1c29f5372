"""Layers with a replica axis: every tensor is `[replica, batch, feature]`."""
