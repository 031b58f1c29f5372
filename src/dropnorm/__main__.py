"""`python -m dropnorm` is `dropnorm`, for where the package is not installed."""

from dropnorm.cli import app

app()
