"""Reads manifests back from the bucket, where alone they are kept (decision 25)."""

from __future__ import annotations

import hashlib

from callrec.archive.store import Store
from callrec.catalogue.calls import ArchivedRecording
from callrec.manifest import require_manifest


def archived_manifest(store: Store, kept: ArchivedRecording) -> bytes:
    """Returns the manifest of a recording, byte by byte as it was archived.

    Raises StoreUnreachable, NotFound, and EvidenceBroken where it is not the one that the catalogue names.
    """
    data = b"".join(store.read(kept.manifest_key, kept.manifest_version))  # decision 6
    require_manifest(kept.id, hashlib.sha256(data).hexdigest(), kept.manifest_sha256)
    return data
