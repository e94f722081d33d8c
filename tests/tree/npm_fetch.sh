#!/bin/bash
# deploy/npm fetches what is not there whole: nothing twice, and again what was broken
# off, lost its stamp, or is of another lock file.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/deploy" "$dir/bin" "$dir/site"
cp deploy/npm "$dir/deploy/"
echo '{"lock": 1}' >"$dir/site/package-lock.json"
# It counts its calls, and breaks off half-way when it is told to.
cat >"$dir/bin/npm" <<END
#!/bin/sh
echo "\$*" >>"$dir/calls"
mkdir -p "$dir/site/node_modules/half"
[ ! -e "$dir/broken" ] || exit 1
END
chmod +x "$dir/bin/npm"
: >"$dir/calls"

fetch() { PATH=$dir/bin:$PATH "$dir/deploy/npm" site --omit=dev 2>/dev/null; }
fetched() {
	local calls
	calls=$(wc -l <"$dir/calls")
	[ "$calls" -eq "$1" ] || { echo "$2: npm was called $calls times, not $1"; exit 1; }
}

: >"$dir/broken"
! fetch || { echo 'a fetch that breaks off went well'; exit 1; }
fetched 1 'the first time'
rm "$dir/broken"
fetch
fetched 2 'after one that broke off'
fetch
fetched 2 'when all is there'
rm "$dir/site/node_modules/.fetched"
fetch
fetched 3 'without its stamp'
echo '{"lock": 2}' >"$dir/site/package-lock.json"
fetch
fetched 4 'with another lock file'
grep -q -- '--omit=dev' "$dir/calls" || { echo 'its arguments do not reach npm'; exit 1; }
