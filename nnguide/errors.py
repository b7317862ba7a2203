"""Errors for every mistake a user can make, with exit statuses.

A library function raises one of these with one clear message: what was expected, what was
received, what to type instead. Only the command line turns them into an exit status, so a
program that uses nnguide as a library catches them like any other exception.

| status | meaning                                              | exception          |
|--------|------------------------------------------------------|--------------------|
| 0      | good                                                 |                    |
| 1      | a bug in nnguide                                     | anything else      |
| 2      | wrong use or configuration                           | ConfigError        |
| 3      | data not available                                   | DataError          |
| 4      | bad input (also one among good ones)                 | InputError         |
| 5      | a run or model missing, damaged or not matching      | RunError           |
| 6      | an extra is not installed                            | ExtraError         |
| 7      | findings of the doctor                               | FindingsError      |
| 8      | the work itself failed                               | WorkError          |
| 9      | cannot write (full, read-only)                       | WriteError         |
| 130    | interrupted                                          | KeyboardInterrupt  |
"""

from __future__ import annotations


class NnguideError(Exception):
    """Base class of every error that nnguide raises on purpose.

    `exit_code` is the exit status that the command line ends with.
    """

    exit_code = 1


class ConfigError(NnguideError, ValueError):
    """A setting, an option or a combination that cannot be used."""

    exit_code = 2


class DataError(NnguideError, LookupError):
    """A data set that is not available.

    It is not prepared, not in a folder, and cannot be downloaded.
    """

    exit_code = 3


class InputError(NnguideError, ValueError):
    """A picture, text, array or file that nnguide cannot take as input."""

    exit_code = 4


class NoDigitError(InputError):
    """A picture on which no digit is seen.

    A run that can refuse answers `none` to such a picture.
    """


class RunError(NnguideError):
    """A run or model that is missing, damaged or unlike its manifest."""

    exit_code = 5


class ExtraError(NnguideError, ImportError):
    """An optional dependency that is not installed; the message names the extra."""

    exit_code = 6

    @classmethod
    def missing(cls, package: str, extra: str) -> ExtraError:
        """Return the error for a missing package.

        The package comes with `pip install 'nnguide[extra]'`.
        """
        return cls(
            f"this needs {package}, which is not installed. "
            f"Install it with: pip install 'nnguide[{extra}]'"
        )


class MissingReaderError(InputError, ExtraError):
    """A good input whose reader comes with an extra not installed."""

    exit_code = 6


class FindingsError(NnguideError):
    """Problems that the doctor found; its report has been printed."""

    exit_code = 7


class WorkError(NnguideError, RuntimeError):
    """The work itself failed.

    Examples are a loss that is not finite and a check that disagrees.
    """

    exit_code = 8


class WriteError(NnguideError, OSError):
    """A file or folder that cannot be written.

    The disk is full, or the place is read-only or not permitted.
    """

    exit_code = 9
