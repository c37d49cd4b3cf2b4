"""The one exception that users see."""


class RiskwaveError(Exception):
    """A fault the user can mend.

    The message is one line: it names the file, field or value, says what was expected and what to do.
    The command line prints it without a stack trace and exits with 1.
    """
