"""The words of the page of a package, English, to be translated when it is made."""

from __future__ import annotations

WORDS = {
    "title": "Recordings given out under request {request}",
    "request": "request",
    "kind": "kind",
    "for_whom": "given to",
    "ground": "ground",
    "approved_by": "approved by",
    "made": "package made",
    "by": "by whom",
    "content": "Recordings in this package",
    "left_out": "Not in it, as they were destroyed when their time was over: {ids}",
    "who": "Who",
    "when": "When",
    "listen": "Hear it",
    "clip": "This is a part of the recording: {begin} – {end} of {length}.",
    "external": "other party",
    "staff": "staff and announcements",
    "side": "side",
    "number": "number",
    "joined": "joined",
    "left": "left",
    "took_part": "Who took part",
    "seek": "Place in the sound. Left and right move by 5 seconds.",
    "unplayable": "This browser does not play the file: open {file} with another program, or ask for a "
    "package with WAV.",
    "print": "The sound is in the file {file}.",
    "events": "What happened",
    "place": "in the sound",
    "time": "time",
    "what": "what",
    "nothing": "No announcement, no key, no silence and no gap.",
    "before": "before it",
    "outside": "outside this part",
    "to_end": "to the end",
    "why": "Why it was recorded",
    "announced": "What was announced",
    "not_announced": "Nothing was announced.",
    "notes": "Notes",
    "clocks": "The clocks",
    "custody": "What was done with it since",
    "custody_until": "As the custody log of the office had it when the package was made. That it was "
    "given out is the next row there.",
    "done": "what was done",
    "proofs": "By what it is recognised",
    "archived": "The manifest is number {index} under the anchor {anchor}.",
    "verify": "How to verify",
    "verify_plain": "Each file has a fingerprint (SHA-256): whoever changes one letter or one moment of"
    " sound changes it. The list of all fingerprints, package.json, is signed by the office; so is the "
    "manifest of each recording, when the recording is made. Anchors, signed and kept where nobody can "
    "delete them, prove that the manifest was there on that day.",
    "verify_key": "The signature proves only that whoever signed has the key. So compare the id of the "
    "key with the one that the office publishes: {keys}",
    "verify_drop": "Drop the unpacked folder of this package here, or choose it. Nothing leaves this "
    "computer: the page needs no network, and has none.",
    "choose_folder": "Choose the folder",
    "choose_files": "Choose files",
    "expected": "Key that the office publishes (its id, or the text of its file)",
    "verify_else": "Without this page: callrec verify FILE.zip, or the commands in {file}, which need "
    "openssl, sha256sum and xxd.",
    "no_script": "The check needs JavaScript. Without it: the commands in {file}.",
    "file": "file",
    "result": "result",
    "reason": "reason",
}
"""What stands in the page."""
CHECKS = {
    "checking": "checking {name} …",
    "right": "right",
    "wrong": "wrong",
    "open": "not checked",
    "all_right": "All {count} files are right.",
    "some_wrong": "{count} files are wrong, missing or added: this package was changed.",
    "some_open": "{count} files could not be checked: see the reasons.",
    "key_is": "Signed by key {key}.",
    "key_same": "It is the key that you entered.",
    "key_other": "It is NOT the key that you entered.",
    "key_open": "Compare it with the one that the office publishes.",
    "no_document": "package.json is not among these files: choose the whole folder",
    "no_crypto": "This browser lets no page compute hashes: open the page in another one, or use the "
    "commands.",
    "no_ed25519": "this browser cannot check Ed25519 signatures: use a newer one, or the commands",
    "sha256": "its SHA-256 is not the one in package.json",
    "missing": "it is missing",
    "added": "it is not listed in package.json: it was added",
    "sums": "it is not the list that belongs to package.json",
    "unsigned": "it has no signature, or several",
    "signature": "the signature does not fit",
    "strange_key": "it is signed by key {key}, which is not in this page",
    "sound": "the sound is not the one in its manifest",
    "path": "the path does not lead to the root of the anchor",
    "custody_row": "a row has another hash",
    "unreadable": "it cannot be read",
    "old_manifest": "right, but not signed: of an older version",
}
"""What the check in the page says."""
