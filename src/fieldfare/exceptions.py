"""Every exception and warning that fieldfare raises.

::

    Exception
    └── FieldfareError                      FF000
        ├── ConfigError (ValueError)        FF100  a parameter has a value that is not allowed
        ├── UnfittedError (ValueError)      FF110  an estimator is used before it is fitted
        ├── DataError (ValueError)          FF200  samples cannot be used as they are
        │   ├── TextFormatError             FF210  a text file breaks its format
        │   ├── SchemaError                 FF220  a table does not fit its Schema
        │   ├── StoreError                  FF230  a RowStore is damaged, foreign or cannot be made
        │   └── DataTypeError (TypeError)   FF240  samples are of a type that cannot be read
        ├── ModelFileError (ValueError)     FF300  a model file is damaged, foreign or too new
        ├── TrainingError (RuntimeError)    FF400  training cannot continue
        │   └── DivergenceError             FF410  the loss became infinite or not a number
        ├── MissingDependencyError (ImportError)  FF500  an optional package is not installed
        ├── ResourceError (MemoryError)     FF600  the job does not fit this machine
        ├── OutputError (OSError)           FF700  a file cannot be written
        └── ServingError (RuntimeError)     FF800  a server cannot answer
            ├── RequestError (ValueError)   FF810  a request is malformed, too large or not allowed
            ├── OverloadError               FF820  a server has too much to do, or is stopping
            └── DeadlineError (TimeoutError)  FF830  an answer was not ready in time

    UserWarning
    └── FieldfareWarning                    FF900
        ├── DataWarning                     FF910  the data look odd but are usable
        ├── ConvergenceWarning              FF920  training ended before it converged
        ├── ModelWarning                    FF930  a model is worse than a simpler one
        └── SettingWarning                  FF940  a setting has no effect

Each class carries a stable ``code``, printed with the message, which leads to a section of
``docs/diagnostics.md``.
"""

from __future__ import annotations

import errno
import os


class FieldfareError(Exception):
    """Root of all errors that fieldfare raises on purpose."""

    code = "FF000"

    def __str__(self) -> str:
        return f"{super().__str__()} [{self.code}]"


class ConfigError(FieldfareError, ValueError):
    """A parameter has a value that is not allowed."""

    code = "FF100"


class UnfittedError(FieldfareError, ValueError):
    """An estimator is used before it is fitted.

    What estimators raise is also ``sklearn.exceptions.NotFittedError``.
    """

    code = "FF110"


class DataError(FieldfareError, ValueError):
    """Samples cannot be used as they are."""

    code = "FF200"


class TextFormatError(DataError):
    """A text file breaks its format.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    file : str
        Path of the file, or ``<stdin>``.
    line, column : int
        Position of the fault, counted from 1.
    text : str
        The offending text, shortened.
    """

    code = "FF210"

    def __init__(self, message: str, *, file: str, line: int, column: int, text: str) -> None:
        super().__init__(f"{file}:{line}:{column}: {message} Found {text!r}.")
        self.file = file
        self.line = line
        self.column = column
        self.text = text


class SchemaError(DataError):
    """A table does not fit its Schema."""

    code = "FF220"


class StoreError(DataError):
    """A RowStore is damaged, foreign or cannot be written."""

    code = "FF230"


class DataTypeError(DataError, TypeError):
    """Samples are of a type that cannot be read, such as objects that are no numbers."""

    code = "FF240"


class ModelFileError(FieldfareError, ValueError):
    """A model file is damaged, foreign or of a format that this version does not know."""

    code = "FF300"


class TrainingError(FieldfareError, RuntimeError):
    """Training cannot continue."""

    code = "FF400"


class DivergenceError(TrainingError):
    """The loss became infinite or not a number."""

    code = "FF410"


class MissingDependencyError(FieldfareError, ImportError):
    """An optional package is needed but not installed."""

    code = "FF500"


class ResourceError(FieldfareError, MemoryError):
    """The job does not fit this machine; raised before any memory is allocated."""

    code = "FF600"


class OutputError(FieldfareError, OSError):
    """A file cannot be written: no space, no permission, no folder, a closed output.

    Attributes
    ----------
    reason : str
        What the system said, without the file; empty if it was not the system.
    """

    code = "FF700"
    reason = ""

    @classmethod
    def of(cls, path: str | os.PathLike[str], error: OSError) -> OutputError:
        """Return the error for what the system said while a file was written."""
        reason = error.strerror or (error.args[0] if error.args else type(error).__name__)
        found = cls(
            f"{os.fspath(path)} cannot be written: {reason}. What was there before is unchanged. "
            f"{_ADVICE.get(error.errno or 0, 'Choose another path.')}"
        )
        found.errno, found.reason = error.errno, str(reason)
        return found


_ADVICE = {
    errno.ENOSPC: "Free some space, or choose another disk.",
    errno.EDQUOT: "Free some space, or choose another disk.",
    errno.EFBIG: "Raise the limit on the size of files, or choose another disk.",
    errno.EACCES: "Choose a folder that can be written.",
    errno.EROFS: "Choose a folder that can be written.",
}


class ServingError(FieldfareError, RuntimeError):
    """A server cannot answer, or a client got an error as its answer.

    Parameters
    ----------
    message : str
        What is wrong and what to do.
    status : int, optional
        The status of HTTP that goes with it; that of the class by default.
    where : str, optional
        The part of the request that is meant, such as ``$.requests[3].user``.
    code : str, optional
        The code that a server gave for it; that of the class by default.
    """

    code = "FF800"
    status = 500

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        where: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = self.status if status is None else status
        self.where = where
        self.code = self.code if code is None else code


class RequestError(ServingError, ValueError):
    """A request is malformed, too large, for something that is not there, or not allowed."""

    code = "FF810"
    status = 400


class OverloadError(ServingError):
    """A server has more requests waiting than it takes, is starting, or is about to stop."""

    code = "FF820"
    status = 429


class DeadlineError(ServingError, TimeoutError):
    """An answer was not ready before its deadline."""

    code = "FF830"
    status = 504


class FieldfareWarning(UserWarning):
    """Root of all warnings that fieldfare issues."""

    code = "FF900"

    def __str__(self) -> str:
        return f"{super().__str__()} [{self.code}]"


class DataWarning(FieldfareWarning):
    """The data look odd but are usable."""

    code = "FF910"


class ConvergenceWarning(FieldfareWarning):
    """Training ended before it converged."""

    code = "FF920"


class ModelWarning(FieldfareWarning):
    """A model is worse than a constant, or than its own linear part."""

    code = "FF930"


class SettingWarning(FieldfareWarning):
    """A setting has no effect."""

    code = "FF940"
