"""Kinds of experiment. Each module has `Settings` (what an arm may set) and `Experiment` (what trains and measures).

An experiment knows nothing of plots, claims, Snakemake or paths. It is a machine that is advanced a step at a time, and
whose whole state can be taken out and put back, which is what lets the runner stop and resume it anywhere.
"""
