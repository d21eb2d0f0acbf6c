#!/bin/sh
# Write constraints.txt, requirements.lock and tests/requirements.lock from requirements.txt and tests/requirements.txt.
#
#   lock.sh           what constraints.txt holds stays; what is missing is added, what nothing needs is dropped
#   lock.sh upgrade   the newest versions that fit
#
# constraints.txt: versions alone, for `pip install -c`. The locks: the same versions with the hashes of their files, for
# every system and every Python of the book. torch and what it brings for one platform are not in them: which build of
# torch fits depends on the machine.
set -eu
cd "$(dirname "$0")/.."

command -v uv >/dev/null || {
    echo "uv is needed to lock versions: pip install uv" >&2
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# What torch needs on every platform is locked, too.
printf '%s\n' filelock fsspec jinja2 networkx setuptools sympy typing-extensions >"$work/torch.in"
grep -v '^torch==' requirements.txt >"$work/book.in"
if [ "${1:-}" = upgrade ]; then : >"$work/kept"; else grep -v '^#' constraints.txt >"$work/kept"; fi

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate "$@" >/dev/null
}

compile "$work/book.in" "$work/torch.in" tests/requirements.txt -c "$work/kept" -o "$work/all.txt"
compile "$work/book.in" "$work/torch.in" -c "$work/all.txt" --generate-hashes -o "$work/book.lock"
compile "$work/book.in" "$work/torch.in" tests/requirements.txt -c "$work/all.txt" --generate-hashes -o "$work/test.lock"

{
    echo "# The exact versions that the book was built and tested with, the same on every Python, so that a package uploaded"
    echo "# later cannot change it. Written by \`make lock\`. torch brings its own platform packages; requirements.txt pins it."
    cat "$work/all.txt"
} >"$work/constraints.txt"
{ echo "# Written by \`make lock\`."; cat "$work/book.lock"; } >"$work/requirements.lock"
{ echo "# Written by \`make lock\`."; cat "$work/test.lock"; } >"$work/tests.lock"
mv "$work/constraints.txt" constraints.txt
mv "$work/requirements.lock" requirements.lock
mv "$work/tests.lock" tests/requirements.lock
