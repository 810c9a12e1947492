"""Says in a few words why a file, a server or a connection failed: by the kind of an error of Python or of a
library, never in the words of one, which are English and may repeat an address with a password in it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from callrec.errors import Sentence

KINDS: dict[str, str] = {
    "ssl.SSLCertVerificationError": "its certificate is not trusted",
    "ssl.SSLError": "no encrypted connection came about",
    "socket.gaierror": "no machine of that name is known",
    "builtins.UnicodeError": "that is no name of a machine",
    "builtins.ConnectionRefusedError": "connection refused",
    "builtins.TimeoutError": "no answer in time",
    "builtins.ConnectionError": "it ended the connection",
    "http.client.HTTPException": "what it answers is no HTTP",
    "callrec.desk.client.NoHttp": "what it answers is no HTTP",
    "builtins.FileNotFoundError": "it is not there",
    "builtins.PermissionError": "no right to it",
    "builtins.IsADirectoryError": "it is a folder",
    "builtins.NotADirectoryError": "a part of its path is no folder",
    "builtins.FileExistsError": "it is there already",
}
"""By the name of a class that an error is of, or inherits from; the first one that fits is said. By names,
since every command would wait for http.client and ssl to be imported."""
WORDS: dict[int, str] = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk is full",
    errno.EROFS: "the disk cannot be written",
    errno.EIO: "the disk fails",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "its links go in a circle",
    errno.EBADF: "it is closed",
    errno.EINVAL: "it is no ordinary file",
    errno.EMFILE: "too many files are open",
    errno.ENETUNREACH: "there is no way to it",
    errno.EHOSTUNREACH: "there is no way to it",
    errno.EADDRNOTAVAIL: "there is no way to it",
}
_TIMEOUTS = ("Timeout", "TimeoutError")


def told(error: OSError) -> Sentence:
    """Returns what happened to which file, where one is named."""
    if error.filename is None:
        return why(error)
    return Sentence("{path}: {problem}", path=os.fsdecode(error.filename), problem=why(error))


def why(error: BaseException) -> Sentence:
    """Returns what kind of failure an error is, or was caused by; else the name of its class."""
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, OSError) and cause.errno in WORDS:
            return Sentence(WORDS[cause.errno])
    classes = {f"{each.__module__}.{each.__name__}" for cause in causes for each in type(cause).__mro__}
    for kind, words in KINDS.items():
        if kind in classes:
            return Sentence(words)
    if any(type(cause).__name__.endswith(_TIMEOUTS) for cause in causes):
        return Sentence("no answer in time")
    return Sentence("{problem}", problem=type(error).__name__)


def _causes(error: object) -> Iterator[BaseException]:
    """Returns an error and all that led to it: libraries wrap each other's, as causes, arguments, reasons."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, BaseException) or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, getattr(each, "reason", None), *each.args]
