"""Networks built from the layers. Fully connected ones are stacks of replicas; convolutional ones are single nets."""
