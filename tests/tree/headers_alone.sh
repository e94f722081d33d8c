#!/bin/sh
# Fails when a header does not compile alone, or not twice in one file.
# CC names the compiler; the libraries' own folders come from pkg-config.
set -eu
cd "$(dirname "$0")/../.."

flags="-std=gnu17 -D_GNU_SOURCE -DQUIVER_VERSION=\"0\" -Ishared -Ihandlers -Ideploy -Itests -I."
flags="$flags $(pkg-config --cflags json-c fcgi libcrypto libcurl sqlite3 libargon2 hiredis cmocka)"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export flags work

# A header at a time, two at once; each leaves a file behind when it fails.
find shared handlers deploy/lambda -name node_modules -prune -o -name '*.h' -print | sort > "$work/headers"
[ -s "$work/headers" ] || { echo "there is no header"; exit 1; }
xargs -P 2 -n 1 sh -c '
	name=$(printf %s "$1" | tr / _)
	printf "#include \"%s\"\n#include \"%s\"\n" "${1#*/}" "${1#*/}" > "$work/$name.c"
	if ! ${CC:-cc} $flags -Wall -Wextra -Werror -fsyntax-only "$work/$name.c" \
	    2> "$work/$name.log"; then
		echo "$1 does not compile alone:"
		head -n 10 "$work/$name.log"
		: > "$work/$name.failed"
	fi' check < "$work/headers"

for failed in "$work"/*.failed; do
	[ ! -e "$failed" ] || exit 1
done
