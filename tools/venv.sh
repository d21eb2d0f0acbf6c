#!/bin/sh
# Make or mend the virtual environment: venv.sh VENV book|test [PYTHON]
#
# Says nothing when there is nothing to do. PYTHON is the interpreter asked for; without one, the first fitting of
# python3, python3.13, python3.12 and python3.11 is taken. What is installed is recorded in VENV/.installed-*, by a
# checksum of the lists it was installed from, so that an interrupted or outdated installation is noticed.
set -eu

venv=$1
purpose=$2
asked=${3:-}
mark="$venv/.made-by-make"

fail() {
    echo "$1" >&2
    exit 1
}

# The version of an interpreter as 3.12; nothing when there is no such interpreter.
version_of() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || true
}

fits() {
    case $(version_of "$1") in 3.11 | 3.12 | 3.13) return 0 ;; esac
    return 1
}

first_fitting() {
    for candidate in python3 python3.13 python3.12 python3.11; do
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
        [ -n "$found" ] || fail "There is no working Python called '$asked'; the book needs Python 3.11, 3.12 or 3.13; $hint"
        fail "$asked is Python $found; the book needs Python 3.11, 3.12 or 3.13; $hint"
    fi
    other=$(first_fitting)
    [ -n "$other" ] && echo "$other" && return
    found=$(version_of python3)
    [ -n "$found" ] || fail "No Python found: install Python 3.11, 3.12 or 3.13, or name it: make book PYTHON=/path/to/python3.12"
    fail "python3 is Python $found; install Python 3.11, 3.12 or 3.13, or name it: make book PYTHON=/path/to/python3.12"
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

if [ -n "$asked" ]; then
    choose_python >/dev/null
fi

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

wanted=$(checksum requirements.txt constraints.txt)
if [ "$(cat "$venv/.installed-book" 2>/dev/null)" != "$wanted" ]; then
    rm -f "$venv/.installed-book"
    echo "Installing torch, the largest package (a few minutes the first time) …"
    pip_install "$(grep '^torch==' requirements.txt)" -c constraints.txt
    echo "Installing jupyter-book and the lessons' packages (a minute or two) …"
    pip_install -r requirements.txt -c constraints.txt
    echo "$wanted" >"$venv/.installed-book"
fi

[ "$purpose" = test ] || exit 0
wanted=$(checksum requirements.txt constraints.txt tests/requirements.txt tests/requirements-no-deps.txt)
if [ "$(cat "$venv/.installed-test" 2>/dev/null)" != "$wanted" ]; then
    rm -f "$venv/.installed-test"
    echo "Installing what the tests need (a minute or two) …"
    pip_install -r tests/requirements.txt -c constraints.txt
    pip_install --no-deps -r tests/requirements-no-deps.txt
    echo "$wanted" >"$venv/.installed-test"
fi
