# Sourced by scripts/quickstart and scripts/test: finds a Python, makes .venv, installs nnguide.
# shellcheck shell=bash
#
# After `prepare_environment` or `prepare_environment dev` the programs of the environment are
# first on PATH. A stamp in .venv, written when everything is installed, says what for; while it
# matches, nothing is installed and no network is needed.

ENVIRONMENT="$ROOT/.venv"
STAMP="$ENVIRONMENT/nnguide-installed"
PIP_LOG="$ENVIRONMENT/pip.log"
TORCH_CPU_INDEX="https://download.pytorch.org/whl/cpu"

say() { printf '== %s\n' "$*"; }

fail() {
    printf '\nerror: %s\n' "$1" >&2
    shift
    [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
    exit 1
}

# is_supported PYTHON: it runs and is a version that nnguide is tested with.
is_supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null
}

# can_make_environments PYTHON: Debian and its children ship Python without these two modules.
can_make_environments() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

version_of() { "$1" -c 'import platform; print(platform.python_version())'; }

# The Python to make .venv with: $PYTHON alone if it is set, else the first that can.
find_python() {
    local candidate candidates=(python3 python3.13 python3.12 python3.11) without_venv=""
    if [ -n "${PYTHON:-}" ]; then
        candidates=("$PYTHON")
        is_supported "$PYTHON" || fail \
            "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13." \
            "Set PYTHON to one that is, or unset it."
    fi
    for candidate in "${candidates[@]}"; do
        is_supported "$candidate" || continue
        if can_make_environments "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        without_venv="${without_venv:-$candidate}"
    done
    [ -z "$without_venv" ] || fail \
        "$without_venv ($(version_of "$without_venv")) lacks venv or ensurepip, which make .venv." \
        "Debian, Ubuntu: sudo apt install python3-venv" \
        "Elsewhere: install the rest of Python, or set PYTHON to a complete one."
    fail "no Python 3.11, 3.12 or 3.13 found." \
        "Debian 12, Ubuntu 24.04 or newer: sudo apt install python3 python3-venv" \
        "Fedora: sudo dnf install python3.13" \
        "Elsewhere: https://www.python.org/downloads/" \
        "If it is not on PATH: PYTHON=/path/to/python3.12 $0"
}

# Whether .venv is whole: an interpreter that runs, of a supported version, with pip.
environment_is_whole() {
    is_supported "$ENVIRONMENT/bin/python" && "$ENVIRONMENT/bin/python" -c 'import pip' 2>/dev/null
}

make_environment() {
    local python
    if environment_is_whole; then
        return
    fi
    python="$(find_python)"
    if [ -e "$ENVIRONMENT" ]; then
        say ".venv is incomplete: it is made anew"
        rm -rf "$ENVIRONMENT"
    fi
    say "making .venv with $python ($(version_of "$python"))"
    "$python" -m venv "$ENVIRONMENT" || fail "$python -m venv could not make .venv."
    environment_is_whole || fail "$python -m venv left .venv without a working pip."
}

# What an installation depends on: what is asked for, the interpreter, and where it all lies.
fingerprint() {
    "$ENVIRONMENT/bin/python" - "$ROOT" setup.cfg pyproject.toml \
        requirements.txt requirements-dev.txt <<'PYTHON'
import hashlib, pathlib, sys

root = pathlib.Path(sys.argv[1])
digest = hashlib.sha256(f"{sys.version} {root}".encode())
for name in sys.argv[2:]:
    digest.update(hashlib.sha256((root / name).read_bytes()).digest())
print(digest.hexdigest())
PYTHON
}

# is_installed FINGERPRINT EXTRA: the stamp says so; `dev` holds all that the plain one needs.
is_installed() {
    local found extra
    read -r found extra 2>/dev/null <"$STAMP" || return 1
    [ "$found" = "$1" ] && { [ "$extra" = "$2" ] || [ "$extra" = dev ]; }
}

# pip_install ARGUMENTS...: pip's own words go to a log, the terminal sees one line of progress.
pip_install() {
    local line
    "$ENVIRONMENT/bin/python" -m pip install --disable-pip-version-check "$@" \
        </dev/null 2>&1 | show_progress || {
        while IFS= read -r line; do printf '   %s\n' "$line"; done <"$PIP_LOG" >&2
        fail "pip could not install what is needed; its own words are above." \
            "It needs a package index (see: pip config list) and several GB of disk." \
            "Run the same command again: it goes on where this one stopped."
    }
}

# Keeps the lines of pip in a log and shows on a terminal how far it is.
show_progress() {
    local line name="" seen=0
    : >"$PIP_LOG"
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$PIP_LOG"
        [ -t 1 ] || continue
        case "$line" in
            "Collecting "*)
                seen=$((seen + 1)) name="${line#Collecting }" name="${name%% *}"
                printf '\r\033[K   package %d: %s' "$seen" "$name"
                ;;
            *"Downloading "*" ("*")")
                printf '\r\033[K   package %d: %s (%s' "$seen" "$name" "${line##* \(}"
                ;;
            "Installing collected packages"*)
                printf '\r\033[K   writing %d packages to .venv' "$seen"
                ;;
        esac
    done
    [ ! -t 1 ] || printf '\r\033[K'
}

# pip_install_verified ARGUMENTS...: only files whose SHA-256 the requirements name. What is built
# from source is built with the verified setuptools, not with one that pip would fetch for it.
pip_install_verified() {
    pip_install --require-hashes --no-deps --no-build-isolation "$@"
}

# pins FILE NAME...: the lines of these packages in FILE, as a requirements file of their own
pins() {
    local file="$ROOT/$1" name
    shift
    for name; do
        sed -n "/^$name==/,/[^\\\\]\$/p" "$file"
    done >"$ENVIRONMENT/pins.txt"
    printf '%s\n' "$ENVIRONMENT/pins.txt"
}

# PyTorch's Linux builds on the common index carry gigabytes of CUDA, which no test needs.
install_torch() {
    local version wheels="$ENVIRONMENT/wheels" pins
    version="$(sed -n 's/^torch==\([^ ]*\).*/\1/p' "$ROOT/requirements-dev.txt")"
    if "$ENVIRONMENT/bin/python" - "$version" 2>/dev/null <<'PYTHON'
import importlib.metadata, sys

sys.exit(importlib.metadata.version("torch").partition("+")[0] != sys.argv[1])
PYTHON
    then
        return
    fi
    pins="$(pins requirements-dev.txt torch)"
    if [ "$(uname -s)" != Linux ]; then
        say "installing PyTorch $version"
        pip_install_verified --requirement "$pins"
    elif is_reachable "$TORCH_CPU_INDEX/torch/"; then
        say "installing PyTorch $version, the CPU build (200 MB to download)"
        pip_install_verified --index-url "$TORCH_CPU_INDEX" --requirement "$pins"
    else
        say "installing PyTorch $version from pip's own index, since $TORCH_CPU_INDEX"
        say "cannot be reached: where that has the CUDA build, 3 GB are downloaded"
        # pip prefers a build of which the index names a known hash; this takes the one it would
        # take without hashes, and verifies it after
        "$ENVIRONMENT/bin/python" -m pip download --quiet --disable-pip-version-check --no-deps \
            --dest "$wheels" "torch==$version" </dev/null || fail "pip could not download PyTorch."
        pip_install_verified --no-index --find-links "$wheels" --requirement "$pins"
        rm -rf "$wheels"
    fi
}

# is_reachable URL: it answers within seconds; pip itself would try for minutes.
is_reachable() {
    timeout 10 "$ENVIRONMENT/bin/python" -c '
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=5).close()' "$1" 2>/dev/null
}

# prepare_environment [dev]
prepare_environment() {
    local extra="${1:-plain}" print
    make_environment
    export PATH="$ENVIRONMENT/bin:$PATH"
    print="$(fingerprint)"
    if is_installed "$print" "$extra"; then
        say "already installed in .venv"
        return
    fi
    rm -f "$STAMP"
    say "installing the build tools"
    pip_install_verified --requirement "$(pins requirements.txt setuptools wheel)"
    if [ "$extra" = dev ]; then
        install_torch
        say "installing what the tests and extras need (1 GB to download, 5 GB on disk)"
        pip_install_verified --requirement "$ROOT/requirements-dev.txt"
        # the libraries that the CUDA build of PyTorch needs, if it is that; else nothing
        pip_install torch
    else
        say "installing what nnguide needs (800 MB to download, 3 GB on disk)"
        pip_install_verified --requirement "$ROOT/requirements.txt"
    fi
    pip_install --no-deps --no-build-isolation --editable "$ROOT"
    printf '%s %s\n' "$print" "$extra" >"$STAMP.new"
    mv "$STAMP.new" "$STAMP"
}
