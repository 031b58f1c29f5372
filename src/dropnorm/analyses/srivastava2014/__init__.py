"""Analyses of Srivastava et al. 2014."""
