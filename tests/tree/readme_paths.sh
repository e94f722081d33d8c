#!/bin/sh
# Fails when shared/README.md names a path that does not exist, or a function that no
# file of shared/ has.
set -eu
cd "$(dirname "$0")/../.."

failed=0
names=$(mktemp)
trap 'rm -f "$names"' EXIT
# What stands between backquotes, one a line; `struct x`, calls and commands fall out below.
grep -o '`[^`]*`' shared/README.md | tr -d '`' | sort -u > "$names"
[ -s "$names" ] || { echo "shared/README.md names nothing"; exit 1; }

while read -r name; do
	case $name in
	*[!A-Za-z0-9_./-]*) ;;                  # prose or code
	/*) ;;                                  # a path of the API
	*NAME*) ;;                              # stands for any
	*/*)
		[ -e "$name" ] || { echo "shared/README.md: $name does not exist"; failed=1; } ;;
	*[A-Z.]*) ;;                            # a setting, a file elsewhere
	*_*)
		grep -rqw --include='*.[ch]' -e "$name" shared ||
		    { echo "shared/README.md: shared/ has no $name"; failed=1; } ;;
	esac
done < "$names"
exit $failed
