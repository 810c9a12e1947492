#!/bin/sh
# Installs callrec from this folder, without a network and without a compiler, and uses it once it was tried.
#
# usage: sh install.sh [--prefix FOLDER] [--python PROGRAM]
#        sh install.sh --back [--prefix FOLDER]        uses the version before again
#
# FOLDER (/opt/callrec) gets a folder for each version. In it `current` leads to the version in use, `former` to
# the one before, and bin/callrec is the program. Nothing else of the machine is changed; where something is
# missing, nothing at all.
set -eu
umask 022

prefix=/opt/callrec
python=python3
back=

# All of it but the demo's phones, which are not here.
every_import='
import importlib, pkgutil, callrec
for each in pkgutil.walk_packages(callrec.__path__, "callrec."):
    if each.name not in ("callrec.demo.softphones", "callrec.demo.walkthrough", "callrec.__main__"):
        importlib.import_module(each.name)
'

fail() {
    echo "install.sh: $*; nothing was changed" >&2
    exit 1
}

use() { # use LINK NAME : leads to another version, in one step
    ln -sfn "$2" "$prefix/$1.new"
    mv -T "$prefix/$1.new" "$prefix/$1"
}

version_of() { # version_of NAME : as its program says itself, wherever it is called from
    said=$(cd / && env -i PATH="$PATH" LANG=C.UTF-8 "$prefix/$1/bin/callrec" --version 2>/dev/null) &&
        echo "${said##* }"
}

while [ $# -gt 0 ]; do
    case "$1" in
        --prefix | --python)
            [ $# -gt 1 ] || fail "$1 needs a value"
            case "$1" in --prefix) prefix=${2%/} ;; *) python=$2 ;; esac
            shift ;;
        --back) back=yes ;;
        *) fail "$1 is no option: --prefix FOLDER, --python PROGRAM, --back" ;;
    esac
    shift
done

case "$prefix" in
    /*[[:space:]]*) fail "the folder $prefix has a blank in its name" ;;
    /?*) ;;
    *) fail "the folder must begin with /" ;;
esac
if [ -e "$prefix/bin" ] && [ "$(readlink "$prefix/bin")" != current/bin ]; then
    fail "$prefix is there and was made by something else"
fi
current=$(readlink "$prefix/current") || current=
former=$(readlink "$prefix/former") || former=

if [ "$back" ]; then
    [ "$former" ] || fail "there is no version before in $prefix"
    [ "$(version_of "$former")" ] || fail "the version before, $prefix/$former, does not start"
    use former "$current"
    use current "$former"
    echo "callrec $(version_of current) is used again; restart what runs: systemctl restart callrec callrec-desk"
    exit 0
fi

# --- what is needed, before anything is changed

here=$(cd "$(dirname "$0")" && pwd)
cd "$here"
damaged=$(sha256sum --check --quiet SHA256SUMS 2>/dev/null) || fail "this folder is damaged: ${damaged:-SHA256SUMS}"
[ "$(uname -m)" = "$(cat architecture)" ] || fail "this is for $(cat architecture), and the machine is $(uname -m)"

missing=
if command -v "$python" >/dev/null; then
    has=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    fit=$(ls requirements-*.txt | sed 's/requirements-\(.*\)\.txt/\1/' | paste -sd ' ')
    [ -f "requirements-$has.txt" ] || fail "$python is Python $has, and this is for one of: $fit"
    "$python" -c 'import venv, ensurepip' 2>/dev/null || missing="$missing python3-venv"
else
    missing="$missing python3 python3-venv"
fi
command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null || missing="$missing ffmpeg"
[ -z "$missing" ] || fail "missing:$missing (apt-get install$missing)"

mkdir -p "$prefix" 2>/dev/null && [ -w "$prefix" ] || fail "$prefix cannot be written; run this as root"
exec 9<"$prefix"
flock -n 9 || fail "another install.sh is at work in $prefix"

# --- beside the version in use

version=$(cat version)
name=$version-py$has-$(sha256sum SHA256SUMS | cut -c 1-8)
target=$prefix/$name
if [ "$current" = "$name" ] && [ "$(version_of "$name")" = "$version" ]; then
    echo "callrec $version is installed already in $prefix; nothing was changed"
    exit 0
fi

undo() { # whatever went wrong: the version in use was not touched
    rm -rf --one-file-system "$target"
    rmdir "$prefix" 2>/dev/null || true
    echo "install.sh: callrec $version was not installed: $step failed${current:+; callrec in use is as before}" >&2
}

if ! [ -f "$target/tried" ]; then
    rm -rf --one-file-system "$target" # what was broken off
    trap undo EXIT
    trap 'exit 1' INT TERM HUP
    step="making its environment"
    "$python" -m venv "$target"
    step="installing its packages"
    "$target/bin/python" -m pip --isolated install --quiet --disable-pip-version-check --no-index \
        --find-links wheels --require-hashes --requirement "requirements-$has.txt"
    "$target/bin/python" -m pip --isolated check >/dev/null
    step="its first start"
    [ "$(version_of "$name")" = "$version" ]
    step="the import of all its parts"
    (cd / && "$target/bin/python" -I -c "$every_import")
    touch "$target/tried"
    trap - EXIT
fi

# --- and then in its place

[ -z "$current" ] || [ "$current" = "$name" ] || use former "$current"
use current "$name"
[ -L "$prefix/bin" ] || ln -s current/bin "$prefix/bin"
echo "callrec $version is installed: $prefix/bin/callrec"
[ -z "$current" ] || echo "restart what runs: systemctl restart callrec callrec-desk; way back: sh install.sh --back"
for each in "$prefix"/*-py*; do
    case "${each##*/}" in
        "$name" | "$(readlink "$prefix/former")") ;;
        *) echo "no longer used, once nothing runs from it: $each" ;;
    esac
done
