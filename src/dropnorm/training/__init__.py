"""What every training loop needs: random streams, the order of examples, the update, the record."""
