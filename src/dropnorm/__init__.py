"""dropnorm: dropout and batch normalization, replicated result by result."""

__version__ = "0.1.0"
