"""Networks built from the layers, each a stack of replicas."""
