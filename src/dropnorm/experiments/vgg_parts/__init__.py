"""Parts of the VGG experiment: its settings, a net in training, and what is measured on it."""
