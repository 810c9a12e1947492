"""The commands by which a package is checked without callrec, as they lie in it: a text to read, and a script
for bash. They need openssl 3, sha256sum and xxd, and no network."""

from __future__ import annotations

from callrec.language import speaking
from callrec.language import translated as _

STEPS = (
    (
        "How to check this package without callrec. The lines without # are commands for bash: type them in "
        "this folder, or run all of them by: bash {name}",
        """\
export LC_ALL=C; t=$(mktemp -d); wrong=0; trap "rm -r $t" EXIT""",
    ),
    (
        "1. Every file is the one that was packed, and listed in package.json, which is signed (see 3). What "
        "is listed nowhere was added later.",
        """\
sha256sum --check --quiet SHA256SUMS || wrong=1
find . -type f ! -name SHA256SUMS | cut -c3- | sort > $t/there; cut -c67- SHA256SUMS | sort > $t/listed
diff $t/listed $t/there || wrong=1
{ grep -Eo '"name":"[^"]*","sha256":"[0-9a-f]{64}"' package.json |
  sed -E 's/.{8}(.*)",.{10}(.*)"/\\2  \\1/'; sha256sum package.json; } | sort > $t/signed
sort SHA256SUMS | diff - $t/signed || wrong=1""",
    ),
    (
        "2. The ids of the keys: compare them with those that the office publishes. Without that, whoever "
        "made another package could have made these keys, too.",
        """\
for k in keys/*.pem; do
  id=$(openssl pkey -pubin -in $k -outform DER | tail -c 32 | sha256sum | cut -c1-16)
  echo "key $id"; [ $k = keys/$id.pem ] || wrong=1
done""",
    ),
    (
        "3. The signatures (Ed25519): over the bytes of each document without its member signature. "
        "Manifests of versions 1 and 2 have none.",
        """\
for f in package.json anchors/*.json recordings/*.manifest.json; do
  if ! grep -q '"signature":"' $f; then grep -Eq 'callrec-manifest/[12]"' $f || wrong=1; continue; fi
  key=$(sed -E 's/.*"key_id":"([0-9a-f]{16})".*/\\1/' $f)
  sed -E 's/,"signature":"[A-Za-z0-9+\\/=]{88}"//' $f > $t/signed
  sed -E 's/.*,"signature":"([A-Za-z0-9+\\/=]{88})".*/\\1/' $f | base64 -d > $t/signature
  openssl pkeyutl -verify -pubin -inkey keys/$key.pem -rawin -in $t/signed -sigfile $t/signature \\
    > $t/said && echo "signed by $key: $f" || { wrong=1; echo "WRONG SIGNATURE: $f"; }
done""",
    ),
    (
        "4. The sound is the one that its manifest describes: the file of a FLAC, the samples of a WAV. For "
        "a clip only package.json answers: see 1 and 3.",
        """\
for m in recordings/*.manifest.json; do
  b=${m%.manifest.json}; tr -d ' \\n' < $m | grep -Eo '"audio":[{][^}]*[}]' > $t/audio
  [ ! -f $b.flac ] || said="\\"sha256\\":\\"$(sha256sum < $b.flac | cut -c1-64)\\""
  [ ! -f $b.wav ] || said="\\"pcm_sha256\\":\\"$(tail -c +45 $b.wav | sha256sum | cut -c1-64)\\""
  [ ! -f $b.flac -a ! -f $b.wav ] || grep -q "$said" $t/audio || { wrong=1; echo "WRONG SOUND: $b"; }
done""",
    ),
    (
        "5. Each manifest was archived before the anchor was made: from it the hashes lead up to the root "
        "that the signed anchor names (RFC 6962).",
        """\
for p in paths/*.json; do
  m=recordings/$(basename $p .json).manifest.json; a=$(sed -E 's/.*"anchor":"([^"]*)".*/\\1/' $p)
  node=$({ printf '\\0'; openssl dgst -sha256 -binary $m; } | sha256sum | cut -c1-64)
  for step in $(grep -Eo '(left|right)","[0-9a-f]{64}' $p | tr -d '"'); do
    case $step in left,*) pair=${step#*,}$node;; *) pair=$node${step#*,};; esac
    node=$({ printf '\\1'; echo $pair | xxd -r -p; } | sha256sum | cut -c1-64)
  done
  grep -q "\\"merkle_root\\":\\"$node\\"" $a || { wrong=1; echo "WRONG PATH: $p"; continue; }
  echo "leads up to $a: $m"
done""",
    ),
    (
        "6. The rows of the custody log: a hash, and the text that was hashed, which ends with the hash of "
        "the row before it in the log of the office.",
        """\
while read -r hash text; do
  [ "$(printf %s "$text" | sha256sum | cut -c1-64)" = $hash ] || { wrong=1; echo "WRONG ROW: $text"; }
done < <(cat custody/*.txt)""",
    ),
    (
        "7. The time-stamps of the anchors, if there are any; a renewal is over the anchor and those before. "
        "Give the certificate of the authority, which it publishes: TSA=FILE.pem bash {name}",
        """\
[ -z "$TSA" ] || for a in anchors/*.json; do
  cat $a > $t/stamped
  for s in $(ls ${a%.json}.tsr ${a%.json}.renewal-*.tsr 2> $t/none | sort -V); do
    openssl ts -verify -in $s -data $t/stamped -CAfile "$TSA" && cat $s >> $t/stamped || wrong=1
  done
done""",
    ),
    (
        "8. What came of it.",
        """[ $wrong = 0 ] && echo "ALL IS RIGHT" || { echo "SOMETHING IS WRONG"; false; }""",
    ),
)
"""What is done, and the commands that do it."""


def commands(language: str, name: str) -> bytes:
    """Returns the text of the file of this name, in a language."""
    with speaking(language):
        parts = [f"# {_(said).format(name=name)}\n{lines}\n" for said, lines in STEPS]
    return "\n".join(parts).encode()
