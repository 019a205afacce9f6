# shellcheck shell=bash
# shellcheck disable=SC2034 # the lists of packages are for whoever sources this
# What the scripts share. Sourced with the working folder at the package's root.

# Says what is being done, on standard error so that output stays for programs.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# Prints the comment at the head of the calling script, which is its help.
print_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# A crash handler that symbolicates for minutes is of no use in a host or in a test run.
export SWIFT_BACKTRACE=${SWIFT_BACKTRACE:-enable=no}

# Debian packages, by what needs them.
build_packages=(
    # What the Swift toolchain itself needs.
    binutils ca-certificates gcc git libc6-dev libedit2 libncurses6 libstdc++-12-dev libxml2 tzdata
    libcurl4-openssl-dev libseccomp-dev libsqlite3-dev libssl-dev libwebsockets-dev libzip-dev zlib1g-dev
    # The launcher's C library.
    musl-tools
    python3 python3-venv
)
serve_packages=(libjs-codemirror python3-pip)
test_packages=(shellcheck uidmap)
uml_packages=(user-mode-linux)
page_packages=(chromium)
bench_packages=(bubblewrap wrk)

# Installs those of the named packages that are missing. Costs 30 ms when none is.
install_packages() {
    if ! command -v dpkg-query >/dev/null; then
        say "this is no Debian system: see to it that what these packages hold is there: $*"
        return
    fi
    local missing=() name
    for name in "$@"; do
        # A package may be provided by another, as libcurl4-openssl-dev by a newer one.
        dpkg-query -W -f '${Status}\n' "$name" 2>/dev/null | grep -q '^install ok installed' || missing+=("$name")
    done
    ((${#missing[@]})) || return 0
    local root=()
    if ((EUID != 0)); then
        command -v sudo >/dev/null || fail "as root, please: apt-get install ${missing[*]}"
        root=(sudo)
    fi
    say "installing ${missing[*]}${root[*]:+ with sudo}"
    "${root[@]}" apt-get update -qq
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Puts Swift on the PATH, wherever its usual places are, and checks its version.
find_swift() {
    local folder
    for folder in /opt/swift/usr/bin /usr/local/swift/usr/bin /usr/share/swift/usr/bin "${HOME:-/}/.local/share/swiftly/bin"; do
        command -v swift >/dev/null && break
        [[ -x $folder/swift ]] && PATH=$folder:$PATH
    done
    command -v swift >/dev/null || fail "Swift 6.3 is not on the PATH; get it at https://www.swift.org/install/linux"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1) || true
    case $version in
    6.[2-9] | 6.[1-9][0-9] | [7-9].* | [1-9][0-9].*) ;;
    *) fail "Swift ${version:-of unknown version} is too old; 6.3 is wanted: https://www.swift.org/install/linux" ;;
    esac
}

# Builds the named products for release. With the Swift library inside, so that an installation needs no Swift.
build_release() {
    local product
    for product in "$@"; do
        swift build -c release --static-swift-stdlib --product "$product" >&2
    done
}
