#!/bin/sh
# Fails when a table of SECURITY.md names a test file that does not exist or without a test
# of it, or quotes the name of a test that the file named before it does not have.
set -eu
cd "$(dirname "$0")/../.."

failed=0
quoted=0
names=$(mktemp)
trap 'rm -f "$names"' EXIT
# The rows, each behind a "|" of its own: one `file` or "test" a line.
sed -n 's/^|/|\n|/p' SECURITY.md | grep -o '^|$\|`tests/[^`]*`\|"[^"]*"' > "$names"

# FILE NAME
has_test() {
	case $1 in
	*.c) grep -qxF "TEST($2)" "$1" ;;
	*.mjs) grep -qF -e "test('$2'," -e "each('$2'," "$1" ;;
	*) return 1 ;;
	esac
}

# A file of tests whose row quotes none of them.
check_quoted() {
	case $file in
	*.c | *.mjs) [ "$of_file" -gt 0 ] || { echo "SECURITY.md: of $file no test is named"; failed=1; } ;;
	esac
	of_file=0
}

file=
of_file=0
while IFS= read -r name; do
	case $name in
	'|')
		check_quoted
		file= ;;
	'`'*)
		check_quoted
		file=${name#?}
		file=${file%?}
		[ -e "$file" ] || { echo "SECURITY.md: $file does not exist"; failed=1 file=; } ;;
	*)
		name=${name#?}
		name=${name%?}
		[ -n "$file" ] || continue      # a quotation of something else
		quoted=$((quoted + 1)) of_file=$((of_file + 1))
		has_test "$file" "$name" || { echo "SECURITY.md: $file has no test \"$name\""; failed=1; } ;;
	esac
done < "$names"
check_quoted
[ "$quoted" -gt 0 ] || { echo "SECURITY.md quotes no test"; failed=1; }
exit $failed
