"""What is measured on deep linear networks."""
