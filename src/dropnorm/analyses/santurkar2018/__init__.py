"""Analyses of Santurkar et al. 2018."""
