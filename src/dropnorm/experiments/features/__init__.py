"""What an autoencoder has learned, in numbers: how its filters look, how sparse its code is, what a lost unit costs."""
