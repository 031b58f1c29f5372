"""The two checks of the `dropout_forms` experiment, exact statements and a training, and the settings they share.

Both take the whole settings of an arm, are advanced a step at a time, `advance(step, recorder)`, and give and take
their whole state like an experiment.
"""
