"""Exact statements, one module each: both sides of every one, on many cases at once.

The theorems of Santurkar et al. 2018, and Section 3 of Ioffe & Szegedy 2015.
"""
