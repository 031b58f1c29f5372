"""Analyses of Ioffe & Szegedy 2015."""
