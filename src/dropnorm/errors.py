"""The one exception a user is meant to see: a single line that says what is wrong and what to do."""


class UserError(Exception):
    """Bad input (a file, a setting, a missing device); the command line prints it and exits with 2."""
