# shellcheck shell=bash disable=SC2034
# What the build and the tests need of Debian, for packaging/try and tests/run, which source this file.

build_packages=(g++ cmake ninja-build pkg-config ccache libboost1.81-dev libboost-json1.81-dev libboost-system1.81-dev
                libyaml-cpp-dev libspdlog-dev libfmt-dev catch2 libcli11-dev zlib1g-dev python3 git)
test_packages=(gunicorn redis-tools curl procps util-linux mount e2fsprogs iproute2 systemd)
lint_packages=(clang libclang-rt-14-dev clang-format-14)

# The system's own tools: a version manager's shims in front of them are not what the packages bring.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin

# Without a home there is no place that ccache would choose by itself.
if [[ ! -w ${HOME:-/nonexistent} ]]; then
    export CCACHE_DIR=$PWD/build/.ccache
fi

is_installed() {
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# install_packages PACKAGE...: those that are missing, asking nothing. Nothing is touched when all are there.
install_packages() {
    local missing=() package sudo=()
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    ((${#missing[@]})) || return 0
    if ! command -v apt-get >/dev/null; then
        echo "This is not a Debian; please install what corresponds to: ${missing[*]}" >&2
        return 1
    fi
    if ((EUID != 0)); then
        if ! command -v sudo >/dev/null; then
            echo "Neither root nor sudo: please have an administrator run: apt-get install ${missing[*]}" >&2
            return 1
        fi
        sudo=(sudo)
    fi
    echo "Installing ${missing[*]}"
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}"
}
