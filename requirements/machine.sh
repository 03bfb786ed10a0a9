#!/bin/sh
# What Muniment needs of the machine itself, beside the Python packages in the locks here.
#   machine.sh python   print a Python >= 3.11 that can make virtual environments
#   machine.sh serve    the libraries that set a report's type
#   machine.sh test     the strangers that check our work: a JDK and Maven, poppler,
#                       Chromium, PostgreSQL, and SoftHSM2
# What is missing is installed when this runs as root on Debian or Ubuntu, else named with the
# one command that installs it.
set -eu

provide() { # packages...
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "installing $*" >&2
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends "$@"; } >&2
    else
        echo "missing on this machine: $*" >&2
        echo "install with: sudo apt-get install --no-install-recommends $*" >&2
        exit 1
    fi
}

find_python() {
    for name in python3.13 python3.12 python3.11 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
            2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    return 1
}

loads() { # shared library
    .venv/bin/python -c 'import ctypes, sys; ctypes.CDLL(sys.argv[1])' "$1" 2>/dev/null
}

has_postgresql() {
    for program in /usr/lib/postgresql/*/bin/postgres; do # Debian keeps it off the PATH
        [ ! -x "$program" ] || return 0
    done
    command -v postgres >/dev/null
}

case "$1" in
python)
    find_python || { provide python3 python3-venv && find_python; } || {
        echo "no Python 3.11 or newer is to be had here" >&2
        exit 1
    }
    ;;
serve)
    missing=
    loads libpango-1.0.so.0 || missing="$missing libpango-1.0-0"
    loads libpangoft2-1.0.so.0 || missing="$missing libpangoft2-1.0-0"
    loads libharfbuzz-subset.so.0 || missing="$missing libharfbuzz-subset0"
    # shellcheck disable=SC2086  # one word per package
    [ -z "$missing" ] || provide $missing
    ;;
test)
    missing=
    command -v javac >/dev/null || missing="$missing default-jdk-headless"
    command -v mvn >/dev/null || missing="$missing maven"
    command -v pdftotext >/dev/null || missing="$missing poppler-utils"
    command -v chromium >/dev/null || command -v chromium-browser >/dev/null ||
        missing="$missing chromium"
    has_postgresql || missing="$missing postgresql"
    command -v softhsm2-util >/dev/null || missing="$missing softhsm2"
    # shellcheck disable=SC2086  # one word per package
    [ -z "$missing" ] || provide $missing
    ;;
*)
    echo "usage: machine.sh python|serve|test" >&2
    exit 2
    ;;
esac
