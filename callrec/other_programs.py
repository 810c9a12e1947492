"""Keeps what the environment says to other programs out of this process.

The libraries that callrec uses look there by themselves, for proxies, certificates, accounts, passwords and
servers. Of callrec it says nothing: callrec.toml does, and the CALLREC_ variables. Each client is told so as
well, where its library lets itself be told.
"""

from __future__ import annotations

import os

_BEGIN = ("AWS_", "BOTO_", "PG", "WEBSOCKET_CLIENT_")
_NAMES = {
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
    *("MPLBACKEND", "MATPLOTLIBRC", "FFREPORT", "OPEN_JTALK_DICT_DIR"),
}


def forget() -> None:
    """Takes the variables of other programs that steer our libraries out of this process's environment."""
    for name in list(os.environ):
        if name.upper() in _NAMES or name.startswith(_BEGIN):
            del os.environ[name]
