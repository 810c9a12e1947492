"""How long the announcements that come with callrec last."""

from __future__ import annotations

SECONDS = {
    "notice": 6.5,
    "recorded": 6.3,
    "short": 3.0,
    "from-now": 4.4,
    "warning": 7.8,
    "closing": 5.5,
    "office-recorded": 8.1,
    "office-standby": 8.6,
    "office-outbound": 7.7,
    "office-easy": 8.8,
}
"""How long callers wait, as the documents say; those with the office's name as 港区役所."""
