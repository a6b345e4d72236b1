#!/bin/sh
# Build Zonemaster from its public repositories, to compare with; README.md beside names what it needs.
#
#   build.sh SOURCES PREFIX
#
# SOURCES: a URL or directory above the repositories zonemaster-ldns, zonemaster-engine and zonemaster-cli, or one with
# {} in the place of the name, such as '/mirror/zonemaster+{}/repo'. PREFIX gets bin/zonemaster-cli and lib/perl5.
# LDNS_TAG, ENGINE_TAG and CLI_TAG name other releases than these of Zonemaster 2025.2 (zonemaster-cli 8 where there is
# one: its version 7.2.0 runs engine 8.1.0, too).
set -eu

[ $# -eq 2 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
sources=$1
mkdir -p "$2"
prefix=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PERL5LIB="$prefix/lib/perl5"

# Take the files of a tag; their tests are left out: they are large, and not run here.
checkout() { # repository tag
    case $sources in
        *'{}'*) url=$(printf '%s' "$sources" | sed "s#{}#$1#") ;;
        *) url=$sources/$1 ;;
    esac
    case $url in
        *://*) git clone -q --bare --depth 1 --branch "$2" "$url" "$work/$1.git"; url=$work/$1.git ;;
    esac
    mkdir "$work/$1"
    GIT_INDEX_FILE="$work/$1.index" git -c safe.directory='*' --git-dir="$url" --work-tree="$work/$1" \
        checkout -q "$2" -- . ':(exclude)t'
    mkdir "$work/$1/t"
    printf 'print "1..0\\n";\n' >"$work/$1/t/none.t"
}

build() { # repository tag [options of Makefile.PL]
    repository=$1 tag=$2
    shift 2
    echo "$repository $tag"
    checkout "$repository" "$tag"
    (cd "$work/$repository" && perl Makefile.PL "INSTALL_BASE=$prefix" "$@" && make && make install) \
        >"$work/log" 2>&1 </dev/null || { tail -n 30 "$work/log" >&2; exit 1; }
}

build zonemaster-ldns "${LDNS_TAG:-v5.0.2}" --no-internal-ldns
build zonemaster-engine "${ENGINE_TAG:-v8.1.0}"
build zonemaster-cli "${CLI_TAG:-v7.2.0}"
"$prefix/bin/zonemaster-cli" --version
