"""Analyses of related claims."""
