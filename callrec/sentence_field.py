"""The type of a field that holds a sentence, for what is read and written by pydantic."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from callrec.errors import Sentence
from callrec.sentences import plain, read

SentenceField = Annotated[Sentence, PlainValidator(read), PlainSerializer(plain)]
"""A sentence, which JSON has as callrec.sentences says."""
