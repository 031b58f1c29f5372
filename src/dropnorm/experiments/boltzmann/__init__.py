"""Parts of the experiment on restricted Boltzmann machines: training, enumeration, measures of filters."""
