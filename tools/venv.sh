#!/bin/sh
# Make or mend the virtual environment: venv.sh VENV book|test [PYTHON]
#
# Says nothing when there is nothing to do. PYTHON is the interpreter asked for; without one, the first that fits is
# taken. What is installed is recorded in VENV/.installed-*, by a checksum of the lists it was installed from, so that
# an interrupted or outdated installation is noticed. A second call waits for the first.
set -eu

venv=$1
purpose=$2
asked=${3:-}
mark="$venv/.made-by-make"
lock="$venv.lock"
versions="Python 3.11, 3.12, 3.13 or 3.14"

fail() {
    echo "$1" >&2
    exit 1
}

# The version of an interpreter as 3.12; nothing when there is no such interpreter.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() {
    case $(version_of "$1") in 3.11 | 3.12 | 3.13 | 3.14) return 0 ;; esac
    return 1
}

first_fitting() {
    for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

# The interpreter to use, or one line that says what to do.
choose_python() {
    if [ -n "$asked" ]; then
        found=$(version_of "$asked")
        fits "$asked" && echo "$asked" && return
        other=$(first_fitting)
        hint="install one of these, or name it: make book PYTHON=/path/to/python3.12"
        [ -n "$other" ] && hint="try: make book PYTHON=$other"
        [ -n "$found" ] || fail "There is no working Python called '$asked'; the book needs $versions; $hint"
        fail "$asked is Python $found; the book needs $versions; $hint"
    fi
    other=$(first_fitting)
    [ -n "$other" ] && echo "$other" && return
    found=$(version_of python3)
    [ -n "$found" ] || fail "No Python found: install $versions, or name it: make book PYTHON=/path/to/python3.12"
    fail "python3 is Python $found; install $versions, or name it: make book PYTHON=/path/to/python3.12"
}

# A checksum of the files given and of the interpreter's version.
checksum() {
    { cat "$@" && version_of "$venv/bin/python"; } | cksum
}

pip_install() {
    # -qq: errors only; where packages come from is for the user's own pip configuration to say.
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check "$@" ||
        fail "Installing failed (pip's reason stands above); mend it and run the same command again."
}

# An environment is usable when its interpreter runs, fits, and is of the version asked for (if any).
usable() {
    [ -x "$venv/bin/python" ] && fits "$venv/bin/python" || return 1
    [ -z "$asked" ] || ! fits "$asked" || [ "$(version_of "$asked")" = "$(version_of "$venv/bin/python")" ]
}

# What an installation was made from: anything else in these files, or another Python, and it is made again.
book_lists="requirements.txt requirements.lock"
test_lists="$book_lists tests/requirements.txt tests/requirements.lock tests/requirements-no-deps.txt"
# shellcheck disable=SC2086  # lists of names without blanks
installed() {
    case $1 in book) lists=$book_lists ;; *) lists=$test_lists ;; esac
    [ "$(cat "$venv/.installed-$1" 2>/dev/null)" = "$(checksum $lists)" ]
}

# shellcheck disable=SC2086
record() {
    case $1 in book) lists=$book_lists ;; *) lists=$test_lists ;; esac
    checksum $lists >"$venv/.installed-$1"
}

ready() {
    [ ! -e "$venv/.unfinished" ] && usable && installed book && { [ "$purpose" = book ] || installed test; }
}

# One at a time: two installations into one folder spoil each other. A lock whose owner is gone is taken over.
take_lock() {
    told=
    until mkdir "$lock" 2>/dev/null; do
        [ -d "$lock" ] || fail "$venv is not complete and cannot be made here: this folder cannot be written to"
        owner=$(cat "$lock/pid" 2>/dev/null || true)
        if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
            rm -rf "$lock"
            continue
        fi
        [ -n "$told" ] || echo "Another make is preparing $venv; waiting for it …"
        told=yes
        sleep 1
    done
    echo $$ >"$lock/pid"
    trap 'rm -rf "$lock"' EXIT
    trap 'exit 1' INT TERM HUP
}

if [ -n "$asked" ]; then
    choose_python >/dev/null
fi
ready && exit 0
take_lock
ready && exit 0

if ! usable || [ -e "$venv/.unfinished" ]; then
    python=$(choose_python)
    if [ -e "$venv" ]; then
        [ -e "$mark" ] || fail "$venv exists, was not made by make and does not fit; move it away and try again"
        echo "Making $venv anew: it is unfinished, or of another Python."
        rm -rf "$venv"
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "$python lacks the venv module; install it (Debian and Ubuntu: apt-get install python$(version_of "$python")-venv) or name another Python with PYTHON=…"
    echo "Making $venv with Python $(version_of "$python") …"
    mkdir -p "$venv"
    touch "$mark" "$venv/.unfinished"
    "$python" -m venv "$venv" || fail "$python could not make $venv (its reason stands above)"
    rm "$venv/.unfinished"
fi

if ! installed book; then
    rm -f "$venv/.installed-book"
    echo "Installing torch, the largest package (a few minutes the first time) …"
    pip_install "$(grep '^torch==' requirements.txt)" -c constraints.txt
    echo "Installing jupyter-book and the lessons' packages (a minute or two) …"
    pip_install --require-hashes -r requirements.lock
    record book
fi

if [ "$purpose" = test ] && ! installed test; then
    rm -f "$venv/.installed-test"
    echo "Installing what the tests need (a minute or two) …"
    pip_install --require-hashes -r tests/requirements.lock
    pip_install --no-deps -r tests/requirements-no-deps.txt
    record test
fi
