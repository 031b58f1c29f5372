"""The checks of the `marginal_dropout` experiment, each with the settings it takes.

A check is advanced a step at a time, `advance(step, recorder)`, and gives and takes its whole state like an experiment.
"""
