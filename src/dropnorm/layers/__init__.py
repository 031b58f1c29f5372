"""Layers. Those of fully connected nets have a replica axis, `[replica, batch, feature]`; those of pictures none."""
